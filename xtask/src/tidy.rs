//! The house rules that a compiler does not know. Each finding says what to do.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::shell::{command, output, root};

/// Words that say too little in a type's name, and what to write.
const VAGUE_NAMES: [(&str, &str); 12] = [
    ("Agent", "Representative"),
    ("User", "Visitor or Representative"),
    ("Chat", "Conversation"),
    ("Room", "Conversation"),
    ("Thread", "Conversation"),
    ("Lead", "Visitor"),
    ("Data", "what it holds"),
    ("Info", "what it holds"),
    ("Manager", "what it does"),
    ("Helper", "what it does"),
    ("Util", "what it does"),
    ("Utils", "what it does"),
];
/// What nobody has finished.
const UNFINISHED: [&str; 6] = ["TODO", "FIXME", "XXX:", "HACK", "todo!(", "unimplemented!("];
/// How a test waits by the clock instead of for a condition.
const SLEEPS: [&str; 3] = ["thread::sleep(", "time::sleep(", "waitForTimeout("];
/// How a test stops being one.
const SKIPS: [&str; 4] = ["#[ignore", "test.skip(", "it.skip(", ".only("];
/// A file longer than this is told: what second idea moved in?
const LINES_TO_ASK: usize = 500;
/// A file longer than this has taken in a second idea for certain.
const LINES_MAX: usize = 1_000;
/// Folders of one machine.
const MACHINE_PATHS: [&str; 3] = ["/root/", "/work/", "/home/"];

/// Names that others have given: a header, and what Business Messages calls asking for a person.
const NAMES_OF_OTHERS: [&str; 2] = ["UserAgent", "LiveAgentRequest"];

/// Looks at every file that Git knows, and at new ones.
pub(crate) fn check() -> Result<()> {
    let listed = output(&mut command("git", ["ls-files", "--cached", "--others", "--exclude-standard"]));
    let listed = listed.context("git does not list the files: run this in a clone")?;
    let mut findings = Vec::new();
    for name in listed.lines().filter(|name| is_ours(name)) {
        let Ok(text) = fs::read_to_string(root().join(name)) else { continue };
        findings.extend(inspect(name, &text));
    }
    findings.extend(unlisted_licences()?);
    if findings.is_empty() { Ok(()) } else { bail!("{}", findings.join("\n")) }
}

/// Text that people write; this very file holds the words that it looks for.
fn is_ours(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let is_text = ["rs", "js", "mjs", "ts", "css", "html", "toml", "md", "sh", "sql"].contains(&extension);
    is_text && name != "xtask/src/tidy.rs" && !name.ends_with("package-lock.json")
}

fn inspect(name: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let is_test = name.starts_with("tests/")
        || name.contains("/tests/")
        || [".test.mjs", "/tests.rs"].iter().any(|end| name.ends_with(end));
    let is_code = !name.ends_with(".md");
    let mut is_in_tests = is_test;
    for (index, line) in text.lines().enumerate() {
        is_in_tests |= line.trim() == "#[cfg(test)]";
        let mut find = |advice: String| findings.push(format!("{name}:{}: {advice}", index + 1));
        if let Some(word) = UNFINISHED.iter().find(|word| line.contains(**word)) {
            find(format!("{word}: finish it, or open an issue and say nothing here"));
        }
        if is_code && let Some(path) = MACHINE_PATHS.iter().find(|path| names_folder(line, path)) {
            find(format!("{path}… is a folder of one machine: use a relative path or a temporary folder"));
        }
        // A client that waits as long as the server told it does what is tested.
        let obeys = line.contains("wait_ms") || line.contains("retry_after");
        if is_in_tests
            && !obeys
            && let Some(sleep) = SLEEPS.iter().find(|sleep| line.contains(**sleep))
        {
            find(format!("{sleep}…: wait for the condition itself, with a limit"));
        }
        if is_in_tests && let Some(skip) = SKIPS.iter().find(|skip| line.contains(**skip)) {
            find(format!("{skip}: a test that does not run is none: mend it or remove it"));
        }
        if let Some((type_name, vague, better)) = vague_name(name, line) {
            find(format!("{type_name}: instead of {vague} write {better}"));
        }
        if line.ends_with([' ', '\t']) && !name.ends_with(".md") {
            find("white space at the end of the line: remove it".into());
        }
    }
    let lines = text.lines().take_while(|line| line.trim() != "#[cfg(test)]").count();
    if is_code && !is_test && lines > LINES_MAX {
        findings.push(format!("{name}: {lines} lines: what second idea moved in? Give it a file of its own"));
    } else if is_code && !is_test && lines > LINES_TO_ASK {
        eprintln!("{name}: {lines} lines: did a second idea move in?");
    }
    findings
}

/// Whether `line` names the folder itself, and not a longer path that merely holds its name.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || "._-/*<>}$".contains(letter))
    })
}

/// The type declared in `line`, if its name holds a vague word.
fn vague_name<'a>(file: &str, line: &'a str) -> Option<(&'a str, &'static str, &'static str)> {
    if !file.ends_with(".rs") {
        return None;
    }
    let declaration = line.trim_start();
    let declaration = declaration.strip_prefix("pub ").unwrap_or(declaration);
    let declaration = declaration.strip_prefix("pub(crate) ").unwrap_or(declaration);
    let keywords = ["struct ", "enum ", "trait ", "type "];
    let rest = keywords.iter().find_map(|keyword| declaration.strip_prefix(keyword))?;
    let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
    let type_name = &rest[..end];
    let (vague, better) =
        VAGUE_NAMES.iter().find(|(vague, _)| words(type_name).iter().any(|word| word == vague))?;
    (!NAMES_OF_OTHERS.contains(&type_name)).then_some((type_name, *vague, *better))
}

/// The words of a name in camel case.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for letter in name.chars() {
        match words.last_mut() {
            Some(word) if !letter.is_uppercase() => word.push(letter),
            _ => words.push(letter.into()),
        }
    }
    words
}

/// Files that everybody downloads, but whose licence is not told.
fn unlisted_licences() -> Result<Vec<String>> {
    let folder = root().join("public");
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let list = fs::read_to_string(folder.join("LICENSES.md")).unwrap_or_default();
    let mut findings = Vec::new();
    for path in crate::bundle::files(&folder)? {
        let name = path.strip_prefix(&folder)?.to_string_lossy().into_owned();
        let parent =
            Path::new(&name).parent().map(|parent| format!("{}/", parent.display())).unwrap_or_default();
        let is_listed = list.contains(&name) || (parent.len() > 1 && list.contains(&parent));
        if name != "LICENSES.md" && !is_listed {
            findings
                .push(format!("public/{name}: not in public/LICENSES.md: add its author and licence there"));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(name: &str, text: &str, expected: &str) {
        let findings = inspect(name, text).join("\n");
        assert!(findings.contains(expected), "{expected:?} is not among: {findings:?}");
    }

    #[test]
    fn each_rule_finds_its_breach() {
        finds("src/a.rs", "// TODO: later", "finish it");
        finds("src/a.rs", "let path = \"/root/x\";", "one machine");
        finds("src/a.rs", "#[cfg(test)]\nthread::sleep(x)", "the condition itself");
        finds("tests/a.rs", "#[ignore]", "is none");
        finds("src/a.rs", "pub struct SessionManager {", "what it does");
        finds("src/a.rs", &"x\n".repeat(LINES_MAX + 1), "second idea");
    }

    #[test]
    fn what_is_fine_is_left_alone() {
        let fine = "struct Database;\nenum Threading {}\n// see https://x.example/work/of/others\ntype UserAgent = u8;\n";
        assert_eq!(inspect("src/a.rs", fine), Vec::<String>::new());
    }
}
