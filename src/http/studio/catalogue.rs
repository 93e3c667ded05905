//! The brand's products, searched.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use portico_domain::catalogue::{FOUND_MAX, Search};
use portico_protocol::limit::SEARCH_CHARS_MAX;
use portico_protocol::message::check_chars;
use portico_protocol::{Availability, Money, Problem, ProductPage};
use serde::Deserialize;

use super::json;
use super::session::SignedIn;
use crate::app::App;
use crate::http::problem::ApiError;

/// How many products are found where nothing else is asked for.
const FOUND: usize = 20;

/// What is looked for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProductQuery {
    #[serde(default)]
    q: String,
    limit: Option<usize>,
    availability: Option<Availability>,
    /// As in a feed: `150 EUR`.
    max_price: Option<String>,
}

/// `GET /api/v1/catalogue/products`.
pub(super) async fn products(
    State(app): State<Arc<App>>,
    who: SignedIn,
    query: Result<Query<ProductQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Ok(Query(query)) = query else {
        return Err(Problem::invalid(
            "query",
            "give q, and optionally limit, availability=in_stock and maxPrice=150 EUR",
        )
        .into());
    };
    check_chars("q", &query.q, SEARCH_CHARS_MAX)?;
    if query.availability == Some(Availability::Unknown) {
        return Err(
            Problem::invalid("availability", "give in_stock, out_of_stock, preorder or backorder").into()
        );
    }
    let limit = query.limit.unwrap_or(FOUND);
    if limit == 0 || limit > FOUND_MAX {
        return Err(Problem::invalid("limit", format!("give a number from 1 to {FOUND_MAX}")).into());
    }
    let price_max = query.max_price.as_deref().map(str::parse::<Money>).transpose();
    let price_max = price_max.map_err(|error| Problem::invalid("maxPrice", error.to_string()))?;
    let search = Search { availability: query.availability, price_max, ..Search::for_words(&query.q) };
    let products = app.store.catalogues().search(&who.account.brand, &search, limit).await?;
    Ok(json(&ProductPage { products }))
}
