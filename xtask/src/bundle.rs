//! Builds the two apps and lays `dist/` out as the server serves it.
//!
//! Trunk compiles each app and binds it to JavaScript; the names are hashed here, since the server writes the
//! documents itself: all it needs is one script, one module and one style sheet for each app, without the
//! inline script that a strict content policy would refuse.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::prune::prune;
use crate::shell::{command, root, run};
use crate::tool::{self, WasmCompiler};

/// How much work to put into small files.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// For people waiting at their desk.
    Quick,
    /// For visitors: smallest code, compressed ahead.
    Small,
}

/// Each app and its door for Trunk.
const APPS: [(&str, &str); 2] = [("widget", "index.html"), ("studio", "studio/index.html")];
/// Style sheets of an app are joined in this order of folders; within one, tokens and base come first.
const SHARED_STYLES: &str = "crates/ui";
/// What LLVM emits, and what every browser that has `Intl.Segmenter` reads.
const WASM_FEATURES: [&str; 8] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-call-indirect-overlong",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];
/// What leaves least after Brotli, found by trying: `-Oz` alone leaves 1.7 % more. Nothing lies in the first kilobyte
/// of memory (`-lmu`): the stack ends there.
const OPTIMISE: [&str; 5] = ["-lmu", "--flatten", "--rereloop", "-O2", "-Os"];
const GZIP_LEVEL: u32 = 9;
const BROTLI_QUALITY: i32 = 11;
/// The largest window that every Brotli decoder must accept (RFC 7932 §9.1).
const BROTLI_WINDOW_BITS: i32 = 24;

/// Starts an app. The server wrote what is seen first: it is drawn, and can be written in, before the code runs,
/// which would hold up the first frame. Where nothing is drawn, in a tab in the background, a timer does. What is
/// sent before the code is there is sent once it is.
const START: &str = r#"
const field = document.querySelector("textarea");
const form = field?.form;
let isSent;
if (field) {
  if (parent != self) field.focus();
  form.onsubmit = (event) => {
    event.preventDefault();
    isSent = true;
  };
  field.onkeydown = (event) => {
    if (event.key != "Enter" || event.shiftKey || event.isComposing || event.keyCode == 229) return;
    event.preventDefault();
    form.requestSubmit();
  };
}
const compiled = WebAssembly.compileStreaming(fetch(new URL("@module@", import.meta.url)));
await new Promise((go) => {
  requestAnimationFrame(() => setTimeout(go));
  setTimeout(go, 150);
});
const module = await compiled;
const instance = await WebAssembly.instantiate(module, __wbg_get_imports());
if (field) field.onkeydown = form.onsubmit = null;
__wbg_finalize_init(instance, module);
if (isSent) form.requestSubmit();
"#;
/// Where wasm-bindgen's own way to start begins, which [`START`] replaces.
const OWN_START: &str = "\nasync function __wbg_load(";
/// What a script of `public/` holds in place of the addresses that it fetches ahead.
const ASSETS: &str = "@assets@";
/// In quick builds the page asks now and then whether there is a newer one. A debug server answers.
const RELOAD: &str = "
let built;
setInterval(async () => {
  const answer = await fetch('/dev/built').then((answer) => answer.text(), () => built);
  if (built !== undefined && answer !== built) location.reload();
  built = answer;
}, 1000);
";
/// Where [`RELOAD`]'s answer lies in `dist/`.
const BUILT: &str = "dev/built";

/// Builds everything in `dist/`.
pub(crate) fn build(effort: Effort) -> Result<()> {
    tool::wasm_bindgen()?;
    tool::trunk()?;
    tool::node_packages()?;
    let compiler = tool::wasm_compiler()?;

    let mut dist = Dist::default();
    for (app, door) in APPS {
        compile(app, door, &compiler, effort)?;
        let module = optimise(app, effort)?;
        let module = dist.add_hashed(&format!("{app}.wasm"), module);
        let script = minify(app_script(app, &module, effort)?, "js", effort)?;
        dist.add_hashed(&format!("{app}.js"), script);
        let styles = minify(app_styles(app)?, "css", effort)?;
        dist.add_hashed(&format!("{app}.css"), styles);
    }
    add_public(&mut dist, &root().join("public"), effort)?;
    dist.write(&root().join("dist"), effort)
}

/// Compiles an app and binds it to JavaScript.
fn compile(app: &str, door: &str, compiler: &WasmCompiler, effort: Effort) -> Result<()> {
    let mut trunk = command("trunk", ["build", door, "--skip-version-check", "--dist", &linked(app)]);
    if effort == Effort::Small {
        trunk.arg("--release");
    }
    // Of its own, or the two toolchains would throw away each other's work.
    trunk.env("CARGO_TARGET_DIR", root().join("target/wasm"));
    if let WasmCompiler::Debian { linker } = compiler {
        trunk.env("RUSTUP_TOOLCHAIN", "debian").env("RUSTC_BOOTSTRAP", "1").env_remove("CARGO");
        trunk.env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort");
        trunk.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        if effort == Effort::Small {
            // A library built for size, panics without their messages and places, `Debug` without its words.
            trunk.env("CARGO_UNSTABLE_BUILD_STD_FEATURES", "optimize_for_size");
            trunk.env(
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
                "-Zunstable-options -Cpanic=immediate-abort -Zlocation-detail=none -Zfmt-debug=none",
            );
        }
    }
    run(&mut trunk)
}

/// Where Trunk lays an app.
fn linked(app: &str) -> String {
    format!("target/wasm/linked/{app}")
}

/// Gives an app's module, for visitors after wasm-opt.
fn optimise(app: &str, effort: Effort) -> Result<Vec<u8>> {
    let module = format!("{}/portico-{app}_bg.wasm", linked(app));
    if effort == Effort::Quick {
        return read(&root().join(module));
    }
    let glue = root().join(format!("{}/portico-{app}.js", linked(app)));
    let pruned = format!("target/wasm/linked/{app}.wat");
    prune(&root().join(&module), &glue, &root().join(&pruned), &WASM_FEATURES)?;
    let optimised = format!("target/wasm/linked/{app}.wasm");
    let strip = ["--strip-debug", "--strip-producers", "--strip-target-features"];
    let paths = [pruned.as_str(), "-o", optimised.as_str()];
    run(&mut command("wasm-opt", strip.iter().chain(&WASM_FEATURES).chain(&OPTIMISE).chain(&paths)))?;
    read(&root().join(optimised))
}

/// wasm-bindgen's glue and the call that starts it, in one file: one request and no inline script.
fn app_script(app: &str, module: &str, effort: Effort) -> Result<Vec<u8>> {
    let glue = fs::read_to_string(root().join(format!("{}/portico-{app}.js", linked(app))))?;
    let (parts, _) = glue.split_once(OWN_START).context("the glue has another start than foreseen")?;
    let name = module.rsplit('/').next().unwrap_or(module);
    let mut script = [parts, &START.replace("@module@", name)].concat().into_bytes();
    if effort == Effort::Quick {
        script.extend_from_slice(RELOAD.as_bytes());
    }
    Ok(script)
}

/// An app's style sheet: the shared ones, then its own.
fn app_styles(app: &str) -> Result<Vec<u8>> {
    let mut joined = Vec::new();
    for folder in [SHARED_STYLES, app] {
        let mut sheets = files(&root().join(folder))?;
        sheets.retain(|path| path.extension().is_some_and(|extension| extension == "css"));
        sheets.sort_by_key(|path| (rank(path), path.clone()));
        for sheet in sheets {
            joined.extend(read(&sheet)?);
            joined.push(b'\n');
        }
    }
    Ok(joined)
}

fn rank(sheet: &Path) -> usize {
    let first = ["tokens", "base"];
    first.iter().position(|name| sheet.file_stem().is_some_and(|stem| stem == *name)).unwrap_or(first.len())
}

/// `public/` as it is, except that locales are hashed: the documents name the one they want.
fn add_public(dist: &mut Dist, public: &Path, effort: Effort) -> Result<()> {
    if !public.exists() {
        return Ok(());
    }
    for path in files(public)? {
        let name = path.strip_prefix(public)?.to_str().context("a file name that is not UTF-8")?;
        let content = read(&path)?;
        match name.rsplit_once('.') {
            Some((_, "json")) if name.starts_with("locales/") => {
                dist.add_hashed(name, minify_json(&content).with_context(|| name.to_owned())?);
            }
            Some((_, "js")) => {
                let script = String::from_utf8(content).context("a script that is not UTF-8")?;
                let script = script.replace(ASSETS, &dist.prefetched());
                dist.add_plain(name, minify(script.into_bytes(), "js", effort)?);
            }
            _ => dist.add_plain(name, content),
        }
    }
    Ok(())
}

fn minify_json(content: &[u8]) -> Result<Vec<u8>> {
    let value: serde_json::Value = serde_json::from_slice(content)?;
    Ok(serde_json::to_vec(&value)?)
}

/// Shortens a script or a style sheet without changing what it does.
fn minify(content: Vec<u8>, kind: &str, effort: Effort) -> Result<Vec<u8>> {
    if effort == Effort::Quick {
        return Ok(content);
    }
    let folder = root().join("target/wasm/minified");
    fs::create_dir_all(&folder)?;
    let (from, to) = (folder.join(format!("in.{kind}")), folder.join(format!("out.{kind}")));
    fs::write(&from, content)?;
    let to_option = format!("--outfile={}", to.display());
    let mut esbuild = command("esbuild", ["--minify", "--log-level=warning"]);
    run(esbuild.arg(from).arg(to_option))?;
    read(&to)
}

/// What will lie in `dist/`.
#[derive(Default)]
struct Dist {
    files: BTreeMap<String, Vec<u8>>,
    manifest: BTreeMap<String, String>,
}

impl Dist {
    /// Adds a file whose name will carry its content's hash; gives its path.
    fn add_hashed(&mut self, name: &str, content: Vec<u8>) -> String {
        let digest = Sha256::digest(&content);
        let hash: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let (stem, extension) = name.rsplit_once('.').expect("a name with an extension");
        let path = format!("assets/{}-{hash}.{extension}", stem.replace('/', "-"));
        self.manifest.insert(name.into(), path.clone());
        self.files.insert(path.clone(), content);
        path
    }

    /// The addresses of what the chat's document will ask for at once, apart by spaces.
    fn prefetched(&self) -> String {
        // The largest first.
        let names = ["widget.wasm", "widget.js", "widget.css"];
        let paths = names.iter().filter_map(|name| self.manifest.get(*name));
        paths.map(|path| format!("/{path}")).collect::<Vec<_>>().join(" ")
    }

    /// Adds a file that keeps its name.
    fn add_plain(&mut self, name: &str, content: Vec<u8>) {
        self.manifest.insert(name.into(), name.into());
        self.files.insert(name.into(), content);
    }

    /// Replaces `folder`. The manifest comes last: a server that reads it finds every file that it names.
    fn write(self, folder: &Path, effort: Effort) -> Result<()> {
        let mut kept = BTreeSet::from([folder.join("manifest.json")]);
        for (name, content) in &self.files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().expect("inside dist"))?;
            if effort == Effort::Small && is_compressible(name) {
                for (suffix, encoded) in [("br", brotli(content)?), ("gz", gzip(content)?)] {
                    if encoded.len() < content.len() {
                        kept.insert(write(&folder.join(format!("{name}.{suffix}")), &encoded)?);
                    }
                }
            }
            kept.insert(write(&path, content)?);
        }
        write(&folder.join("manifest.json"), &serde_json::to_vec_pretty(&self.manifest)?)?;
        mark_built();
        kept.insert(folder.join(BUILT));
        for path in files(folder)? {
            if !kept.contains(&path) {
                fs::remove_file(path)?;
            }
        }
        eprintln!("dist/ holds {} files", self.files.len());
        Ok(())
    }
}

/// Tells pages of quick builds to load again.
pub(crate) fn mark_built() {
    let path = root().join("dist").join(BUILT);
    let before = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse::<u64>().ok());
    let written = fs::create_dir_all(path.parent().expect("inside dist"))
        .and_then(|()| fs::write(&path, format!("{}\n", before.unwrap_or(0) + 1)));
    // Without it pages are not reloaded by themselves, which is no reason to fail.
    written.unwrap_or_else(|error| eprintln!("cannot write dist/{BUILT}: {error}"));
}

fn is_compressible(name: &str) -> bool {
    ["js", "css", "json", "svg", "wasm", "txt", "ts"].contains(&name.rsplit('.').next().unwrap_or_default())
}

fn write(path: &Path, content: &[u8]) -> Result<PathBuf> {
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path.into())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// All files below `folder`, sorted.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// As the server sends it to browsers that read Brotli.
pub(crate) fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        lgwin: BROTLI_WINDOW_BITS,
        size_hint: content.len(),
        ..Default::default()
    };
    let mut encoded = Vec::new();
    brotli::BrotliCompress(&mut &*content, &mut encoded, &parameters)?;
    Ok(encoded)
}

/// As the server sends it to everybody else.
pub(crate) fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(GZIP_LEVEL));
    writer.write_all(content)?;
    Ok(writer.finish()?)
}
