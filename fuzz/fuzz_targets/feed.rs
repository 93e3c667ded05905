//! Product feeds from hostile shops: nothing makes the reader fall, and what it lets through keeps every limit
//! and is found again by each word of its title.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portico_domain::catalogue::{
    Addresses, DESCRIPTION_CHARS_MAX, Feed, Format, ID_CHARS_MAX, Index, Postings, Search, TITLE_CHARS_MAX,
    rank,
};
use portico_protocol::{Product, codec};

fuzz_target!(|bytes: &[u8]| {
    for format in [None, Some(Format::Tsv), Some(Format::Csv), Some(Format::Xml)] {
        let Ok(mut feed) = Feed::open(bytes, format, Addresses::Secure) else { continue };
        let mut index = Index::default();
        let mut products = Vec::new();
        while let Ok(Some(item)) = feed.next() {
            match item {
                Ok(entry) => {
                    check(&entry.product);
                    index.add(products.len() as u32, &entry.product);
                    products.push(entry.product);
                }
                Err(refusal) => assert!(refusal.line > 0 && !refusal.to_string().is_empty()),
            }
        }
        find(&products, index);
    }
});

fn check(product: &Product) {
    assert!((1..=ID_CHARS_MAX).contains(&product.id.chars().count()));
    assert!((1..=TITLE_CHARS_MAX).contains(&product.title.chars().count()));
    assert!(product.description.chars().count() <= DESCRIPTION_CHARS_MAX);
    assert!(product.link.starts_with("https://") && product.image_link.starts_with("https://"));
    assert!(product.price.minor >= 0 && product.current_price().minor <= product.price.minor);
    let again = codec::decode::<Product>(&codec::encode(product));
    assert!(again.is_ok_and(|again| again == *product), "it came back as something else");
}

fn find(products: &[Product], index: Index) {
    let terms = index.into_terms();
    for (number, product) in products.iter().enumerate().take(3) {
        let search = Search::for_words(&product.title);
        let words: Vec<Vec<Postings>> = search
            .words
            .iter()
            .map(|word| {
                let matching = terms.iter().filter(|term| term.term.starts_with(word.as_str()));
                let postings = |term: &portico_domain::catalogue::Term| Postings {
                    is_whole: *term.term == **word,
                    bytes: term.postings.clone(),
                };
                matching.map(postings).collect()
            })
            .collect();
        let found = rank(&search, &words, products.len()).expect("the index is ours");
        assert!(words.is_empty() || found.contains(&(number as u32)), "a product is not found by its title");
    }
}
