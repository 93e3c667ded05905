//! Catalogues: nobody sees half of one, and nobody waits for one.

use portico_domain::catalogue::{Index, Search};
use portico_protocol::{Availability, Condition, Product, Timestamp};
use portico_store::{Import, ImportError, Store};

use crate::bed::*;

fn product(number: u64, title: &str) -> Product {
    Product {
        id: format!("p-{number}"),
        title: title.into(),
        description: "It shines.".into(),
        link: format!("https://shop.example/{number}"),
        image_link: "https://shop.example/lamp.jpg".into(),
        additional_image_links: Vec::new(),
        availability: Availability::InStock,
        price: "149.00 EUR".parse().unwrap(),
        sale_price: None,
        brand: Some("Lumen".into()),
        gtin: None,
        mpn: None,
        condition: Condition::New,
        item_group_id: None,
        color: None,
        size: None,
        product_type: None,
        google_product_category: None,
        quantity: None,
    }
}

/// Everything but the swap.
async fn write(import: &mut Import<'_>, title: &str, count: u64, now: Timestamp) {
    let products: Vec<_> = (0..count).map(|number| product(number, title)).collect();
    let mut index = Index::default();
    for chunk in products.chunks(128) {
        let first = import.add(chunk, now).await.unwrap();
        for (number, product) in (first..).zip(chunk) {
            index.add(u32::try_from(number).unwrap(), product);
        }
    }
    for chunk in index.into_terms().chunks(256) {
        import.add_terms(chunk.to_vec(), now).await.unwrap();
    }
}

async fn clear(import: &mut Import<'_>, now: Timestamp) {
    while import.clear_some(now).await.unwrap() {}
}

async fn replace(store: &Store, title: &str, count: u64, now: Timestamp) {
    let catalogues = store.catalogues();
    let mut import = catalogues.begin_import(&brand(), now).await.unwrap();
    clear(&mut import, now).await;
    write(&mut import, title, count, now).await;
    import.swap("feed.tsv", now).await.unwrap();
    clear(&mut import, now).await;
    import.end().await.unwrap();
}

async fn titles(store: &Store, words: &str) -> Vec<String> {
    let found = store.catalogues().search(&brand(), &Search::for_words(words), 50).await.unwrap();
    found.into_iter().map(|product| product.title).collect()
}

async fn rows(bed: &Bed) -> (i64, i64) {
    let mut raw = bed.raw().await;
    (
        raw.number("SELECT COUNT(*) FROM product").await,
        raw.number("SELECT COUNT(DISTINCT version) FROM product_term").await,
    )
}

on_both! {
    async fn a_catalogue_is_found_searched_and_replaced_whole(bed) {
        let (store, catalogues) = (&bed.store, bed.store.catalogues());
        assert_eq!(catalogues.find(&brand()).await.unwrap(), None);
        assert!(titles(store, "lamp").await.is_empty());
        replace(store, "Måne lamp", 300, at(1)).await;
        let record = catalogues.find(&brand()).await.unwrap().unwrap();
        assert_eq!((record.version, record.product_count, record.source.as_str()), (1, 300, "feed.tsv"));
        assert_eq!(titles(store, "MANE lam").await.len(), 50);
        assert_eq!(catalogues.product(&brand(), "p-299").await.unwrap(), Some(product(299, "Måne lamp")));
        assert_eq!(catalogues.product(&brand(), "p-300").await.unwrap(), None);
        assert_eq!(catalogues.product(&"other".parse().unwrap(), "p-1").await.unwrap(), None);
        let ids: Vec<_> = catalogues.search(&brand(), &Search::for_words("p 7"), 2).await.unwrap();
        assert_eq!(ids.iter().map(|product| product.id.as_str()).collect::<Vec<_>>(), ["p-7", "p-70"]);
        replace(store, "Dag", 2, at(2)).await;
        assert_eq!((titles(store, "mane").await.len(), titles(store, "").await.len()), (0, 2));
        assert_eq!(rows(&bed).await, (2, 1), "the old version is gone");
    }

    async fn an_import_is_unseen_until_it_is_swapped(bed) {
        replace(&bed.store, "Old", 3, at(1)).await;
        let catalogues = bed.store.catalogues();
        let mut import = catalogues.begin_import(&brand(), at(2)).await.unwrap();
        write(&mut import, "New", 5, at(2)).await;
        assert_eq!(titles(&bed.store, "").await, ["Old"; 3]);
        // Readers ask all the time while it is swapped and the old one cleared.
        let reading = async {
            let mut seen = Vec::new();
            while seen.last() != Some(&vec!["New".to_owned(); 5]) {
                seen.push(titles(&bed.store, "").await);
            }
            seen
        };
        let swapping = async {
            import.swap("new.tsv", at(3)).await.unwrap();
            clear(&mut import, at(3)).await;
        };
        let (seen, ()) = tokio::join!(reading, swapping);
        assert!(seen.iter().all(|titles| *titles == vec!["Old"; 3] || *titles == vec!["New"; 5]), "{seen:?}");
        import.end().await.unwrap();
    }

    async fn two_imports_at_once_are_one_too_many(bed) {
        let node = bed.second_node().await;
        let (ours, theirs) = (bed.store.catalogues(), node.catalogues());
        let mut import = ours.begin_import(&brand(), at(0)).await.unwrap();
        let busy = theirs.begin_import(&brand(), at(59)).await;
        assert!(matches!(busy, Err(ImportError::Busy { until }) if until == at(60)), "{busy:?}");
        theirs.begin_import(&"other".parse().unwrap(), at(1)).await.unwrap();
        // A sign of life counts from when it was given.
        write(&mut import, "Ours", 1, at(50)).await;
        assert!(matches!(theirs.begin_import(&brand(), at(109)).await, Err(ImportError::Busy { .. })));
        let mut other = theirs.begin_import(&brand(), at(110)).await.unwrap();
        write(&mut other, "Theirs", 2, at(110)).await;
        assert!(matches!(import.add(&[product(9, "Late")], at(111)).await, Err(ImportError::Overtaken)));
        other.swap("theirs", at(111)).await.unwrap();
        assert!(matches!(import.swap("ours", at(112)).await, Err(ImportError::Overtaken)));
        assert_eq!(titles(&bed.store, "").await, ["Theirs"; 2]);
        clear(&mut other, at(113)).await;
        other.end().await.unwrap();
        assert_eq!(rows(&bed).await, (2, 1), "what the overtaken one wrote is gone");
        ours.begin_import(&brand(), at(113)).await.unwrap();
        node.close().await;
    }

    async fn what_a_killed_import_left_is_cleared_by_the_next(bed) {
        replace(&bed.store, "Old", 2, at(1)).await;
        let catalogues = bed.store.catalogues();
        let mut killed = catalogues.begin_import(&brand(), at(2)).await.unwrap();
        write(&mut killed, "Killed", 1_500, at(2)).await;
        drop(killed);
        assert_eq!(titles(&bed.store, "").await, ["Old"; 2]);
        assert_eq!(rows(&bed).await, (1_502, 2));
        let mut next = catalogues.begin_import(&brand(), at(100)).await.unwrap();
        assert!(next.clear_some(at(100)).await.unwrap());
        assert_eq!(rows(&bed).await.0, 502, "a bounded number of rows at a time");
        clear(&mut next, at(100)).await;
        assert_eq!(rows(&bed).await, (2, 1));
        // Given up in good order, it clears what it wrote itself.
        write(&mut next, "Abandoned", 3, at(101)).await;
        next.abandon();
        clear(&mut next, at(101)).await;
        next.end().await.unwrap();
        assert_eq!(rows(&bed).await, (2, 1));
        assert_eq!(titles(&bed.store, "").await, ["Old"; 2]);
    }
}
