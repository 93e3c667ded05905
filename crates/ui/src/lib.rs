//! What widget and studio both show: the log of a conversation and its bubbles, the words of the interface,
//! and the styles and design tokens that all of it is drawn with.
//!
//! Views draw and forward. They hold no rule, socket, storage or clock: what is on screen comes in as
//! [`Row`]s folded from the log by [`row::rows`], what people do goes out by callbacks. The folds, the
//! Markdown reader and the window over a long log are plain functions, tested natively.
//!
//! ```
//! use portico_ui::markdown::{Markup, Span, parse};
//!
//! let spans = parse("Open **until six**", Markup::Limited);
//! assert_eq!(spans, [Span::Text("Open "), Span::Strong(vec![Span::Text("until six")])]);
//! ```

pub mod bubble;
pub mod dom;
pub mod locale;
pub mod log;
pub mod markdown;
pub mod row;
pub mod scroll;
pub mod theme;
pub mod window;
pub mod words;

pub use locale::Key;
pub use log::{LogModel, LogReader};
pub use row::{Delivery, Item, Row, Viewer};
pub use window::Window;
