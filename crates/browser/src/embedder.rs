//! The page that holds the chat's frame, and what the two say to each other.
//!
//! The page is not trusted: it may set language, look and drafts, and hand in an identity that the brand's
//! back end has signed, nothing more. Only messages from the frame's own parent are heard, and replies go to
//! that page's origin alone. The browser has let only the brand's proven hosts embed the frame at all
//! (`frame-ancestors`).

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{JSON, Object, Reflect};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, Window};

/// Longest text that is taken from a page, in UTF-16 units.
const TEXT_LENGTH_MAX: usize = 16 * 1024;

/// Said by the page.
#[derive(Clone, Debug, PartialEq)]
pub enum FromPage {
    /// How the chat is to be set up; comes before anything else.
    Configure(Configuration),
    /// The panel is on screen. The page's address, which may have changed.
    Open {
        /// The page.
        page_url: Option<String>,
    },
    /// The panel is gone from the screen.
    Close,
    /// A draft for the composer, unless something is written there.
    Prefill(String),
    /// A JWT signed by the brand's back end.
    Identify(String),
    /// Whatever the page wants representatives and bots to know, as JSON text.
    Context(String),
}

/// How the page wants the chat to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configuration {
    /// `ltr`, `rtl`, or as the language has it.
    pub dir: Option<String>,
    /// `light`, `dark`, or as the system has it.
    pub theme: Option<String>,
    /// The page's address.
    pub page_url: Option<String>,
    /// See [`FromPage::Context`].
    pub context: Option<String>,
    /// See [`FromPage::Identify`].
    pub identity: Option<String>,
    /// What the frame once asked the page to keep.
    pub resume: Option<String>,
    /// See [`FromPage::Prefill`].
    pub prefill: Option<String>,
}

/// The page around the frame.
#[derive(Clone)]
pub struct Embedder {
    parent: Window,
    /// Known from its first message on.
    origin: Rc<RefCell<Option<String>>>,
}

impl Embedder {
    /// The page around this frame; none if this is a page of its own.
    #[must_use]
    pub fn find() -> Option<Self> {
        let window = crate::window();
        let parent = window.parent().ok().flatten()?;
        (!Object::is(&parent, &window)).then(|| Self { parent, origin: Rc::default() })
    }

    /// Hears the page from now on, for as long as the frame lives, and tells it that the frame is ready.
    pub fn listen(&self, mut hear: impl FnMut(FromPage) + 'static) {
        let this = self.clone();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(message) = this.receive(&event) {
                hear(message);
            }
        });
        crate::window().add_event_listener_with_callback("message", on_message.as_ref().unchecked_ref()).ok();
        on_message.forget();
        // The page's origin is not known yet, and this says nothing that any page may not know.
        self.post_to("*", "ready", None);
    }

    /// Asks the page to take the panel away.
    pub fn close(&self) {
        self.post("close", None);
    }

    /// Tells how many messages are unread.
    pub fn unread(&self, count: u32) {
        self.post("unread", Some(("count", count.into())));
    }

    /// Asks the page to keep what finds this conversation again where cookies are blocked.
    pub fn resume(&self, handle: &str) {
        self.post("resume", Some(("handle", handle.into())));
    }

    /// Tells those on the page who listen that something happened.
    pub fn event(&self, name: &str) {
        self.post("event", Some(("name", name.into())));
    }

    fn post(&self, kind: &str, field: Option<(&str, JsValue)>) {
        if let Some(origin) = &*self.origin.borrow() {
            self.post_to(origin, kind, field);
        }
    }

    fn post_to(&self, origin: &str, kind: &str, field: Option<(&str, JsValue)>) {
        let message = Object::new();
        let fields = [("portico", JsValue::from(1)), ("type", kind.into())];
        for (name, value) in fields.into_iter().chain(field) {
            Reflect::set(&message, &name.into(), &value).ok();
        }
        self.parent.post_message(&message, origin).ok();
    }

    fn receive(&self, event: &MessageEvent) -> Option<FromPage> {
        let is_parent = event.source().is_some_and(|source| Object::is(&source, &self.parent));
        let known = self.origin.borrow().clone();
        if !is_parent || known.is_some_and(|known| known != event.origin()) {
            return None;
        }
        let data = event.data();
        if Reflect::get(&data, &"portico".into()).ok()?.as_f64() != Some(1.0) {
            return None;
        }
        self.origin.borrow_mut().get_or_insert_with(|| event.origin());
        Some(match text(&data, "type")?.as_str() {
            "configure" => FromPage::Configure(configuration(&data)),
            "open" => FromPage::Open { page_url: text(&data, "pageUrl") },
            "close" => FromPage::Close,
            "prefill" => FromPage::Prefill(text(&data, "text")?),
            "identify" => FromPage::Identify(text(&data, "token")?),
            "context" => FromPage::Context(json(&data, "value")?),
            _ => return None,
        })
    }
}

fn configuration(data: &JsValue) -> Configuration {
    Configuration {
        dir: text(data, "dir"),
        theme: text(data, "theme"),
        page_url: text(data, "pageUrl"),
        context: json(data, "context"),
        identity: text(data, "identity"),
        resume: text(data, "resume"),
        prefill: text(data, "prefill"),
    }
}

fn text(data: &JsValue, name: &str) -> Option<String> {
    let text = Reflect::get(data, &name.into()).ok()?.as_string()?;
    (!text.is_empty() && text.len() <= TEXT_LENGTH_MAX).then_some(text)
}

fn json(data: &JsValue, name: &str) -> Option<String> {
    let value = Reflect::get(data, &name.into()).ok().filter(|value| !value.is_undefined())?;
    let text = JSON::stringify(&value).ok()?.as_string()?;
    (text.len() <= TEXT_LENGTH_MAX).then_some(text)
}
