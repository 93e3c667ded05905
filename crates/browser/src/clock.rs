//! The browser's clocks and its randomness.

use js_sys::Date;
use portico_protocol::{Moment, Timestamp};

/// Milliseconds since the page was opened. Goes on while the device sleeps in some browsers and not in
/// others: a wake-up is noticed by its events, not by this clock.
#[must_use]
pub fn moment() -> Moment {
    let millis = crate::window().performance().map_or(0.0, |performance| performance.now());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "never negative, far below 2^53"
    )]
    Moment::from_millis(millis as u64)
}

/// What the device's calendar says.
#[must_use]
pub fn timestamp() -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit 53 bits")]
    Timestamp::from_millis(Date::now() as i64)
}

/// Fills `bytes` with what nobody can guess.
pub fn fill_random(bytes: &mut [u8]) {
    let crypto = crate::window().crypto();
    let filled = crypto.and_then(|crypto| crypto.get_random_values_with_u8_array(bytes));
    // Every browser that runs WebAssembly has it.
    debug_assert!(filled.is_ok(), "the browser gives randomness");
}
