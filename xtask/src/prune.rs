//! Takes out of an app's module and of its glue what neither needs of the other.
//!
//! wasm-bindgen keeps whatever any library exports, and the glue's functions keep alive what they call: a
//! server framework's streams, in a browser that never streams. `wasm-metadce` (binaryen) finds what nothing
//! reaches once it is told how the glue hangs together; that is what is read from the glue here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::shell::{command, output};

/// What the glue's own start-up code hangs from.
const ROOT: &str = "root";

/// Rewrites the glue, and writes the module to `pruned` as text. `features`: what the module uses, for binaryen.
pub(crate) fn prune(module: &Path, glue: &Path, pruned: &Path, features: &[&str]) -> Result<()> {
    let script = fs::read_to_string(glue).with_context(|| glue.display().to_string())?;
    // What it exports, nobody imports: the call that starts it stands in the same file.
    let script: String = script.split_inclusive('\n').filter(|line| !line.starts_with("export {")).collect();
    let blocks = blocks(&script);
    let names: BTreeSet<&str> = blocks.iter().filter_map(|block| block.name()).collect();
    let imports_from = format!("./{}_bg.js", glue.file_stem().context("a file")?.to_string_lossy());
    let graph_file = glue.with_extension("graph.json");
    fs::write(&graph_file, graph(&blocks, &names, &imports_from).to_string())?;

    let mut metadce = command("wasm-metadce", features);
    metadce.arg(module).args(["-S", "-o"]).arg(pruned).arg("--graph-file").arg(&graph_file);
    let report = output(&mut metadce).context("wasm-metadce found fault with the module")?;
    let unused: BTreeSet<&str> = report.lines().filter_map(|line| line.strip_prefix("unused: ")).collect();
    let kept = blocks.iter().filter(|block| block.name().is_none_or(|name| !unused.contains(name)));
    let kept: String = kept.map(|block| block.text).collect();
    ensure!(kept.contains("__wbg_init"), "the glue lost its start");
    let text = fs::read_to_string(pruned).context("the pruned module")?;
    let (text, kept) = shorten(text, kept, &imports_from);
    fs::write(glue, kept)?;
    fs::write(pruned, text)?;
    Ok(())
}

/// Calls what module and glue have in common by short names: the long ones, with a hash each, are one part in
/// twenty of all that is downloaded.
fn shorten(module: String, glue: String, imports_from: &str) -> (String, String) {
    let from = format!("(import \"{imports_from}\" \"");
    let name_behind = |line: &str, mark: &str| {
        let (_, rest) = line.split_once(mark)?;
        Some(rest[..rest.find('"')?].to_owned())
    };
    let (mut short_module, mut short_of) = (String::new(), BTreeMap::new());
    let mut count = 0;
    for line in module.split_inclusive('\n') {
        let found =
            [from.as_str(), "(export \""].into_iter().find_map(|mark| Some((mark, name_behind(line, mark)?)));
        match found {
            Some((mark, name)) if name != "memory" => {
                let short = letters(count);
                count += 1;
                let mark_now = if mark == from { "(import \"_\" \"" } else { mark };
                short_module.push_str(&line.replacen(
                    &format!("{mark}{name}\""),
                    &format!("{mark_now}{short}\""),
                    1,
                ));
                short_of.insert(name, short);
            }
            _ => short_module.push_str(line),
        }
    }
    // What is imported stands in the glue as a member, what is exported behind `wasm.`.
    let mut short_glue = String::new();
    for line in glue.replace(&format!("\"{imports_from}\": import0"), "_: import0").split_inclusive('\n') {
        let mut line = line.to_owned();
        for (name, short) in
            short_of.iter().filter(|(name, _)| line.contains(name.as_str())).collect::<Vec<_>>()
        {
            line = line.replace(&format!("        {name}: function"), &format!("        {short}: function"));
            for end in ["(", ";", ".", ",", ")"] {
                line = line.replace(&format!("wasm.{name}{end}"), &format!("wasm.{short}{end}"));
            }
        }
        short_glue.push_str(&line);
    }
    (short_module, short_glue)
}

/// `a` to `z`, then two letters.
fn letters(number: usize) -> String {
    let letter = |index: usize| char::from(b"abcdefghijklmnopqrstuvwxyz"[index % 26]);
    if number < 26 {
        letter(number).into()
    } else {
        [letter(number / 26 - 1), letter(number)].iter().collect()
    }
}

/// A piece of the glue.
struct Block<'a> {
    kind: Kind<'a>,
    text: &'a str,
}

#[derive(Clone, Copy)]
enum Kind<'a> {
    /// A top-level function, class or constant.
    Named(&'a str),
    /// A function that the module imports.
    Import(&'a str),
    /// All else, which stays.
    Kept,
}

impl Block<'_> {
    fn name(&self) -> Option<&str> {
        match self.kind {
            Kind::Named(name) | Kind::Import(name) => Some(name),
            Kind::Kept => None,
        }
    }
}

/// Splits wasm-bindgen's output where its indentation says that something begins.
fn blocks(script: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut start = 0;
    let mut kind = Kind::Kept;
    let mut at = 0;
    for line in script.split_inclusive('\n') {
        let begun = beginning(line);
        if let Some(next) = begun {
            blocks.push(Block { kind, text: &script[start..at] });
            (start, kind) = (at, next);
        }
        at += line.len();
    }
    blocks.push(Block { kind, text: &script[start..] });
    blocks
}

/// What begins at this line, if something does.
fn beginning(line: &str) -> Option<Kind<'_>> {
    let identifier = |text: &'_ str| text.find(|char: char| !is_identifier(char)).unwrap_or(text.len());
    for keyword in ["export class ", "function ", "const "] {
        if let Some(rest) = line.strip_prefix(keyword) {
            return Some(Kind::Named(&rest[..identifier(rest)]));
        }
    }
    if let Some(rest) = line.strip_prefix("if (Symbol.dispose) ") {
        return Some(Kind::Named(&rest[..identifier(rest)]));
    }
    if let Some(rest) = line.strip_prefix("        ").filter(|rest| rest.starts_with("__wb")) {
        let (name, value) = rest.split_at(identifier(rest));
        return value.starts_with(": function").then_some(Kind::Import(name));
    }
    // The end of the imports, and statements of the file itself.
    let is_statement = ["    };", "export ", "let ", "async "].iter().any(|start| line.starts_with(start));
    is_statement.then_some(Kind::Kept)
}

fn is_identifier(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_' || char == '$'
}

fn graph(blocks: &[Block<'_>], names: &BTreeSet<&str>, imports_from: &str) -> serde_json::Value {
    let mut nodes = Vec::new();
    let mut exports = BTreeSet::new();
    let (mut rooted, mut reached_by) = (BTreeSet::new(), BTreeMap::<_, BTreeSet<_>>::new());
    for block in blocks {
        let reaches = match block.name() {
            // What the module imports lives by the module.
            Some(name) => reached_by.entry(name).or_default(),
            None => &mut rooted,
        };
        let mut before = "";
        for word in block.text.split(|char| !is_identifier(char)).filter(|word| !word.is_empty()) {
            if before == "wasm" {
                exports.insert(word);
                reaches.insert(format!("export {word}"));
            } else if names.contains(word) && Some(word) != block.name() {
                reaches.insert(word.to_owned());
            }
            before = word;
        }
    }
    let is_import =
        |name: &str| blocks.iter().any(|block| matches!(block.kind, Kind::Import(it) if it == name));
    for (name, reaches) in &reached_by {
        if is_import(name) {
            nodes.push(json!({ "name": name, "reaches": reaches, "import": [imports_from, name] }));
        } else {
            nodes.push(json!({ "name": name, "reaches": reaches }));
        }
    }
    exports.insert("memory");
    for export in &exports {
        nodes.push(json!({ "name": format!("export {export}"), "export": export }));
    }
    rooted.insert("export memory".into());
    nodes.push(json!({ "name": ROOT, "reaches": rooted, "root": true }));
    json!(nodes)
}
