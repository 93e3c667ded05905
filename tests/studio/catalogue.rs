//! The brand's products, searched by who is signed in.

use portico::catalogue::{Refusals, Settings, Silent, import};
use portico_domain::catalogue::{Addresses, Feed};
use portico_protocol::ProductPage;
use portico_store::{Options, Store};
use serde_json::Value;

use crate::world::{ADA, RIVAL, World};

const FEED: &str = "id\ttitle\tdescription\tlink\timage_link\tavailability\tprice\n\
    1\tMåne lamp\tA moon\thttps://a.example/1\thttps://a.example/1.jpg\tin stock\t219 EUR\n\
    2\tDag lamp\tA day\thttps://a.example/2\thttps://a.example/2.jpg\tout of stock\t149 EUR\n";

#[tokio::test]
async fn a_representative_finds_the_products_of_the_own_brand_alone() {
    let world = World::start().await;
    let store = Store::open(&Options::new(world.config.database_url()).for_tool()).await.unwrap();
    let brand = "lumen".parse().unwrap();
    let settings = Settings { source: "test", brand: &brand, refusals: Refusals::RefuseAll };
    let feed = Feed::open(FEED.as_bytes(), None, Addresses::Secure).unwrap();
    assert_eq!(import(&store, feed, &settings, &mut Silent).await.unwrap().imported, 2);
    let (ada, rolf) = (world.sign_in(ADA).await, world.sign_in(RIVAL).await);
    let ask = async |query: &str, cookie: &str| {
        world.get(&format!("/api/v1/catalogue/products{query}"), cookie).await
    };
    let ids = async |query: &str, cookie: &str| {
        let page: ProductPage = ask(query, cookie).await.json();
        page.products.into_iter().map(|product| product.id).collect::<Vec<_>>()
    };
    assert_eq!(ids("?q=lamp", &ada).await, ["1", "2"]);
    assert_eq!(ids("?q=LAM+mane", &ada).await, ["1"]);
    assert_eq!(ids("?limit=1", &ada).await, ["1"]);
    assert_eq!(ids("?availability=out_of_stock", &ada).await, ["2"]);
    assert_eq!(ids("?maxPrice=150+EUR", &ada).await, ["2"]);
    assert!(ids("?q=lamp", &rolf).await.is_empty(), "products of another brand were found");

    let nobody = ask("?q=lamp", "").await;
    assert_eq!((nobody.status, nobody.problem().as_str()), (401, "not-signed-in"));
    for query in [
        "?limit=0",
        "?limit=51",
        "?limit=x",
        "?availability=unknown",
        "?availability=no",
        "?maxPrice=150",
        "?maxPrice=1.005+EUR",
    ] {
        let answer = ask(query, &ada).await;
        assert_eq!((answer.status, answer.problem().as_str()), (400, "invalid"), "{query}: {}", answer.body);
    }
    let long: Value = ask(&format!("?q={}", "a".repeat(201)), &ada).await.json();
    assert_eq!((long["limit"].as_u64(), long["found"].as_u64()), (Some(200), Some(201)));
    store.close().await;
}
