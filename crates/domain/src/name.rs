//! Names for those who gave none.

use portico_protocol::ParticipantId;

const QUALITIES: [&str; 32] = [
    "Amber", "Bright", "Calm", "Clever", "Coral", "Curious", "Dapper", "Early", "Fair", "Gentle", "Golden",
    "Happy", "Honest", "Indigo", "Ivory", "Jolly", "Keen", "Kind", "Lively", "Lucky", "Mellow", "Merry",
    "Noble", "Olive", "Patient", "Quiet", "Rosy", "Silver", "Swift", "Tidy", "Violet", "Warm",
];
const BIRDS: [&str; 32] = [
    "Avocet",
    "Bittern",
    "Bunting",
    "Crane",
    "Curlew",
    "Dipper",
    "Dove",
    "Dunlin",
    "Egret",
    "Eider",
    "Finch",
    "Gannet",
    "Goldcrest",
    "Grebe",
    "Heron",
    "Jay",
    "Kestrel",
    "Kite",
    "Lapwing",
    "Lark",
    "Linnet",
    "Martin",
    "Nuthatch",
    "Oriole",
    "Plover",
    "Puffin",
    "Robin",
    "Sandpiper",
    "Siskin",
    "Swallow",
    "Tern",
    "Wren",
];

/// A friendly name for a visitor who gave none: the same every time, and shared by few, so that people in
/// the inbox can talk about "Quiet Heron". It says nothing about the visitor.
#[must_use]
pub fn visitor_name(visitor: ParticipantId) -> String {
    // The last bytes of a UUIDv7 are random.
    let [.., quality, bird] = *visitor.as_bytes();
    format!("{} {}", QUALITIES[usize::from(quality) % 32], BIRDS[usize::from(bird) % 32])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_keeps_the_same_name() {
        let visitor = ParticipantId::from_bytes([25; 16]);
        assert_eq!(visitor_name(visitor), "Quiet Puffin");
        assert_eq!(visitor_name(visitor), visitor_name(visitor));
    }
}
