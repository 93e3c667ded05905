//! One loop around the client core.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::rc::Rc;

use portico_client::{Client, Effect, Event, Input, Now, Relay, Save};
use portico_protocol::{Author, codec};
use rand_core::TryRng;
use wasm_bindgen_futures::spawn_local;

use crate::clock;
use crate::page::{self, Happening, Timer};
use crate::storage;
use crate::tabs::{TabEvent, Tabs};
use crate::ticket::{NoTicket, Tickets};
use crate::wire::{Signal, Wire, Wires};

/// Told each event after it happened.
type Hear = Box<dyn Fn(&Driver, Event)>;

/// Runs one [`Client`] in this tab. Clones drive the same one.
#[derive(Clone)]
pub struct Driver(Rc<Inner>);

struct Inner {
    client: RefCell<Client>,
    tickets: Tickets,
    wires: Wires,
    /// The wire in use, and its number: what an earlier one still tells is not heard.
    wire: RefCell<Option<Wire>>,
    wire_number: Cell<u32>,
    tabs: RefCell<Option<Tabs>>,
    timer: RefCell<Option<Timer>>,
    is_draining: Cell<bool>,
    is_ended: Cell<bool>,
    hear: Hear,
}

impl Driver {
    /// Drives a client for `me`, set up by `prepare`: what is to be followed. `hear` is told each event after it
    /// happened, and may call back into the driver. Does nothing before [`Driver::start`].
    pub fn new(
        me: Author,
        tickets: Tickets,
        prepare: impl FnOnce(&mut Client, Now),
        hear: impl Fn(&Self, Event) + 'static,
    ) -> Self {
        let mut client = Client::new(me, Box::new(BrowserRng));
        prepare(&mut client, now());
        storage::each(|key, value| {
            client.restore(key, value);
        });
        Self(Rc::new(Inner {
            client: RefCell::new(client),
            tickets,
            wires: Wires::default(),
            wire: RefCell::default(),
            wire_number: Cell::default(),
            tabs: RefCell::default(),
            timer: RefCell::default(),
            is_draining: Cell::default(),
            is_ended: Cell::default(),
            hear: Box::new(hear),
        }))
    }

    /// Connects, and shares the connection with the tabs that have the same `shared_name`.
    pub fn start(&self, shared_name: &str) {
        let this = self.clone();
        page::watch(move |happening| this.happened(happening));
        let this = self.clone();
        let tabs = Tabs::join(shared_name, move |event| this.heard_tab(event));
        let is_alone = tabs.is_none();
        *self.0.tabs.borrow_mut() = tabs;
        if is_alone {
            self.with(|client, now| client.start(now));
        }
    }

    /// Connects by a socket of this tab's own: for apps whose tabs look at different things.
    pub fn start_alone(&self) {
        let this = self.clone();
        page::watch(move |happening| this.happened(happening));
        self.with(|client, now| client.start(now));
    }

    /// Connects again after the session was renewed.
    pub fn restart(&self) {
        self.with(|client, now| client.start(now));
    }

    /// Disconnects for good: another participant takes this one's place.
    pub fn end(&self) {
        self.with(Client::stop);
        self.0.is_ended.set(true);
        let tabs = self.0.tabs.borrow_mut().take();
        if let Some(tabs) = tabs {
            tabs.leave();
        }
    }

    /// Runs a command, then does what follows from it.
    pub fn with<R>(&self, command: impl FnOnce(&mut Client, Now) -> R) -> R {
        let result = command(&mut self.0.client.borrow_mut(), now());
        self.drain();
        result
    }

    /// Looks at the client.
    pub fn read<R>(&self, look: impl FnOnce(&Client) -> R) -> R {
        look(&self.0.client.borrow())
    }

    fn handle(&self, input: Input) {
        if !self.0.is_ended.get() {
            self.with(|client, now| client.handle(now, input));
        }
    }

    /// Effects may cause inputs and events commands: the outermost call goes on until nothing is left.
    // Three callers: inlined, it would be downloaded three times.
    #[inline(never)]
    fn drain(&self) {
        if self.0.is_draining.replace(true) {
            return;
        }
        loop {
            let effect = self.0.client.borrow_mut().poll_effect();
            if let Some(effect) = effect {
                self.perform(effect);
                continue;
            }
            let event = self.0.client.borrow_mut().poll_event();
            match event {
                Some(Event::LeaderSilent) => self.take_lead(),
                Some(event) => (self.0.hear)(self, event),
                None => break,
            }
        }
        self.0.is_draining.set(false);
        self.set_timer();
    }

    fn perform(&self, effect: Effect) {
        match effect {
            Effect::Connect => spawn_local(self.clone().connect()),
            Effect::Disconnect => self.disconnect(),
            Effect::Transmit(frame) => {
                if let Some(wire) = &*self.0.wire.borrow() {
                    wire.send(&codec::encode(&frame));
                }
            }
            Effect::Save(Save { key, value }) => storage::save(&key, value.as_deref().unwrap_or_default()),
            Effect::Relay(relay) => {
                if let Some(tabs) = &*self.0.tabs.borrow() {
                    tabs.say(&relay.encode());
                }
            }
        }
    }

    async fn connect(self) {
        let number = self.0.wire_number.get() + 1;
        self.0.wire_number.set(number);
        let tickets = self.0.tickets.clone();
        let ticket = match tickets.take().await {
            Ok(ticket) => ticket,
            Err(NoTicket::SessionEnded) => return self.handle_from(number, Input::SessionEnded),
            Err(NoTicket::Later) => return self.handle_from(number, Input::Closed),
        };
        if number != self.0.wire_number.get() {
            return;
        }
        let this = self.clone();
        let ticket = RefCell::new(Some(ticket));
        let wire = self.0.wires.open(move |signal| match signal {
            Signal::Opened => {
                if let Some(ticket) = ticket.borrow_mut().take() {
                    this.handle_from(number, Input::Opened { ticket });
                }
            }
            Signal::Frame(text) => {
                // A frame that is not understood comes from a newer server: the next one may be.
                if let Ok(frame) = codec::decode_from_server(&text) {
                    this.handle_from(number, Input::Frame { frame, text });
                }
            }
            Signal::Closed => this.handle_from(number, Input::Closed),
        });
        *self.0.wire.borrow_mut() = Some(wire);
    }

    fn disconnect(&self) {
        self.0.wire_number.set(self.0.wire_number.get() + 1);
        let wire = self.0.wire.borrow_mut().take();
        // Not from inside the wire's own callback, which would be freed while it runs.
        spawn_local(async move { drop(wire) });
    }

    fn handle_from(&self, wire_number: u32, input: Input) {
        if wire_number == self.0.wire_number.get() {
            self.handle(input);
        }
    }

    fn heard_tab(&self, event: TabEvent) {
        if self.0.is_ended.get() {
            return;
        }
        match event {
            TabEvent::Leads => self.with(|client, now| client.start(now)),
            TabEvent::Follows => self.with(|client, now| client.follow_leader(now)),
            TabEvent::Said(text) => {
                if let Some(relay) = Relay::decode(&text) {
                    self.handle(Input::Relay(relay));
                }
            }
        }
    }

    /// A hidden tab leaves it: nobody waits for it, and it may be the next to be frozen.
    fn take_lead(&self) {
        if let Some(tabs) = self.0.tabs.borrow().as_ref().filter(|_| page::is_visible()) {
            tabs.take_lead();
        }
    }

    fn happened(&self, happening: Happening) {
        match happening {
            Happening::Shown => self.handle(Input::Woken),
            Happening::Online => self.handle(Input::Online),
            Happening::Hidden => self.with(|client, now| client.flush(now)),
            Happening::Offline => self.handle(Input::Tick),
        }
    }

    fn set_timer(&self) {
        let wake_at = self.read(Client::wake_at);
        let this = self.clone();
        *self.0.timer.borrow_mut() = wake_at.map(|at| {
            let millis = at.millis_since(clock::moment());
            page::after(millis, move || {
                // Behind the timer's own callback, which this replaces.
                spawn_local(async move { this.handle(Input::Tick) });
            })
        });
    }
}

fn now() -> Now {
    Now { moment: clock::moment(), wall: clock::timestamp() }
}

/// The browser's cryptographic randomness.
struct BrowserRng;

impl TryRng for BrowserRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        clock::fill_random(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        clock::fill_random(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        clock::fill_random(bytes);
        Ok(())
    }
}
