//! Which part of a long log is in the document.
//!
//! A browser draws ninety messages in a moment and ten thousand in half a second, and keeps them all in
//! memory. So only a window of the log is in the document; it moves as one scrolls.

use core::ops::Range;

/// Most items in the document at once.
pub const ITEMS_MAX: usize = 90;
/// By how many items the window moves.
pub const STEP: usize = 30;

/// A window over items numbered from zero. While it follows, it stays at the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Behind the last item in the window; only meaningful while not following.
    end: usize,
    /// How many items it holds at most.
    size: usize,
    follows: bool,
}

impl Default for Window {
    fn default() -> Self {
        Self { end: 0, size: STEP * 2, follows: true }
    }
}

impl Window {
    /// The part to draw of `count` items.
    #[must_use]
    pub fn range(&self, count: usize) -> Range<usize> {
        let end = if self.follows { count } else { self.end.min(count) };
        end.saturating_sub(self.size)..end
    }

    /// Whether the newest item is in the window.
    #[must_use]
    pub fn shows_newest(&self, count: usize) -> bool {
        self.range(count).end == count
    }

    /// Whether there are items before the window.
    #[must_use]
    pub fn has_older(&self, count: usize) -> bool {
        self.range(count).start > 0
    }

    /// Moves towards older items; grows first, then lets the newest go.
    pub fn move_older(&mut self, count: usize) {
        let range = self.range(count);
        let start = range.start.saturating_sub(STEP);
        let end = range.end.min(start + ITEMS_MAX);
        *self = Self { end, size: ITEMS_MAX, follows: self.follows && end == count };
    }

    /// Moves towards newer items.
    pub fn move_newer(&mut self, count: usize) {
        let end = (self.range(count).end + STEP).min(count);
        *self = Self { end, size: ITEMS_MAX, follows: end == count };
    }

    /// Jumps to the newest items and stays there.
    pub fn follow(&mut self) {
        *self = Self::default();
    }

    /// Stays where it is when items are appended: somebody reads up there.
    pub fn hold(&mut self, count: usize) {
        let range = self.range(count);
        *self = Self { end: range.end, size: self.size, follows: false };
    }

    /// Whether it stays at the newest.
    #[must_use]
    pub const fn follows(&self) -> bool {
        self.follows
    }

    /// `added` older items were put before item zero: the window shows the same items as before.
    pub fn shift(&mut self, added: usize) {
        self.end += added;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_window_follows_the_newest_until_one_scrolls_up() {
        let mut window = Window::default();
        assert_eq!(window.range(10_000), 9_940..10_000);
        window.move_older(10_000);
        assert_eq!(window.range(10_000), 9_910..10_000);
        window.move_older(10_000);
        assert_eq!(window.range(10_000), 9_880..9_970);
        assert_eq!(window.range(10_001), 9_880..9_970, "new items leave the reader alone");
        window.shift(100);
        assert_eq!(window.range(10_101), 9_980..10_070, "older items keep the same ones in view");
        window.follow();
        assert_eq!(window.range(10_101), 10_041..10_101);
    }

    #[test]
    fn moving_newer_ends_in_following() {
        let mut window = Window::default();
        for _ in 0..5 {
            window.move_older(400);
        }
        assert!(!window.shows_newest(400));
        for _ in 0..9 {
            window.move_newer(400);
        }
        assert!(window.follows() && window.shows_newest(400));
    }

    proptest! {
        #[test]
        fn a_window_is_never_larger_than_allowed_and_lies_within(moves in prop::collection::vec((0..5_u8, 0..200_usize), 0..40)) {
            let mut window = Window::default();
            let mut count = 0;
            for (kind, amount) in moves {
                match kind {
                    0 => window.move_older(count),
                    1 => window.move_newer(count),
                    2 => window.follow(),
                    3 => count += amount,
                    _ => { window.shift(amount); count += amount; }
                }
                let range = window.range(count);
                prop_assert!(range.start <= range.end && range.end <= count && range.len() <= ITEMS_MAX);
                prop_assert!(!window.follows() || range.end == count);
            }
        }
    }
}
