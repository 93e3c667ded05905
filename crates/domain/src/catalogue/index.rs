//! The inverted index: for each term the products that hold it, packed.
//!
//! One row for each term, not for each term of each product: a hundred thousand products then cost some ten
//! thousand rows to write instead of a million, and the commonest word is one read. Availability and price
//! stand in each posting, so that a search ranks and filters without looking at products.

use std::collections::HashMap;

use portico_protocol::{Availability, Product};

use super::words::terms_of;

/// Where in a posting's first byte the availability stands; below are the places of [`super::words`].
pub(super) const AVAILABILITY_SHIFT: u8 = 6;

/// Collects the terms of a whole catalogue: about ten bytes for each word of each product.
#[derive(Debug, Default)]
pub struct Index {
    terms: HashMap<Box<str>, Growing>,
}

/// One term and, packed, where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The term, as [`super::fold`] makes it. The empty one stands for every product.
    pub term: Box<str>,
    /// Its postings, for [`super::rank`].
    pub postings: Vec<u8>,
}

#[derive(Debug, Default)]
struct Growing {
    /// One more than the last product's number.
    next: u32,
    currency: [u8; 3],
    postings: Vec<u8>,
}

impl Index {
    /// Adds a product. Numbers must rise.
    pub fn add(&mut self, number: u32, product: &Product) {
        self.add_term("", 0, number, product);
        for (term, places) in terms_of(product) {
            self.add_term(&term, places, number, product);
        }
    }

    fn add_term(&mut self, term: &str, places: u8, number: u32, product: &Product) {
        if !self.terms.contains_key(term) {
            self.terms.insert(term.into(), Growing::default());
        }
        let Some(growing) = self.terms.get_mut(term) else { return };
        growing.push(number, places, product);
    }

    /// All terms, in the order in which databases keep them.
    #[must_use]
    pub fn into_terms(self) -> Vec<Term> {
        let terms = self.terms.into_iter();
        let mut terms: Vec<_> =
            terms.map(|(term, growing)| Term { term, postings: growing.postings }).collect();
        terms.sort_unstable_by(|one, other| one.term.cmp(&other.term));
        terms
    }
}

impl Growing {
    /// A posting: how many products were passed over, places and availability, the price and whether its
    /// currency is another than before, then that currency.
    fn push(&mut self, number: u32, places: u8, product: &Product) {
        debug_assert!(number >= self.next, "numbers rise");
        push_number(&mut self.postings, u64::from(number - self.next));
        self.next = number + 1;
        self.postings.push(places | rank_of(product.availability) << AVAILABILITY_SHIFT);
        let price = product.current_price();
        let mut currency = [0; 3];
        currency.copy_from_slice(&price.currency.as_str().as_bytes()[..3]);
        let is_other = currency != self.currency;
        // Prices are never negative; the topmost bit of the shifted number is thus never lost.
        push_number(&mut self.postings, price.minor.unsigned_abs() << 1 | u64::from(is_other));
        if is_other {
            self.currency = currency;
            self.postings.extend_from_slice(&currency);
        }
    }
}

/// What can be had first comes first: 3 to 0.
pub(super) const fn rank_of(availability: Availability) -> u8 {
    match availability {
        Availability::InStock => 3,
        Availability::Preorder => 2,
        Availability::Backorder => 1,
        Availability::OutOfStock | Availability::Unknown => 0,
    }
}

/// Seven bits a byte, the lowest first (LEB128).
fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}
