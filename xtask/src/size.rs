//! What a visitor downloads, against its budget.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::bundle::{brotli, gzip};
use crate::shell::{cargo, command, root, run};

/// Largest loader, in bytes of Brotli: every page view of every shop pays for it.
const LOADER_BYTES_MAX: usize = 3_000;
/// All that opening a chat transfers, in the language that takes most, in bytes of Brotli.
const OPENING_BYTES_MAX: usize = 90_000;
/// What the documents of the demo's brand are called in the table, before the language.
const DOCUMENT: &str = "document ";
/// What the last recorded run measured.
const RECORD: &str = "docs/size.json";

/// Bytes of one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Size {
    plain: usize,
    gzip: usize,
    brotli: usize,
}

/// Prints the table; fails where a budget is exceeded.
pub(crate) fn check(as_json: bool, record: bool) -> Result<()> {
    let sizes = measure()?;
    let json = serde_json::to_string_pretty(&sizes)?;
    if as_json {
        println!("{json}");
    } else {
        let text = fs::read_to_string(root().join(RECORD)).unwrap_or_default();
        print(&sizes, &serde_json::from_str(&text).unwrap_or_default());
    }
    if record {
        fs::write(root().join(RECORD), json + "\n").with_context(|| format!("cannot write {RECORD}"))?;
    }
    enforce(&sizes)
}

/// Every file of the manifest that a visitor may load; the studio's too, for comparison.
fn measure() -> Result<BTreeMap<String, Size>> {
    let dist = root().join("dist");
    let manifest =
        fs::read(dist.join("manifest.json")).context("dist/ is missing: run `cargo xtask build`")?;
    let manifest: BTreeMap<String, String> = serde_json::from_slice(&manifest)?;
    let mut sizes = BTreeMap::new();
    for (name, path) in manifest {
        let content = fs::read(dist.join(&path)).with_context(|| format!("dist/{path}"))?;
        let size =
            Size { plain: content.len(), gzip: gzip(&content)?.len(), brotli: brotli(&content)?.len() };
        sizes.insert(name, size);
    }
    let demo = Demo::start()?;
    let languages = sizes.keys().filter_map(|name| name.strip_prefix("locales/")?.strip_suffix(".json"));
    let languages: Vec<String> = languages.map(str::to_owned).collect();
    for language in languages {
        let size = |encoding: &str| demo.document_bytes(&language, encoding);
        let size = Size { plain: size("identity")?, gzip: size("gzip")?, brotli: size("br")? };
        sizes.insert(format!("{DOCUMENT}{language}"), size);
    }
    Ok(sizes)
}

/// All that opening the chat transfers: the document, which holds the texts of its language, and what it names.
fn opening(sizes: &BTreeMap<String, Size>) -> usize {
    let apart = ["widget.js", "widget.wasm", "widget.css"];
    let files: usize = apart.iter().filter_map(|name| sizes.get(*name)).map(|size| size.brotli).sum();
    let documents = sizes.iter().filter(|(name, _)| name.starts_with(DOCUMENT));
    files + documents.map(|(_, size)| size.brotli).max().unwrap_or(0)
}

/// The running demo, whose brand has a name, a logo, a proof and a greeting as real ones have.
struct Demo {
    child: Child,
    port: u16,
}

impl Demo {
    /// The debug build, which serves what lies in `dist/`.
    fn start() -> Result<Self> {
        run(&mut cargo(["build", "--quiet", "--package", "portico"]))?;
        let data = root().join("target/size");
        let _ = fs::remove_dir_all(&data);
        let any = "127.0.0.1:0";
        let mut child = command("target/debug/portico", ["demo", "--listen", any, "--shop-listen", any])
            .arg("--data")
            .arg(&data)
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the demo")?;
        let stdout = BufReader::new(child.stdout.take().context("stdout is piped")?);
        let port_in = |line: String| line.rsplit_once("/studio")?.0.rsplit_once(':')?.1.parse::<u16>().ok();
        let port = stdout.lines().map_while(Result::ok).find_map(port_in);
        let port = port.context("the demo did not say where it listens")?;
        Ok(Self { child, port })
    }

    /// How long the body is of the chat's document in `language`, encoded so.
    fn document_bytes(&self, language: &str, encoding: &str) -> Result<usize> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let request = format!(
            "GET /w/lykta?locale={language} HTTP/1.1\r\nhost: chat.lykta.localhost:{}\r\n\
             accept-encoding: {encoding}\r\nconnection: close\r\n\r\n",
            self.port
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.context("no answer for the chat's document")? + 4;
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        let is_encoded = head.contains(&format!("content-encoding: {encoding}\r\n"));
        if !head.starts_with("http/1.1 200") || (encoding != "identity" && !is_encoded) {
            bail!("the chat's document came otherwise than asked for:\n{head}");
        }
        Ok(answer.len() - end)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn print(sizes: &BTreeMap<String, Size>, before: &BTreeMap<String, Size>) {
    println!("{:<28}{:>10}{:>10}{:>10}{:>10}", "bytes", "plain", "gzip", "brotli", "change");
    for (name, size) in sizes {
        let change =
            before.get(name).map_or("new".into(), |old| format!("{:+}", difference(size.brotli, old.brotli)));
        println!("{name:<28}{:>10}{:>10}{:>10}{change:>10}", size.plain, size.gzip, size.brotli);
    }
    let change = difference(opening(sizes), opening(before));
    println!("{:<28}{:>30}{change:>+10}", "opening, with document", opening(sizes));
}

fn difference(new: usize, old: usize) -> i64 {
    i64::try_from(new).unwrap_or(i64::MAX) - i64::try_from(old).unwrap_or(i64::MAX)
}

fn enforce(sizes: &BTreeMap<String, Size>) -> Result<()> {
    let loader = sizes.get("embed.js").context("dist/ holds no embed.js")?.brotli;
    let budgets = [
        ("embed.js", loader, LOADER_BYTES_MAX),
        ("all that opening transfers", opening(sizes), OPENING_BYTES_MAX),
    ];
    for (what, found, allowed) in budgets {
        if found > allowed {
            bail!(
                "{what}: {found} bytes of Brotli, {allowed} allowed. See what grew with `cargo xtask size`"
            );
        }
        println!("{what}: {found} of {allowed} bytes");
    }
    Ok(())
}
