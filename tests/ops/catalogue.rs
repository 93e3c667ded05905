//! `portico catalogue` as an operator uses it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use portico_store::{Options, Store};

const HEADER: &str = "id\ttitle\tdescription\tlink\timage_link\tavailability\tprice\n";

fn row(id: &str, title: &str, price: &str) -> String {
    format!("{id}\t{title}\tA lamp\thttps://a.example/{id}\thttps://a.example/{id}.jpg\tin stock\t{price}\n")
}

/// Exit code, standard output and standard error of `portico catalogue` with `arguments`, fed with `input`.
fn catalogue(data: &Path, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portico"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PORTICO_")) {
        command.env_remove(name);
    }
    command.arg("catalogue").args(["--data".as_ref(), data.as_os_str()]).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

async fn add_brand(data: &Path) {
    let url = format!("sqlite:{}", data.join("portico.db").display());
    let store = Store::open(&Options::new(url).for_tool()).await.unwrap();
    store.migrate().await.unwrap();
    let now = portico_protocol::Timestamp::from_millis(1);
    store.brands().save(&"lumen".parse().unwrap(), "{}", now).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_feed_is_imported_searched_and_shown_and_the_exit_code_says_how_it_went() {
    let folder = tempfile::tempdir().unwrap();
    add_brand(folder.path()).await;
    let run = |arguments: &[&str], input: &str| catalogue(folder.path(), arguments, input);
    let import = ["import", "-", "--brand", "lumen"];

    let (code, _, error) = run(&["show", "lumen"], "");
    assert!(code == 1 && error.contains("lumen has no catalogue"), "{error}");
    let feed = [HEADER, &row("1", "Måne", "219 EUR"), &row("2", "Dag", "149 EUR")].concat();
    let (code, out, error) = run(&import, &feed);
    assert_eq!((code, out.as_str(), error.as_str()), (0, "lumen has 2 products from -.\n", ""));
    let (code, out, _) = run(&["search", "--brand", "lumen", "MANE"], "");
    assert_eq!((code, out.as_str()), (0, "1\tMåne\t219.00 EUR\tin stock\n"));
    let (_, out, _) = run(&["search", "--brand", "lumen", "--max-price", "150 EUR", "--json"], "");
    let products: Vec<portico_protocol::Product> = serde_json::from_str(&out).unwrap();
    assert_eq!(products.iter().map(|product| product.id.as_str()).collect::<Vec<_>>(), ["2"]);

    let mixed = [HEADER, &row("3", "Natt", "189 EUR"), &row("4", "Vind", "free")].concat();
    let (code, out, error) = run(&[&import[..], &["--strict"]].concat(), &mixed);
    assert!(code == 1 && out.is_empty() && error.contains("line 3: price:"), "{error}");
    let (_, out, _) = run(&["show", "lumen"], "");
    assert!(out.contains("Products     2\n"), "a strict import changed something: {out}");
    let (code, out, error) = run(&import, &mixed);
    assert_eq!((code, out.as_str()), (3, "lumen has 1 products from -.\n1 lines were refused.\n"), "{error}");

    for (input, expected) in [
        ("", "the feed is empty"),
        (HEADER, "no product is left"),
        ("<rss><channel>", "the feed ends in the middle"),
    ] {
        let (code, _, error) = run(&import, input);
        assert!(code == 1 && error.contains(expected), "{error}");
    }
    let (_, out, _) = run(&["show", "lumen"], "");
    assert!(out.contains("Products     1\n"), "a failed import changed something: {out}");
    let (code, _, error) = run(&["import", "-", "--brand", "nobody"], &feed);
    assert!(code == 1 && error.contains("there is no brand nobody"), "{error}");
}
