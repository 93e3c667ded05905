//! One socket for many tabs.
//!
//! The tab that holds a lock named after the participant leads: it has the socket and passes frames on. The
//! browser gives the lock to the next tab when that one closes or crashes, whatever state it was in. Where
//! there are no locks, each tab has its own socket, and nothing else is different.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BroadcastChannel, MessageEvent};

/// What happened among the tabs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TabEvent {
    /// This tab leads from now on.
    Leads,
    /// Another one leads.
    Follows,
    /// Another tab said something to all.
    Said(String),
}

/// How the lock is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Request {
    /// Now or not at all.
    IfFree,
    /// As soon as the others are gone.
    Queued,
    /// Now, whoever has it.
    Taken,
}

/// The other tabs with the same participant.
#[derive(Clone)]
pub struct Tabs {
    name: Rc<str>,
    channel: BroadcastChannel,
    hear: Rc<dyn Fn(TabEvent)>,
    stay: Rc<RefCell<Stay>>,
}

/// How long this tab stays with the others.
enum Stay {
    /// Has no lock.
    Waiting,
    /// Holds the lock until this is called.
    Leading(Function),
    /// Has left.
    Over,
}

impl Tabs {
    /// Joins the tabs that share `name`. Soon tells whether this one leads. `None`: the browser has no locks
    /// or channels, or forbids them here.
    pub fn join(name: &str, hear: impl Fn(TabEvent) + 'static) -> Option<Self> {
        locks()?;
        let channel = BroadcastChannel::new(name).ok()?;
        let hear: Rc<dyn Fn(TabEvent)> = Rc::new(hear);
        let heard = hear.clone();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(text) = event.data().as_string() {
                heard(TabEvent::Said(text));
            }
        });
        channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        on_message.forget();
        let stay = Rc::new(RefCell::new(Stay::Waiting));
        let this = Self { name: name.into(), channel, hear, stay };
        this.request(Request::IfFree);
        Some(this)
    }

    /// Says something to all other tabs.
    pub fn say(&self, text: &str) {
        self.channel.post_message(&text.into()).ok();
    }

    /// Leads from now on: the one that does is silent, its tab may be frozen.
    pub fn take_lead(&self) {
        self.request(Request::Taken);
    }

    /// Leaves the others: whoever comes next leads.
    pub fn leave(&self) {
        self.channel.close();
        if let Stay::Leading(release) = self.stay.replace(Stay::Over) {
            release.call0(&JsValue::UNDEFINED).ok();
        }
    }

    fn request(&self, request: Request) {
        let granted = self.clone();
        let on_lock = Closure::once_into_js(move |lock: JsValue| {
            if matches!(*granted.stay.borrow(), Stay::Over) {
                return JsValue::UNDEFINED;
            }
            if lock.is_null() {
                (granted.hear)(TabEvent::Follows);
                granted.request(Request::Queued);
                return JsValue::UNDEFINED;
            }
            (granted.hear)(TabEvent::Leads);
            // The lock is held until the tab leaves, is gone, or another one takes it.
            Promise::new(&mut |release, _| drop(granted.stay.replace(Stay::Leading(release)))).into()
        });
        let Some(promise) = ask(&self.name, request, &on_lock) else { return (self.hear)(TabEvent::Leads) };
        let lost = self.clone();
        let on_lost = Closure::once(move |reason: JsValue| {
            // Where storage is blocked, locks are refused: asking again would be refused for ever.
            let name = Reflect::get(&reason, &"name".into()).ok().and_then(|name| name.as_string());
            if name.as_deref() != Some("AbortError") {
                return (lost.hear)(TabEvent::Leads);
            }
            (lost.hear)(TabEvent::Follows);
            lost.request(Request::Queued);
        });
        let _ = promise.catch(&on_lost);
        on_lost.forget();
    }
}

/// `navigator.locks`, which bindings still hold for unstable.
fn locks() -> Option<JsValue> {
    let navigator = crate::window().navigator();
    Reflect::get(&navigator, &"locks".into()).ok().filter(JsValue::is_object)
}

fn ask(name: &str, request: Request, on_lock: &JsValue) -> Option<Promise> {
    let locks = locks()?;
    let ask: Function = Reflect::get(&locks, &"request".into()).ok()?.dyn_into().ok()?;
    let options = Object::new();
    let option = match request {
        Request::IfFree => Some("ifAvailable"),
        Request::Queued => None,
        Request::Taken => Some("steal"),
    };
    if let Some(option) = option {
        Reflect::set(&options, &option.into(), &JsValue::TRUE).ok()?;
    }
    ask.call3(&locks, &name.into(), &options, on_lock).ok()?.dyn_into().ok()
}
