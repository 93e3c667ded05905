//! What a brand sells, as its product feed says it. `docs/catalogue.md` tells each field's meaning.

use serde::{Deserialize, Serialize};

use crate::Money;
use crate::json::wire;

/// Whether a product can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// It is sent when it is ordered.
    InStock,
    /// It cannot be ordered.
    OutOfStock,
    /// It will be sent when it first appears.
    Preorder,
    /// It will be sent when it is there again.
    Backorder,
    /// Something that this version does not know.
    #[serde(other)]
    Unknown,
}

/// In what state a product is sold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Unopened.
    #[default]
    New,
    /// Restored to working order, with a guarantee.
    Refurbished,
    /// Used before.
    Used,
    /// Something that this version does not know.
    #[serde(other)]
    Unknown,
}

/// One product, or one variant of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// The shop's own id, unique in its catalogue; at most 50 code points.
    pub id: String,
    /// Its name; at most 150 code points.
    pub title: String,
    /// What it is, in plain text; at most 5000 code points.
    pub description: String,
    /// Its page in the shop.
    pub link: String,
    /// Its picture.
    pub image_link: String,
    /// More pictures, at most ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional_image_links: Vec<String>,
    /// Whether it can be had.
    pub availability: Availability,
    /// What it costs without any reduction.
    pub price: Money,
    /// What it costs now, where that is less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale_price: Option<Money>,
    /// Who makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// Its GS1 number: 8, 12, 13 or 14 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gtin: Option<String>,
    /// Its maker's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mpn: Option<String>,
    /// In what state it is sold.
    pub condition: Condition,
    /// What all variants of it share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_group_id: Option<String>,
    /// Its colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// Its size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// Where it stands in the shop, as in `Home > Lamps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_type: Option<String>,
    /// Where it stands in Google's taxonomy: a number or a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub google_product_category: Option<String>,
    /// How many there are, where the shop says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
}

impl Product {
    /// What it costs now.
    #[must_use]
    pub fn current_price(&self) -> Money {
        self.sale_price.unwrap_or(self.price)
    }
}

/// `GET /api/v1/catalogue/products`: the best first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductPage {
    /// The products.
    pub products: Vec<Product>,
}

wire!(enum Availability { InStock = "in_stock", OutOfStock = "out_of_stock", Preorder = "preorder", Backorder = "backorder", Unknown = "unknown", _ = Unknown });
wire!(enum Condition { New = "new", Refurbished = "refurbished", Used = "used", Unknown = "unknown", _ = Unknown });
wire!(struct Product {
    id, title, description, link, image_link, additional_image_links [optional], availability, price,
    sale_price [optional], brand [optional], gtin [optional], mpn [optional], condition,
    item_group_id [optional], color [optional], size [optional], product_type [optional],
    google_product_category [optional], quantity [optional],
});
wire!(struct ProductPage { products });

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{codec, json};

    #[test]
    fn both_engines_write_a_product_alike_and_bear_what_is_new() {
        let text = r#"{"id":"dag","title":"Dag","description":"A lamp","link":"https://a.example/dag","imageLink":"https://a.example/dag.jpg","availability":"in_stock","price":{"currencyCode":"EUR","units":"149","nanos":0},"condition":"new"}"#;
        let product: Product = codec::decode(text).expect("a product");
        assert_eq!(codec::encode(&product), text);
        assert_eq!(json::to_string(&product), text);
        assert!(json::from_str::<Product>(text).is_ok_and(|read| read == product));
        let newer = text.replace("in_stock", "made_to_order");
        let newer: Product = codec::decode(&newer).expect("a product of a later version");
        assert_eq!(newer.availability, Availability::Unknown);
    }
}
