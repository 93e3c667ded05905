//! WebSocket framing (RFC 6455 §5), the server's side, sans-IO.
//!
//! Written here and not taken from a library for the sake of memory: an idle connection holds no buffer at
//! all, and one encoded text is shared by all who are sent it. Checked against an independent client in
//! `tests/`, and against arbitrary bytes and cuts below.

use portico_protocol::limit::FRAME_BYTES_MAX;

/// Payload of a control frame (RFC 6455 §5.5).
const CONTROL_BYTES_MAX: usize = 125;
/// An emptied buffer larger than this is given back.
const CAPACITY_KEPT: usize = 1_024;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;
const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;

/// Something complete that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    Text(String),
    /// Complete, but not for us: our frames are text.
    Binary,
    Ping(Vec<u8>),
    Pong,
    Close,
}

/// Why nothing further can be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Violation {
    /// A message longer than [`FRAME_BYTES_MAX`]; as far as it is known, its length.
    TooLong(usize),
    /// A text that is not UTF-8.
    NotUtf8,
    /// Against RFC 6455.
    Protocol(&'static str),
}

/// Why the server closes (RFC 6455 §7.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CloseCode {
    Normal = 1000,
    ProtocolError = 1002,
    InvalidText = 1007,
    TooLong = 1009,
}

impl Violation {
    pub(super) const fn close_code(&self) -> CloseCode {
        match self {
            Self::TooLong(_) => CloseCode::TooLong,
            Self::NotUtf8 => CloseCode::InvalidText,
            Self::Protocol(_) => CloseCode::ProtocolError,
        }
    }
}

/// Bytes in, messages out.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    bytes: Vec<u8>,
    /// Where the first frame that was not taken yet begins.
    start: usize,
    /// The opcode and the payload so far of a message in several frames.
    fragments: Option<(u8, Vec<u8>)>,
}

struct Header {
    is_final: bool,
    opcode: u8,
    mask: [u8; 4],
    bytes: usize,
    payload_bytes: usize,
}

impl Decoder {
    /// Takes bytes as they came.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next complete message. After an error there is nothing more to hope for.
    pub(super) fn next(&mut self) -> Option<Result<Message, Violation>> {
        loop {
            let header = match parse_header(&self.bytes[self.start..]) {
                Ok(Some(header)) => header,
                Ok(None) => {
                    self.compact();
                    return None;
                }
                Err(violation) => return Some(Err(violation)),
            };
            if let Err(violation) = self.check(&header) {
                return Some(Err(violation));
            }
            let payload_at = self.start + header.bytes;
            let end = payload_at + header.payload_bytes;
            if self.bytes.len() < end {
                self.compact();
                return None;
            }
            unmask(&mut self.bytes[payload_at..end], header.mask);
            self.start = end;
            if let Some(message) = self.take(&header, payload_at..end) {
                return Some(message);
            }
        }
    }

    fn check(&self, header: &Header) -> Result<(), Violation> {
        let before = self.fragments.as_ref().map(|(_, payload)| payload.len());
        match header.opcode {
            CLOSE | PING | PONG if !header.is_final => Err(Violation::Protocol("a control frame in pieces")),
            CLOSE | PING | PONG if header.payload_bytes > CONTROL_BYTES_MAX => {
                Err(Violation::Protocol("a control frame longer than 125 bytes"))
            }
            CLOSE | PING | PONG => Ok(()),
            TEXT | BINARY if before.is_some() => Err(Violation::Protocol("a message within a message")),
            CONTINUATION if before.is_none() => Err(Violation::Protocol("a continuation of nothing")),
            TEXT | BINARY | CONTINUATION => {
                let found = header.payload_bytes.saturating_add(before.unwrap_or(0));
                if found > FRAME_BYTES_MAX { Err(Violation::TooLong(found)) } else { Ok(()) }
            }
            _ => Err(Violation::Protocol("an unknown opcode")),
        }
    }

    fn take(&mut self, header: &Header, range: std::ops::Range<usize>) -> Option<Result<Message, Violation>> {
        let payload = &self.bytes[range];
        match (header.opcode, header.is_final) {
            (CLOSE, _) => Some(Ok(Message::Close)),
            (PING, _) => Some(Ok(Message::Ping(payload.to_vec()))),
            (PONG, _) => Some(Ok(Message::Pong)),
            (CONTINUATION, is_final) => {
                let (opcode, mut message) = self.fragments.take()?;
                message.extend_from_slice(payload);
                if is_final {
                    return Some(complete(opcode, message));
                }
                self.fragments = Some((opcode, message));
                None
            }
            (opcode, true) => Some(complete(opcode, payload.to_vec())),
            (opcode, false) => {
                self.fragments = Some((opcode, payload.to_vec()));
                None
            }
        }
    }

    /// Gives back what was taken: memory follows need.
    fn compact(&mut self) {
        self.bytes.drain(..self.start);
        self.start = 0;
        if self.bytes.is_empty() && self.bytes.capacity() > CAPACITY_KEPT {
            self.bytes = Vec::new();
        }
    }
}

fn parse_header(bytes: &[u8]) -> Result<Option<Header>, Violation> {
    let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
    if first & 0x70 != 0 {
        return Err(Violation::Protocol("a reserved bit is set"));
    }
    if second & MASKED == 0 {
        return Err(Violation::Protocol("a client's frame is not masked"));
    }
    let length_bytes = match second & !MASKED {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let Some((length, rest)) = rest.split_at_checked(length_bytes) else { return Ok(None) };
    let Some((mask, _)) = rest.split_first_chunk::<4>() else { return Ok(None) };
    let long = length.iter().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
    let length = if length_bytes == 0 { u64::from(second & !MASKED) } else { long };
    Ok(Some(Header {
        is_final: first & FINAL != 0,
        opcode: first & 0x0F,
        mask: *mask,
        bytes: 2 + length_bytes + 4,
        // What does not fit is refused as too long anyway.
        payload_bytes: usize::try_from(length).unwrap_or(usize::MAX),
    }))
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let word = u32::from_ne_bytes(mask);
    let mut words = payload.chunks_exact_mut(4);
    for bytes in &mut words {
        let unmasked = u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) ^ word;
        bytes.copy_from_slice(&unmasked.to_ne_bytes());
    }
    for (byte, mask) in words.into_remainder().iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

fn complete(opcode: u8, payload: Vec<u8>) -> Result<Message, Violation> {
    if opcode == BINARY {
        return Ok(Message::Binary);
    }
    String::from_utf8(payload).map(Message::Text).map_err(|_| Violation::NotUtf8)
}

/// Appends `text` as one frame.
pub(super) fn encode_text(text: &str, out: &mut Vec<u8>) {
    encode(TEXT, text.as_bytes(), out);
}

/// Appends the answer to a ping.
pub(super) fn encode_pong(payload: &[u8], out: &mut Vec<u8>) {
    encode(PONG, payload, out);
}

/// Appends the last frame.
pub(super) fn encode_close(code: CloseCode, out: &mut Vec<u8>) {
    encode(CLOSE, &(code as u16).to_be_bytes(), out);
}

fn encode(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.reserve(10 + payload.len());
    out.push(FINAL | opcode);
    match payload.len() {
        length @ 0..=125 => out.push(length as u8),
        length @ 126..=0xFFFF => {
            out.push(126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A client's frame.
    fn frame(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(first & 0x0F, payload, &mut bytes);
        let header_bytes = bytes.len() - payload.len();
        bytes[0] = first;
        bytes[1] |= MASKED;
        let mut masked = payload.to_vec();
        unmask(&mut masked, mask);
        bytes.truncate(header_bytes);
        bytes.extend_from_slice(&mask);
        bytes.extend_from_slice(&masked);
        bytes
    }

    fn decode_all(bytes: &[u8], cuts: usize) -> Vec<Result<Message, Violation>> {
        let mut decoder = Decoder::default();
        let mut found = Vec::new();
        for piece in bytes.chunks(cuts.max(1)) {
            decoder.push(piece);
            while let Some(message) = decoder.next() {
                let is_end = message.is_err();
                found.push(message);
                if is_end {
                    return found;
                }
            }
        }
        assert!(decoder.bytes.len() <= bytes.len());
        found
    }

    #[test]
    fn each_offence_is_named_with_its_close_code() {
        let mask = [1, 2, 3, 4];
        let check = |bytes: Vec<u8>, expected: Violation, code: CloseCode| {
            let found = decode_all(&bytes, usize::MAX);
            assert_eq!(found.last(), Some(&Err(expected.clone())));
            assert_eq!(expected.close_code(), code);
        };
        let protocol = Violation::Protocol;
        check(
            vec![FINAL | TEXT, 0x01, b'a'],
            protocol("a client's frame is not masked"),
            CloseCode::ProtocolError,
        );
        check(frame(0xC1, b"a", mask), protocol("a reserved bit is set"), CloseCode::ProtocolError);
        check(frame(FINAL | 0x3, b"a", mask), protocol("an unknown opcode"), CloseCode::ProtocolError);
        check(frame(FINAL, b"a", mask), protocol("a continuation of nothing"), CloseCode::ProtocolError);
        check(frame(PING, b"", mask), protocol("a control frame in pieces"), CloseCode::ProtocolError);
        let long = [b'a'; 126];
        let expected = protocol("a control frame longer than 125 bytes");
        check(frame(FINAL | PING, &long, mask), expected, CloseCode::ProtocolError);
        let nested = [frame(TEXT, b"a", mask), frame(FINAL | TEXT, b"b", mask)].concat();
        check(nested, protocol("a message within a message"), CloseCode::ProtocolError);
        check(frame(FINAL | TEXT, &[0xC3, 0x28], mask), Violation::NotUtf8, CloseCode::InvalidText);
        let whole = vec![b'a'; FRAME_BYTES_MAX + 1];
        check(frame(FINAL | TEXT, &whole, mask), Violation::TooLong(FRAME_BYTES_MAX + 1), CloseCode::TooLong);
        let half = vec![b'a'; FRAME_BYTES_MAX / 2 + 1];
        let halves = [frame(TEXT, &half, mask), frame(FINAL, &half, mask)].concat();
        check(halves, Violation::TooLong(FRAME_BYTES_MAX + 2), CloseCode::TooLong);
        let endless = [&[FINAL | TEXT, MASKED | 127][..], &[0xFF; 8], &mask].concat();
        check(endless, Violation::TooLong(usize::MAX), CloseCode::TooLong);
    }

    #[test]
    fn an_idle_decoder_holds_nothing_however_much_came_before() {
        let mut decoder = Decoder::default();
        decoder.push(&frame(FINAL | TEXT, &vec![b'a'; FRAME_BYTES_MAX], [9; 4]));
        assert!(matches!(decoder.next(), Some(Ok(Message::Text(text))) if text.len() == FRAME_BYTES_MAX));
        assert_eq!(decoder.next(), None);
        assert!(decoder.bytes.capacity() <= CAPACITY_KEPT);
    }

    proptest! {
        #[test]
        fn texts_survive_fragments_pings_between_and_any_cut(
            texts in prop::collection::vec(".{0,200}", 1..5), piece in 1_usize..40, cuts in 1_usize..50, mask: [u8; 4],
        ) {
            let mut bytes = Vec::new();
            for text in &texts {
                let pieces: Vec<&[u8]> = text.as_bytes().chunks(piece).collect();
                let count = pieces.len().max(1);
                for index in 0..count {
                    let opcode = if index == 0 { TEXT } else { CONTINUATION };
                    let last = if index + 1 == count { FINAL } else { 0 };
                    bytes.extend(frame(last | opcode, pieces.get(index).copied().unwrap_or_default(), mask));
                    bytes.extend(frame(FINAL | PING, b"p", mask));
                }
            }
            let found = decode_all(&bytes, cuts);
            let found_texts: Vec<_> = found
                .into_iter()
                .filter(|message| *message != Ok(Message::Ping(b"p".to_vec())))
                .collect();
            let expected: Vec<_> = texts.into_iter().map(|text| Ok(Message::Text(text))).collect();
            prop_assert_eq!(found_texts, expected);
        }

        #[test]
        fn no_bytes_make_it_panic_and_no_cut_changes_what_they_mean(
            bytes in prop::collection::vec(any::<u8>(), 0..400), cuts in 1_usize..20,
        ) {
            prop_assert_eq!(decode_all(&bytes, cuts), decode_all(&bytes, usize::MAX));
        }
    }
}
