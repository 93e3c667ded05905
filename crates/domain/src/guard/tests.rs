use proptest::prelude::*;

use super::*;

/// Numbers that issuers publish for tests, one for each length and prefix that is given out.
const CARDS: [&str; 15] = [
    "4111111111111111",
    "4242424242424242",
    "4222222222222",
    "4000000000000000006",
    "5555555555554444",
    "5105105105105100",
    "2223003122003222",
    "378282246310005",
    "371449635398431",
    "6011111111111117",
    "30569309025904",
    "36227206271667",
    "3530111333300000",
    "6200000000000005",
    "6759649826438453",
];

/// The registry's own example of each structure that differs.
const IBANS: [&str; 34] = [
    "GB82WEST12345698765432",
    "GB29NWBK60161331926819",
    "DE89370400440532013000",
    "FR1420041010050500013M02606",
    "AD1200012030200359100100",
    "AE070331234567890123456",
    "AL47212110090000000235698741",
    "AT611904300234573201",
    "BE68539007547034",
    "BG80BNBG96611020345678",
    "CH9300762011623852957",
    "CY17002001280000001200527600",
    "DK5000400440116243",
    "ES9121000418450200051332",
    "FI2112345600000785",
    "GE29NB0000000101904917",
    "GR1601101250000000012300695",
    "IE29AIBK93115212345678",
    "IT60X0542811101000000123456",
    "JO94CBJO0010000000000131000302",
    "KW81CBKU0000000000001234560101",
    "KZ86125KZT5004100100",
    "LC55HEMM000100010012001200023015",
    "MT84MALT011000012345MTLCAST001S",
    "MU17BOMM0101101030300200000MUR",
    "NL91ABNA0417164300",
    "NO9386011117947",
    "PL61109010140000071219812874",
    "QA58DOHB00001234567890ABCDEFG",
    "SA0380000000608010167519",
    "SC18SSCB11010000000000001497USD",
    "TR330006100519786457841326",
    "UA213223130000026007233566001",
    "VG96VPVG0000012345678901",
];

#[track_caller]
fn check(text: &str, expected: &str) {
    let guarded = mask(text).unwrap_or_else(|| panic!("nothing was found in {text}"));
    assert_eq!(guarded.text, expected);
}

#[track_caller]
fn check_stays(text: &str) {
    assert_eq!(mask(text).map(|guarded| guarded.text), None, "{text}");
}

/// All but the last four, as a reader expects it.
fn hidden(number: &str) -> String {
    let (head, tail) = number.split_at(number.len() - 4);
    "•".repeat(head.len()) + tail
}

#[test]
fn published_test_cards_lose_all_but_their_last_four_digits() {
    for card in CARDS {
        check(card, &hidden(card));
        check(&format!("My card is {card}, ok?"), &format!("My card is {}, ok?", hidden(card)));
    }
}

#[test]
fn examples_of_the_iban_registry_lose_all_but_their_last_four_characters() {
    for iban in IBANS {
        let guarded = mask(iban).unwrap_or_else(|| panic!("nothing was found in {iban}"));
        assert_eq!((guarded.text, guarded.cards, guarded.ibans), (hidden(iban), 0, 1));
        check(&iban.to_lowercase(), &hidden(&iban.to_lowercase()));
        check_stays(&iban.replacen(&iban[2..4], "00", 1));
    }
}

#[test]
fn separators_stay_where_they_are() {
    check("4111 1111 1111 1111", "•••• •••• •••• 1111");
    check("4111-1111-1111-1111", "••••-••••-••••-1111");
    check("3782 822463 10005", "•••• •••••• •0005");
    check("3-7-8-2-8-2-2-4-6-3-1-0-0-0-5", "•-•-•-•-•-•-•-•-•-•-•-0-0-0-5");
    check("4111\u{a0}1111\u{202f}1111\u{2011}1111", "••••\u{a0}••••\u{202f}••••\u{2011}1111");
    check("GB82 WEST 1234 5698 7654 32", "•••• •••• •••• •••• ••54 32");
    check("de89-3704-0044-0532-0130-00", "••••-••••-••••-••••-••30-00");
}

#[test]
fn other_digits_are_digits_too() {
    check("４１１１ １１１１ １１１１ １１１１", "•••• •••• •••• １１１１");
    check("٤١١١١١١١١١١١١١١١", "••••••••••••١١١١");
    check("بطاقتي ٤١١١ ١١١١ ١١١١ ١١١١.", "بطاقتي •••• •••• •••• ١١١١.");
    check("۵۵۵۵۵۵۵۵۵۵۵۵۴۴۴۴", "••••••••••••۴۴۴۴");
    check("ＤＥ８９３７０４００４４０５３２０１３０００", "••••••••••••••••••３０００");
}

#[test]
fn numbers_beside_others_are_found() {
    check("4111111111111111 12/27 123", "••••••••••••1111 12/27 123");
    check("4111 1111 1111 1111 12 27 123", "•••• •••• •••• 1111 12 27 123");
    check("order 17 4111-1111-1111-1111", "order 17 ••••-••••-••••-1111");
    check("• 4111 1111 1111 1111", "• •••• •••• •••• 1111");
    check("card4111111111111111end", "card••••••••••••1111end");
    check("IBANDE89370400440532013000", "IBAN••••••••••••••••••3000");
    check("nimm DE89 3704 0044 0532 0130 00 bitte", "nimm •••• •••• •••• •••• ••30 00 bitte");
    let both = mask("4111111111111111 5555555555554444\nDE89370400440532013000").unwrap();
    assert_eq!(both.text, "••••••••••••1111 ••••••••••••4444\n••••••••••••••••••3000");
    assert_eq!((both.cards, both.ibans), (2, 1));
}

#[test]
fn what_only_looks_like_a_number_stays() {
    for text in [
        "",
        "no digits at all",
        "4111111111111112",
        "4111 1111 1111 1112",
        "1234567812345670",
        "9999999999999995",
        "+4915112345678",
        "+4222222222222",
        "+49 151 12345678 or +1 415 555 2671",
        "call 49 151 12345670",
        "0049 30 901820",
        "order 4111-1111-11, ref. 2026-000451",
        "2026-11-23 2026-11-24 2026-12-01",
        "2026-11-23T12:29:54.123456Z",
        "1 299,00 € instead of 1 499,00 €",
        "$4,111.11 1111 times",
        "41111111-1111-4111-8111-111111111111",
        "01890000-0000-7000-8000-000000000001",
        "4006381333931",
        "JJD000390007827148900",
        "1Z 999 AA1 01 2345 6784",
        "at 10 in the morning I had 12 eggs",
        "no 12 was 345678901 times better",
        "4111  1111  1111  1111",
        "4111\n1111\n1111\n1111",
    ] {
        check_stays(text);
    }
}

#[test]
fn an_article_number_stays_even_if_it_would_be_a_card() {
    // Both checksums hold; written with gaps, as nobody writes article numbers, it is a card.
    let article = (4_000_000_000_000_u64..).map(|number| number.to_string()).find(|number| {
        let digits: Vec<u8> = number.bytes().map(|byte| byte - b'0').collect();
        let ean: u32 =
            digits.iter().zip([1, 3].iter().cycle()).map(|(digit, by)| u32::from(*digit) * by).sum();
        passes_luhn(&digits) && ean.is_multiple_of(10)
    });
    let article = article.unwrap();
    check_stays(&article);
    let spaced = [&article[..4], &article[4..7], &article[7..10], &article[10..]].join(" ");
    assert!(mask(&spaced).is_some());
}

#[test]
fn the_longest_text_of_digits_takes_no_longer_than_its_length() {
    for unit in ["4", "4 ", "41-", "de89", "4111 1111 1111 111 ", "٤ "] {
        let text: String = unit.chars().cycle().take(3072).collect();
        let chars = mask(&text).map_or_else(|| text.chars().count(), |guarded| guarded.text.chars().count());
        assert_eq!(chars, 3072);
    }
}

#[test]
fn words_never_show_in_debug() {
    assert_eq!(format!("{:?}", mask("Anna: 4111111111111111")), "Some(Guarded(1 cards, 0 IBANs))");
}

/// A card number that an issuer could have given out.
fn any_card() -> impl Strategy<Value = String> {
    let shapes =
        [("4", 16), ("4", 19), ("51", 16), ("2221", 16), ("34", 15), ("6011", 16), ("62", 19), ("36", 14)];
    (prop::sample::select(shapes.to_vec()), prop::collection::vec(0..10_u8, 19)).prop_map(
        |((prefix, length), random)| {
            let mut digits: Vec<u8> = prefix.bytes().map(|byte| byte - b'0').chain(random).collect();
            digits.truncate(length - 1);
            let last = (0..10).find(|last| passes_luhn(&[&digits[..], &[*last]].concat())).unwrap();
            digits.push(last);
            digits.iter().map(|digit| char::from(b'0' + digit)).collect()
        },
    )
}

proptest! {
    #[test]
    fn no_card_survives_whatever_stands_around_it(
        card in any_card(),
        before in "[^0-9]{0,8}|[a-z0-9]{0,6}[ ,:]",
        after in "[^0-9]{0,8}|[ ,:][a-z0-9]{0,6}",
        separator in prop::sample::select(vec!["", " ", "-"]),
    ) {
        prop_assume!(!before.ends_with('+'));
        let groups: Vec<_> = card.as_bytes().chunks(4).map(|group| str::from_utf8(group).unwrap()).collect();
        let written = groups.join(separator);
        let text = format!("{before}{written}{after}");
        let guarded = mask(&text).expect("a card is found");
        prop_assert!(!guarded.text.contains(&written));
        prop_assert!(!guarded.text.contains(&card));
        prop_assert_eq!(guarded.text.chars().count(), text.chars().count());
    }

    #[test]
    fn a_second_run_finds_nothing(text in "([0-9•]{1,6}[ -]?|[A-Z]{2}[0-9]{2}|4111 ?1111|DE89 3704|\\+|é){0,24}") {
        if let Some(guarded) = mask(&text) {
            prop_assert_eq!(guarded.text.chars().count(), text.chars().count());
            prop_assert_eq!(mask(&guarded.text), None);
        }
    }

    #[test]
    fn whatever_is_not_a_digit_or_a_letter_stays(text in ".{0,80}", card in any_card()) {
        let text = format!("{text} {card} {text}");
        let guarded = mask(&text).expect("a card is found");
        let pairs = text.chars().zip(guarded.text.chars());
        prop_assert!(pairs.into_iter().all(|(before, after)| before == after || (after == '•' && before.is_alphanumeric())));
    }

    #[test]
    fn uuids_stay(bytes: [u8; 16]) {
        let uuid = portico_protocol::MessageId::from_bytes(bytes).to_string();
        prop_assert_eq!(mask(&uuid), None);
    }

    #[test]
    fn no_text_panics(text in ".{0,200}") {
        drop(mask(&text));
    }
}

#[test]
fn no_word_on_a_card_escapes() {
    use portico_protocol::card::{CardContent, Media, MediaFile, MediaHeight, RichCard, StandaloneCard};
    let number = CARDS[0];
    let content_info = MediaFile {
        file_url: "https://a.example/1.png".into(),
        thumbnail_url: None,
        alt_text: number.into(),
    };
    let card = CardContent {
        title: number.into(),
        description: number.into(),
        media: Some(Media { height: MediaHeight::Short, content_info }),
        suggestions: vec![Suggestion::reply(number, "opaque")],
    };
    let content = Content::RichCard(RichCard::Standalone(StandaloneCard { card_content: Box::new(card) }));
    let mut body = EntryBody::Message(Message { content, ..Message::text("") });
    guard(&mut body);
    let told = portico_protocol::codec::encode(&body);
    assert!(!told.contains(number) && told.matches("1111").count() == 4, "{told}");
    let EntryBody::Message(message) = body else { panic!("it stays a message") };
    assert_eq!(message.masked, [Masked::Card]);
}
