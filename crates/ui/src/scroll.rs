//! Keeps the reader's place while the log grows at both ends.
//!
//! The place is either "at the newest" or "this row, so far below the edge". It is noted whenever the
//! reader scrolls and restored whenever anything changes size: a message, a keyboard, a font. Browsers'
//! own scroll anchoring does half of that, and WebKit none of it, so it is switched off (`scroll.css`).

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{Element, HtmlElement, ResizeObserver};

/// Closer than this to the end counts as at the end, in CSS pixels.
const END_WITHIN: i32 = 48;

/// The reader's place in one scrolling list.
#[derive(Clone)]
pub struct ScrollKeeper(Rc<Inner>);

struct Inner {
    scroller: HtmlElement,
    list: HtmlElement,
    place: RefCell<Place>,
    /// How much lay above when that was last looked at, in CSS pixels.
    last_above: Cell<i32>,
    observer: RefCell<Option<Watching>>,
}

/// An observer and what it calls, which must live as long.
type Watching = (ResizeObserver, Closure<dyn FnMut()>);

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some((observer, _)) = self.observer.get_mut() {
            observer.disconnect();
        }
    }
}

enum Place {
    End,
    Row { row: HtmlElement, below_edge: i32 },
}

impl ScrollKeeper {
    /// Starts to keep the place among the children of `list` in `scroller`, at the end.
    #[must_use]
    pub fn new(scroller: HtmlElement, list: HtmlElement) -> Self {
        let keeper = Self(Rc::new(Inner {
            scroller,
            list,
            place: RefCell::new(Place::End),
            last_above: Cell::new(0),
            observer: RefCell::new(None),
        }));
        keeper.observe();
        keeper
    }

    /// Notes where the reader is. `has_newest`: the end of the list is the end of the log.
    /// Returns whether that is at the newest.
    pub fn note(&self, has_newest: bool) -> bool {
        let inner = &self.0;
        let above = self.above();
        let moved_up = above < inner.last_above.replace(above);
        // A scroll is told of later than it happens, and the log may have grown below meanwhile: who was at
        // the end leaves it only by going up.
        if has_newest && !moved_up && matches!(*inner.place.borrow(), Place::End) {
            self.restore();
            return true;
        }
        let at_end = has_newest && self.below() <= END_WITHIN;
        let place = if at_end { Some(Place::End) } else { self.first_visible() };
        if let Some(place) = place {
            *inner.place.borrow_mut() = place;
        }
        at_end
    }

    /// How much lies above what is seen, in CSS pixels.
    #[must_use]
    pub fn above(&self) -> i32 {
        self.0.scroller.scroll_top()
    }

    /// How much lies below what is seen, in CSS pixels.
    #[must_use]
    pub fn below(&self) -> i32 {
        let scroller = &self.0.scroller;
        scroller.scroll_height() - scroller.scroll_top() - scroller.client_height()
    }

    /// Goes to the newest and stays there.
    pub fn to_end(&self) {
        *self.0.place.borrow_mut() = Place::End;
        self.restore();
    }

    /// Puts the reader back to the noted place.
    pub fn restore(&self) {
        let inner = &self.0;
        let top = match &*inner.place.borrow() {
            Place::End => inner.scroller.scroll_height(),
            Place::Row { row, below_edge } if row.is_connected() => row.offset_top() - below_edge,
            Place::Row { .. } => return,
        };
        if inner.scroller.scroll_top() != top {
            inner.scroller.set_scroll_top(top);
            inner.last_above.set(inner.scroller.scroll_top());
        }
    }

    fn observe(&self) {
        let weak = Rc::downgrade(&self.0);
        let restore = Closure::<dyn FnMut()>::new(move || {
            if let Some(inner) = weak.upgrade() {
                Self(inner).restore();
            }
        });
        if let Ok(observer) = ResizeObserver::new(restore.as_ref().unchecked_ref()) {
            observer.observe(&self.0.scroller);
            observer.observe(&self.0.list);
            *self.0.observer.borrow_mut() = Some((observer, restore));
        }
    }

    /// The first row that is at least partly below the upper edge. Rows lie in order: a search by halves
    /// touches few of them.
    fn first_visible(&self) -> Option<Place> {
        let edge = self.above();
        let rows = self.0.list.children();
        let row = |index| rows.item(index).map(|row: Element| row.unchecked_into::<HtmlElement>());
        let (mut low, mut high) = (0, rows.length());
        while low < high {
            let middle = (low + high) / 2;
            let is_above = row(middle).is_some_and(|row| row.offset_top() + row.offset_height() <= edge);
            (low, high) = if is_above { (middle + 1, high) } else { (low, middle) };
        }
        // The line with the date stays above what comes before it: it cannot hold a place.
        if row(low).is_some_and(|row| row.class_list().contains("day-row")) {
            low += 1;
        }
        row(low).map(|row| Place::Row { below_edge: row.offset_top() - edge, row })
    }
}
