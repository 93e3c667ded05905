//! Product feeds as shops send them, and as nobody should.
#![allow(clippy::unwrap_used, missing_docs)]

use std::io::{BufReader, Read};

use portico_domain::catalogue::{
    Addresses, Entry, Feed, FeedError, Format, ITEM_BYTES_MAX, Index, Postings, Reason, Refusal, Search,
    fold, rank,
};
use portico_protocol::{Availability, Condition, Product};
use proptest::prelude::*;

const HEADER: &str = "id\ttitle\tdescription\tlink\timage_link\tavailability\tprice";

/// A table with the columns that every feed has, and one line.
fn line(changes: &[(&str, &str)]) -> String {
    let mut fields = vec![
        ("id", "dag-1"),
        ("title", "Dag"),
        ("description", "A lamp."),
        ("link", "https://a.example/dag"),
        ("image_link", "https://a.example/dag.jpg"),
        ("availability", "in_stock"),
        ("price", "149.00 EUR"),
    ];
    for (name, value) in changes {
        match fields.iter_mut().find(|(known, _)| known == name) {
            Some(field) => field.1 = value,
            None => fields.push((name, value)),
        }
    }
    let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
    let values: Vec<_> = fields.iter().map(|(_, value)| *value).collect();
    format!("{}\n{}\n", names.join("\t"), values.join("\t"))
}

fn read_as(feed: impl AsRef<[u8]>, format: Option<Format>) -> Result<Vec<Result<Entry, Refusal>>, FeedError> {
    // A buffer of few bytes: every value is cut somewhere.
    let mut feed = Feed::open(BufReader::with_capacity(7, feed.as_ref()), format, Addresses::Secure)?;
    let mut items = Vec::new();
    while let Some(item) = feed.next()? {
        items.push(item);
    }
    Ok(items)
}

fn read(feed: impl AsRef<[u8]>) -> Vec<Result<Entry, Refusal>> {
    read_as(feed, None).unwrap()
}

fn one(feed: &str) -> Product {
    let mut items = read(feed);
    assert_eq!(items.len(), 1);
    items.remove(0).unwrap().product
}

fn refuses(changes: &[(&str, &str)], expected: &str) {
    let items = read_as(line(changes), Some(Format::Tsv)).unwrap();
    let told: Vec<_> = items.into_iter().map(|item| item.unwrap_err().to_string()).collect();
    assert_eq!(told, [format!("line 2: {expected}")], "{changes:?}");
}

#[test]
fn a_line_becomes_a_product() {
    let product = one(&line(&[
        ("additional image link", "https://a.example/1.jpg,https://a.example/2.jpg"),
        ("availability", "Out of stock"),
        ("g:sale_price", "99 EUR"),
        ("gtin", "4006381333931"),
        ("condition", "refurbished"),
        ("quantity", "7"),
        ("colour", "nobody asked"),
        ("color", "  Red \u{a0} oak "),
    ]));
    assert_eq!(product.price.to_string(), "149.00 EUR");
    assert_eq!(product.current_price().to_string(), "99.00 EUR");
    assert_eq!(product.availability, Availability::OutOfStock);
    assert_eq!(product.condition, Condition::Refurbished);
    assert_eq!(product.additional_image_links, ["https://a.example/1.jpg", "https://a.example/2.jpg"]);
    assert_eq!(product.gtin.as_deref(), Some("4006381333931"));
    assert_eq!((product.quantity, product.color.as_deref()), (Some(7), Some("Red oak")));
}

#[test]
fn each_rule_refuses_with_field_limit_and_length() {
    let long = |count| "ä".repeat(count);
    refuses(&[("id", &long(51))], "id has 51 characters, at most 50 are allowed");
    refuses(&[("title", &long(151))], "title has 151 characters, at most 150 are allowed");
    refuses(&[("description", &long(5_001))], "description has 5001 characters, at most 5000 are allowed");
    refuses(
        &[("link", &format!("https://a.example/{}", long(1_983)))],
        "link has 2001 characters, at most 2000 are allowed",
    );
    refuses(&[("title", "")], "title is missing");
    refuses(&[("title", "a\0b")], "title: the control character U+0000 is in it");
    refuses(
        &[("availability", "maybe")],
        "availability: write in_stock, out_of_stock, preorder or backorder",
    );
    refuses(
        &[("price", "EUR 12.50")],
        "price: write a number with a point, a space and a currency of ISO 4217, as in 12.50 EUR",
    );
    refuses(&[("price", "-1 EUR")], "price: it is below zero");
    refuses(&[("price", "1.5 JPY")], "price: there are more decimal places than the currency has");
    refuses(&[("sale_price", "150 EUR")], "sale_price: it is higher than price");
    refuses(&[("sale_price", "15 USD")], "sale_price: its currency is not that of price");
    refuses(&[("condition", "broken")], "condition: write new, refurbished or used");
    refuses(
        &[("gtin", "4006381333932")],
        "gtin: its last digit does not fit the others: one of them is wrong",
    );
    refuses(&[("quantity", "-1")], "quantity: write a whole number from 0 to 4294967295");
    let images = ["https://a.example/i.jpg"; 11].join(",");
    refuses(
        &[("additional_image_link", &images)],
        "additional_image_link has 11 values, at most 10 are allowed",
    );
    for link in [
        "http://a.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "//a.example",
        "ftp://a.example",
        "HTTPS//a",
    ] {
        refuses(&[("link", link)], "link: give an address that starts with https://");
    }
    for link in ["https://", "https:///a", "https://a.example@b.example/", "https://?"] {
        refuses(&[("image_link", link)], "image_link: its host is not a name that an address can have");
    }
    refuses(
        &[("link", "https://a.example/a b")],
        "link: a character in it has no place in an address: encode it as %20",
    );
    assert_eq!(one(&line(&[("title", &long(150))])).title, long(150));
}

#[test]
fn a_reduced_price_with_a_time_span_is_not_promised() {
    let span = ("sale_price_effective_date", "2026-11-24T13:00+0100/2026-11-29T15:30+0100");
    assert_eq!(one(&line(&[("sale_price", "99 EUR"), span])).sale_price, None);
}

#[test]
fn every_bad_line_is_told_by_its_number_and_the_others_come_in() {
    let row = |id: &str, price: &str| {
        format!("{id}\tDag\tA lamp\thttps://a.example\thttps://a.example/i\tin stock\t{price}\n")
    };
    let feed = [
        "\u{feff}",
        HEADER,
        "\r\n\n",
        &row("1", "1 EUR"),
        "\t\t\t\n",
        &row("2", "?"),
        &row("1", "2 EUR"),
        "3\t\"Two\nlines\"\tA lamp\thttps://a.example\thttps://a.example/i\tin stock\t3 EUR\n",
        &row("4", "4 EUR").replace('\n', "\textra\n"),
        &row("5", "5 EUR"),
    ]
    .concat();
    let items = read(&feed);
    let lines: Vec<_> = items
        .iter()
        .map(|item| item.as_ref().map_or_else(|refusal| refusal.line, |entry| entry.line))
        .collect();
    assert_eq!(lines, [3, 5, 6, 7, 9, 10]);
    assert_eq!(items[2].as_ref().unwrap_err().reason, Reason::Duplicate { first: 3 });
    assert_eq!(items[3].as_ref().unwrap().product.title, "Two lines");
    assert_eq!(items[4].as_ref().unwrap_err().reason, Reason::TooManyFields { limit: 7, found: 8 });
    assert_eq!(items.iter().filter(|item| item.is_ok()).count(), 3);
}

#[test]
fn commas_and_quotes_are_read_as_spreadsheets_write_them() {
    let feed = format!(
        "{}\nx,\"Lamp, \"\"big\"\"\",d,https://a.example,https://a.example/i,preorder,\"1.00 EUR\"",
        HEADER.replace('\t', ",")
    );
    assert_eq!(one(&feed).title, "Lamp, \"big\"");
}

#[test]
fn bytes_that_are_no_text_refuse_their_line_alone() {
    let mut feed = line(&[("title", "L?mp")]).into_bytes();
    let at = feed.iter().position(|byte| *byte == b'?').unwrap();
    feed[at] = 0xe4;
    let items = read_as(&feed, Some(Format::Tsv)).unwrap();
    assert_eq!(items[0].as_ref().unwrap_err().to_string(), "line 2: title: its byte 2 is not UTF-8");
}

#[test]
fn what_is_no_feed_at_all_is_refused_as_a_whole() {
    let told = |feed: &[u8]| read_as(feed, None).unwrap_err().to_string();
    assert_eq!(told(b""), "the feed is empty");
    assert_eq!(told(b"\xff\xfei\0d\0"), "the feed is written in UTF-16: save it as UTF-8");
    assert_eq!(
        told(b"id,title\n1,2\n"),
        "the first line names no column description: it must hold the names of all columns"
    );
    assert_eq!(told(b"<html></html>"), "line 1: this is neither RSS nor Atom");
    assert_eq!(
        told(b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><rss/>"),
        "the feed is written in ISO-8859-1: save it as UTF-8"
    );
    assert_eq!(told(b"<rss><channel>"), "line 1: the feed ends in the middle");
}

/// A line as long as one likes, of which nobody holds more than a buffer.
fn endless(start: String, bytes: u64, end: &'static str) -> impl Read {
    std::io::Cursor::new(start).chain(std::io::repeat(b'x').take(bytes)).chain(end.as_bytes())
}

#[test]
fn a_line_of_ten_megabytes_is_refused_and_the_next_one_read() {
    const END: &str = "\tA lamp\thttps://a.example\thttps://a.example/i\tin_stock\t1 EUR\n\
         2\tNext\tA lamp\thttps://a.example\thttps://a.example/i\tin_stock\t1 EUR\n";
    let input = BufReader::new(endless(format!("{HEADER}\n1\t"), 10 << 20, END));
    let mut feed = Feed::open(input, None, Addresses::Secure).unwrap();
    let refusal = feed.next().unwrap().unwrap().unwrap_err();
    let Reason::TooLarge { limit: ITEM_BYTES_MAX, found } = refusal.reason else { panic!("{refusal}") };
    assert!(refusal.line == 2 && found >= 10 << 20, "{refusal}");
    assert_eq!(feed.next().unwrap().unwrap().unwrap().product.title, "Next");
    assert!(feed.next().unwrap().is_none());
}

#[test]
fn a_quotation_mark_that_is_never_closed_ends_at_the_limit() {
    let input = BufReader::new(endless(format!("{HEADER}\n1\t\""), 10 << 20, ""));
    let mut feed = Feed::open(input, None, Addresses::Secure).unwrap();
    assert!(matches!(feed.next().unwrap().unwrap().unwrap_err().reason, Reason::TooLarge { .. }));
    assert!(feed.next().unwrap().is_none());
}

const RSS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title>
<item>
  <g:id>dag</g:id><title>Dag &amp; &#78;att</title><g:description><![CDATA[Oak & linen]]></g:description>
  <link>https://a.example/dag</link><g:image_link>https://a.example/dag.jpg</g:image_link>
  <g:additional_image_link>https://a.example/1.jpg</g:additional_image_link>
  <g:additional_image_link>https://a.example/2.jpg</g:additional_image_link>
  <g:availability>in stock</g:availability><g:price>149.00 EUR</g:price>
  <g:shipping><g:price>4.00 EUR</g:price></g:shipping>
</item>
</channel></rss>"#;

#[test]
fn rss_and_atom_are_read_with_googles_elements() {
    let product = one(RSS);
    assert_eq!((product.title.as_str(), product.description.as_str()), ("Dag & Natt", "Oak & linen"));
    assert_eq!(product.price.to_string(), "149.00 EUR");
    assert_eq!(product.additional_image_links.len(), 2);
    assert_eq!(read(RSS)[0].as_ref().unwrap().line, 3);
    let atom = r#"<feed xmlns="http://www.w3.org/2005/Atom" xmlns:x="http://base.google.com/ns/1.0"><entry>
        <id>tag:a.example,2026:dag</id><x:id>dag</x:id><title>Dag</title><summary>Oak</summary>
        <link rel="self" href="https://a.example/feed"/><link href="https://a.example/dag"/>
        <x:title>Dag, lamp</x:title><x:image_link>https://a.example/dag.jpg</x:image_link>
        <x:availability>in_stock</x:availability><x:price>149 EUR</x:price></entry></feed>"#;
    let product = one(atom);
    assert_eq!((product.id.as_str(), product.title.as_str()), ("dag", "Dag, lamp"));
    assert_eq!(product.link, "https://a.example/dag");
}

#[test]
fn xml_that_explodes_is_not_lit() {
    let bomb = RSS.replace("<rss", "<!DOCTYPE rss [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>\n<rss");
    let told = read_as(&bomb, None).unwrap_err().to_string();
    assert_eq!(told, "line 2: a document type is declared: remove it, feeds need none");
    let unknown = RSS.replace("&amp;", "&nbsp;");
    assert_eq!(
        read(&unknown)[0].as_ref().unwrap_err().to_string(),
        "line 3: the entity &nbsp; is unknown: write the character itself"
    );
    let deep = format!("<rss>{}", "<a>".repeat(100));
    assert!(read_as(&deep, None).unwrap_err().to_string().contains("more than 32 elements"));
    let start = RSS.split("Dag").next().unwrap().to_owned();
    let mut feed = Feed::open(BufReader::new(endless(start, 10 << 20, "")), None, Addresses::Secure).unwrap();
    assert!(matches!(feed.next(), Err(FeedError::TooLarge { limit: ITEM_BYTES_MAX, .. })));
}

#[test]
fn words_are_compared_without_case_and_accents_in_every_script() {
    for (one, other) in [
        ("Måne", "mane"),
        ("STRASSE", "Straße"),
        ("Ωμέγας", "ωμεγασ"),
        ("Ёлка", "елка"),
        ("مُصْبَاح", "مصباح"),
        ("ｌａｍｐ", "lamp"),
        ("İstanbul", "istanbul"),
        ("Łódź", "lodz"),
    ] {
        assert_eq!(fold(one), fold(other), "{one}");
    }
    assert_ne!(fold("がき"), fold("かき"), "another word");
}

fn product(id: &str, title: &str, changes: impl FnOnce(&mut Product)) -> Product {
    let mut product = one(&line(&[("id", id), ("title", title)]));
    changes(&mut product);
    product
}

/// The ids that a search finds among `products`.
fn found<'p>(products: &'p [Product], search: &Search, limit: usize) -> Vec<&'p str> {
    let mut index = Index::default();
    for (number, product) in (0..).zip(products) {
        index.add(number, product);
    }
    let terms = index.into_terms();
    assert!(terms.is_sorted_by_key(|term| term.term.clone()));
    let postings = |word: &str| {
        let matching = terms
            .iter()
            .filter(|term| if word.is_empty() { term.term.is_empty() } else { term.term.starts_with(word) });
        matching
            .map(|term| Postings { is_whole: *term.term == *word, bytes: term.postings.clone() })
            .collect()
    };
    let words: Vec<Vec<Postings>> = match &search.words[..] {
        [] => vec![postings("")],
        words => words.iter().map(|word| postings(word)).collect(),
    };
    rank(search, &words, limit)
        .unwrap()
        .into_iter()
        .map(|number| products[number as usize].id.as_str())
        .collect()
}

#[test]
fn the_title_comes_first_then_what_is_there() {
    let products = [
        product("1", "Shade", |product| product.product_type = Some("Lamp > Parts".into())),
        product("2", "Lamp, sold", |product| product.availability = Availability::OutOfStock),
        product("3", "Lampion", |_| ()),
        product("4", "Red lamp", |product| product.price = "20 USD".parse().unwrap()),
        product("5", "燈台 セット", |_| ()),
    ];
    let search = Search::for_words("LAMP");
    assert_eq!(found(&products, &search, 9), ["4", "3", "2", "1"]);
    assert_eq!(found(&products, &search, 2), ["4", "3"]);
    assert_eq!(found(&products, &Search::for_words("lamp red"), 9), ["4"]);
    assert_eq!(found(&products, &Search::for_words("lamp green"), 9), [""; 0]);
    assert_eq!(found(&products, &Search::for_words("台"), 9), ["5"]);
    assert_eq!(found(&products, &Search::for_words("セット"), 9), ["5"]);
    assert_eq!(found(&products, &Search::default(), 9), ["1", "3", "4", "5", "2"]);
    let affordable = Search { price_max: Some("149 EUR".parse().unwrap()), ..Search::for_words("lamp") };
    assert_eq!(found(&products, &affordable, 9), ["3", "2", "1"]);
    let sold = Search { availability: Some(Availability::OutOfStock), ..Search::default() };
    assert_eq!(found(&products, &sold, 9), ["2"]);
}

proptest! {
    #[test]
    fn no_bytes_break_the_readers(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for start in [&b""[..], b"<rss>", b"id,title\n", HEADER.as_bytes()] {
            for format in [None, Some(Format::Csv), Some(Format::Xml)] {
                let _ = read_as([start, &bytes[..]].concat(), format);
            }
        }
    }

    #[test]
    fn no_postings_break_the_search(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = rank(&Search::default(), &[vec![Postings { is_whole: true, bytes }]], 10);
    }

    #[test]
    fn every_word_of_a_title_finds_its_product(title in "[a-zA-Zåéßøжح台 ]{1,40}") {
        prop_assume!(!title.trim().is_empty());
        let products = [product("0", "???", |_| ()), product("7", &title, |_| ())];
        for word in title.split_whitespace() {
            let search = Search::for_words(word);
            prop_assert_eq!(found(&products, &search, 5), ["7"], "{} in {}", word, title);
        }
    }
}
