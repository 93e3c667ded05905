//! One item: from texts under field names to a product, or the reason why not.

use std::fmt;

use portico_protocol::{Availability, Condition, Money, Product};

use super::refusal::Reason;
use super::{
    ADDITIONAL_IMAGES_MAX, BRAND_CHARS_MAX, COLOR_CHARS_MAX, DESCRIPTION_CHARS_MAX, GROUP_CHARS_MAX,
    ID_CHARS_MAX, LINK_CHARS_MAX, TITLE_CHARS_MAX, TYPE_CHARS_MAX,
};

/// Which addresses a feed may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// `https` alone.
    Secure,
    /// `http` too: for a shop on one's own machine.
    Development,
}

macro_rules! fields {
    ($( $(#[doc = $doc:literal])* $field:ident $name:literal )+) => {
        /// What a feed may say of an item. Whatever else it says is passed over.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Field { $( $(#[doc = $doc])* $field, )+ }

        const FIELDS: &[Field] = &[$( Field::$field, )+];

        impl Field {
            /// The name in feeds.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Self::$field => $name, )+ }
            }
        }
    };
}
fields! {
    /// The shop's own id.
    Id "id"
    /// The name.
    Title "title"
    /// What it is.
    Description "description"
    /// Its page.
    Link "link"
    /// Its picture.
    ImageLink "image_link"
    /// More pictures.
    AdditionalImageLink "additional_image_link"
    /// Whether it can be had.
    Availability "availability"
    /// What it costs.
    Price "price"
    /// What it costs now.
    SalePrice "sale_price"
    /// From when to when that holds.
    SalePriceEffectiveDate "sale_price_effective_date"
    /// Who makes it.
    Brand "brand"
    /// Its GS1 number.
    Gtin "gtin"
    /// Its maker's number.
    Mpn "mpn"
    /// In what state it is.
    Condition "condition"
    /// What its variants share.
    ItemGroupId "item_group_id"
    /// Its colour.
    Color "color"
    /// Its size.
    Size "size"
    /// Where it stands in the shop.
    ProductType "product_type"
    /// Where it stands in Google's taxonomy.
    GoogleProductCategory "google_product_category"
    /// How many there are.
    Quantity "quantity"
}

impl Field {
    /// The field that a column or element names: in any letter case, with spaces or underscores, with or
    /// without `g:`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.trim().to_lowercase().replace(' ', "_");
        let name = name.strip_prefix("g:").unwrap_or(&name);
        FIELDS.iter().copied().find(|field| field.name() == name)
    }

    /// Without which no item is a product.
    pub(super) const REQUIRED: [Self; 7] = [
        Self::Id,
        Self::Title,
        Self::Description,
        Self::Link,
        Self::ImageLink,
        Self::Availability,
        Self::Price,
    ];
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The texts of an item as the feed has them.
#[derive(Debug, Default)]
pub(super) struct Item {
    pub(super) line: u64,
    values: [Option<String>; FIELDS.len()],
    /// Whether a value stands under a name of the feed format, and gives way to one of Google's.
    gives_way: [bool; FIELDS.len()],
    additional_images: Vec<String>,
    /// How many there were, with those that were not kept.
    additional_images_found: usize,
}

impl Item {
    pub(super) fn new(line: u64) -> Self {
        Self { line, ..Self::default() }
    }

    /// Sets a field; the first value counts.
    pub(super) fn set(&mut self, field: Field, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        if field == Field::AdditionalImageLink {
            for link in text.split(',').map(str::trim).filter(|link| !link.is_empty()) {
                self.additional_images_found += 1;
                if self.additional_images.len() <= ADDITIONAL_IMAGES_MAX {
                    self.additional_images.push(link.to_owned());
                }
            }
            return;
        }
        let index = field as usize;
        if self.values[index].is_none() || self.gives_way[index] {
            self.values[index] = Some(text.to_owned());
            self.gives_way[index] = false;
        }
    }

    /// Sets a field from an element of RSS or Atom itself: a `g:` element counts more.
    pub(super) fn set_unless_said(&mut self, field: Field, text: &str) {
        let (text, index) = (text.trim(), field as usize);
        if !text.is_empty() && self.values[index].is_none() {
            self.values[index] = Some(text.to_owned());
            self.gives_way[index] = true;
        }
    }

    /// Whether nothing was said at all: spreadsheets leave such lines.
    pub(super) fn is_blank(&self) -> bool {
        self.values.iter().all(Option::is_none) && self.additional_images.is_empty()
    }

    /// Checks every field and makes the product.
    pub(super) fn into_product(mut self, addresses: Addresses) -> Result<Product, Reason> {
        if let Some(field) = Field::REQUIRED.into_iter().find(|field| self.values[*field as usize].is_none())
        {
            return Err(Reason::Missing { field });
        }
        for field in [Field::Link, Field::ImageLink] {
            check_link(field, self.values[field as usize].as_deref().unwrap_or_default(), addresses)?;
        }
        self.check_additional_images(addresses)?;
        let (price, sale_price) = self.prices()?;
        let quantity = self.take(Field::Quantity).map(|text| quantity(&text)).transpose()?;
        let availability = availability(&self.take(Field::Availability).unwrap_or_default())?;
        Ok(Product {
            id: self.text(Field::Id, ID_CHARS_MAX)?.unwrap_or_default(),
            title: self.text(Field::Title, TITLE_CHARS_MAX)?.unwrap_or_default(),
            description: self.text(Field::Description, DESCRIPTION_CHARS_MAX)?.unwrap_or_default(),
            link: self.take(Field::Link).unwrap_or_default(),
            image_link: self.take(Field::ImageLink).unwrap_or_default(),
            additional_image_links: std::mem::take(&mut self.additional_images),
            availability,
            price,
            sale_price,
            brand: self.text(Field::Brand, BRAND_CHARS_MAX)?,
            gtin: self.take(Field::Gtin).map(|text| gtin(&text)).transpose()?,
            mpn: self.text(Field::Mpn, BRAND_CHARS_MAX)?,
            condition: self.take(Field::Condition).map_or(Ok(Condition::New), |text| condition(&text))?,
            item_group_id: self.text(Field::ItemGroupId, GROUP_CHARS_MAX)?,
            color: self.text(Field::Color, COLOR_CHARS_MAX)?,
            size: self.text(Field::Size, COLOR_CHARS_MAX)?,
            product_type: self.text(Field::ProductType, TYPE_CHARS_MAX)?,
            google_product_category: self.text(Field::GoogleProductCategory, TYPE_CHARS_MAX)?,
            quantity,
        })
    }

    fn take(&mut self, field: Field) -> Option<String> {
        self.values[field as usize].take()
    }

    fn text(&mut self, field: Field, limit: usize) -> Result<Option<String>, Reason> {
        let Some(text) = self.take(field) else { return Ok(None) };
        check_chars(field, &text, limit)?;
        let is_stray = |letter: &char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
        if let Some(stray) = text.chars().find(is_stray) {
            let problem = format!("the control character U+{:04X} is in it", u32::from(stray));
            return Err(Reason::invalid(field, problem));
        }
        // A description may have paragraphs; whatever is shown in one line is one.
        if field == Field::Description {
            return Ok(Some(text));
        }
        Ok(Some(text.split_whitespace().collect::<Vec<_>>().join(" ")))
    }

    fn check_additional_images(&self, addresses: Addresses) -> Result<(), Reason> {
        let (field, limit) = (Field::AdditionalImageLink, ADDITIONAL_IMAGES_MAX);
        if self.additional_images_found > limit {
            return Err(Reason::TooMany { field, limit, found: self.additional_images_found });
        }
        self.additional_images.iter().try_for_each(|link| check_link(field, link, addresses))
    }

    /// The price, and the reduced one if it holds whenever somebody asks: one with a time span is left out,
    /// since a price that may be over must not be promised.
    fn prices(&mut self) -> Result<(Money, Option<Money>), Reason> {
        let amount = |field: Field, text: Option<String>| {
            let amount = text.map(|text| text.parse::<Money>()).transpose();
            let amount = amount.map_err(|error| Reason::invalid(field, error.to_string()))?;
            match amount {
                Some(money) if money.minor < 0 => Err(Reason::invalid(field, "it is below zero")),
                amount => Ok(amount),
            }
        };
        let price = amount(Field::Price, self.take(Field::Price))?;
        let price = price.ok_or(Reason::Missing { field: Field::Price })?;
        let sale_price = amount(Field::SalePrice, self.take(Field::SalePrice))?;
        let has_time_span = self.take(Field::SalePriceEffectiveDate).is_some();
        match sale_price.map(|sale| sale.is_at_most(price)) {
            Some(None) => Err(Reason::invalid(Field::SalePrice, "its currency is not that of price")),
            Some(Some(false)) => Err(Reason::invalid(Field::SalePrice, "it is higher than price")),
            _ => Ok((price, sale_price.filter(|sale| *sale != price && !has_time_span))),
        }
    }
}

fn check_chars(field: Field, text: &str, limit: usize) -> Result<(), Reason> {
    if text.len() <= limit {
        return Ok(());
    }
    let found = text.chars().count();
    if found > limit { Err(Reason::TooLong { field, limit, found }) } else { Ok(()) }
}

/// A web address and nothing else: `javascript:` and `data:` run or show what no shop vouches for, and a name
/// before the host (`https://shop.example@evil.example`) looks like another host.
fn check_link(field: Field, link: &str, addresses: Addresses) -> Result<(), Reason> {
    check_chars(field, link, LINK_CHARS_MAX)?;
    let insecure = link.strip_prefix("http://").filter(|_| addresses == Addresses::Development);
    let Some(rest) = link.strip_prefix("https://").or(insecure) else {
        return Err(Reason::invalid(field, "give an address that starts with https://"));
    };
    if link
        .chars()
        .any(|letter| letter.is_control() || letter.is_whitespace() || "\\\"<>`{}|^".contains(letter))
    {
        return Err(Reason::invalid(field, "a character in it has no place in an address: encode it as %20"));
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_host = |letter: char| letter.is_alphanumeric() || "-.:[]".contains(letter);
    if !host.starts_with(|letter: char| letter.is_alphanumeric() || letter == '[')
        || !host.chars().all(is_host)
    {
        return Err(Reason::invalid(field, "its host is not a name that an address can have"));
    }
    Ok(())
}

/// The four words of the specification, also as shops write them.
fn availability(text: &str) -> Result<Availability, Reason> {
    match text.to_lowercase().replace([' ', '-'], "_").as_str() {
        "in_stock" => Ok(Availability::InStock),
        "out_of_stock" => Ok(Availability::OutOfStock),
        "preorder" | "pre_order" => Ok(Availability::Preorder),
        "backorder" | "back_order" => Ok(Availability::Backorder),
        _ => Err(Reason::invalid(Field::Availability, "write in_stock, out_of_stock, preorder or backorder")),
    }
}

fn condition(text: &str) -> Result<Condition, Reason> {
    match text.to_lowercase().as_str() {
        "new" => Ok(Condition::New),
        "refurbished" => Ok(Condition::Refurbished),
        "used" => Ok(Condition::Used),
        _ => Err(Reason::invalid(Field::Condition, "write new, refurbished or used")),
    }
}

fn quantity(text: &str) -> Result<u32, Reason> {
    text.parse().map_err(|_| Reason::invalid(Field::Quantity, "write a whole number from 0 to 4294967295"))
}

/// The digits of a GS1 number whose last one fits the others (GS1 General Specifications §7.9).
fn gtin(text: &str) -> Result<String, Reason> {
    let digits: String = text.chars().filter(|letter| !matches!(letter, ' ' | '-')).collect();
    if ![8, 12, 13, 14].contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Reason::invalid(Field::Gtin, "write its 8, 12, 13 or 14 digits"));
    }
    let weigh = |(index, byte): (usize, u8)| u32::from(byte - b'0') * if index % 2 == 0 { 1 } else { 3 };
    let sum: u32 = digits.bytes().rev().enumerate().map(weigh).sum();
    if !sum.is_multiple_of(10) {
        return Err(Reason::invalid(
            Field::Gtin,
            "its last digit does not fit the others: one of them is wrong",
        ));
    }
    Ok(digits)
}
