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
/// Longest title of a card, in code points (Business Messages).
pub const CARD_TITLE_CHARS_MAX: usize = 200;
/// Longest description on a card, in code points (Business Messages).
pub const CARD_DESCRIPTION_CHARS_MAX: usize = 2000;
/// Most suggestions on a card (Business Messages).
pub const CARD_SUGGESTIONS_MAX: usize = 4;
/// Fewest cards in a carousel (Business Messages).
pub const CARDS_MIN: usize = 2;
/// Most cards in a carousel (Business Messages).
pub const CARDS_MAX: usize = 10;
/// Longest description of a picture for those who do not see it, in code points.
pub const ALT_TEXT_CHARS_MAX: usize = 500;
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
/// Largest picture that may be uploaded, in bytes.
pub const IMAGE_BYTES_MAX: u64 = 20_000_000;
/// Largest film that may be uploaded, in bytes.
pub const VIDEO_BYTES_MAX: u64 = 50_000_000;
/// Largest sound that may be uploaded, in bytes.
pub const AUDIO_BYTES_MAX: u64 = 50_000_000;
/// Largest other file that may be uploaded, in bytes.
pub const FILE_BYTES_MAX: u64 = 20_000_000;
/// Longest name of an uploaded file that a client may send, in code points.
pub const FILE_NAME_CHARS_MAX: usize = 1_024;
/// Most files with one message.
pub const FILES_PER_MESSAGE_MAX: u32 = 10;
/// Most uploads that one participant may have begun and not finished.
pub const OPEN_UPLOADS_MAX: u32 = 10;
/// Most bytes that may be uploaded to one conversation within 24 hours.
pub const CONVERSATION_DAY_BYTES_MAX: u64 = 500_000_000;
/// How long an upload may stay unfinished, in milliseconds: a day.
pub const UPLOAD_FOR_MS: u64 = 24 * 3_600_000;
