//! Every named maximum of the wire. What exceeds one is refused with a problem that names it.

/// Longest message text, in Unicode code points (Business Messages: 3072).
pub const TEXT_CHARS_MAX: usize = 3072;
/// Longest internal note, in code points.
pub const NOTE_CHARS_MAX: usize = 3072;
/// Longest label of a suggestion, in code points (Business Messages: 25; conversation starters 35).
pub const SUGGESTION_TEXT_CHARS_MAX: usize = 35;
/// Longest postback data, in code points (Business Messages).
pub const POSTBACK_CHARS_MAX: usize = 2048;
/// Longest address in an action, in code points.
pub const URL_CHARS_MAX: usize = 2048;
/// Most suggestions under one message (Business Messages).
pub const SUGGESTIONS_MAX: usize = 13;
/// Longest display name of a brand or representative, in code points (Business Messages).
pub const DISPLAY_NAME_CHARS_MAX: usize = 100;
/// Longest brand id, in bytes.
pub const BRAND_ID_BYTES_MAX: usize = 40;
/// Largest frame or API body that a client may send, in bytes. 3072 four-byte code points, escaped, fit
/// four times.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;
/// Largest frame or API body that a client accepts from its server, in bytes: a full frame
/// ([`ENTRIES_PER_FRAME_MAX`]) of the largest entries that the server would take.
pub const SERVER_FRAME_BYTES_MAX: usize = (ENTRIES_PER_FRAME_MAX + 1) * FRAME_BYTES_MAX;
/// Most entries in one frame.
pub const ENTRIES_PER_FRAME_MAX: usize = 100;
/// Most entries that one history request may ask for.
pub const HISTORY_ENTRIES_MAX: u32 = 100;
/// Entries sent on opening a conversation for the first time: about three screens.
pub const OPENING_ENTRIES: u32 = 50;
/// Most conversations that one connection may follow.
pub const FOLLOWED_CONVERSATIONS_MAX: usize = 64;
/// Most drafts that a client keeps while it is offline.
pub const OUTBOX_DRAFTS_MAX: usize = 100;
/// Submissions that a client may have on the wire unacknowledged.
pub const IN_FLIGHT_MAX: usize = 16;
/// How long a typing notice lives without being repeated, in milliseconds.
pub const TYPING_FOR_MS: u64 = 8_000;
/// A client that types says so at most this often, in milliseconds.
pub const TYPING_REPEAT_MS: u64 = 4_000;
/// A client pings after this much silence, in milliseconds; a server drops one silent for three times that.
pub const HEARTBEAT_MS: u64 = 25_000;
/// How long a client waits for a pong before it takes the connection for dead, in milliseconds.
pub const PONG_WITHIN_MS: u64 = 10_000;
/// How long a submission may stay unacknowledged before the client takes the connection for dead, in milliseconds.
pub const ACKNOWLEDGE_WITHIN_MS: u64 = 15_000;
/// Longest custom page context, in code points.
pub const CONTEXT_CHARS_MAX: usize = 2048;
/// Largest identity token (JWT) accepted, in bytes.
pub const IDENTITY_BYTES_MAX: usize = 4096;
/// Longest search text in the inbox, in code points.
pub const SEARCH_CHARS_MAX: usize = 200;
/// Most canned replies of a brand.
pub const CANNED_REPLIES_MAX: usize = 500;
