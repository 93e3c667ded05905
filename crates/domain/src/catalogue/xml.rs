//! Feeds as XML: RSS 2.0 and Atom 1.0 with Google's elements.
//!
//! No document type is read and no entity resolved but the five of XML itself: a few bytes of either can stand
//! for gigabytes.

use std::io::{self, BufRead, Read};

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};

use super::ITEM_BYTES_MAX;
use super::feed::{FeedError, too_large};
use super::item::{Field, Item};
use super::refusal::{Reason, Refusal};

/// Google's elements.
const GOOGLE: Namespace<'static> = Namespace(b"http://base.google.com/ns/1.0");
/// Elements inside one another: a feed needs five.
const DEPTH_MAX: usize = 32;
/// How much of an unknown name is repeated.
const NAME_CHARS: usize = 20;

/// Reads items. Holds one at a time.
pub(super) struct Xml<R> {
    reader: NsReader<Counted<R>>,
    buffer: Vec<u8>,
    /// Elements that are open.
    depth: usize,
    has_root: bool,
    item: Option<OpenItem>,
}

/// An item whose end has not come.
struct OpenItem {
    item: Item,
    /// How many elements are open around it, itself among them.
    depth: usize,
    element: Option<Element>,
    text: String,
    refusal: Option<Reason>,
}

/// An element of an item that says something.
#[derive(Clone, Copy)]
enum Element {
    Google(Field),
    Plain(Field),
}

impl<R: BufRead> Xml<R> {
    pub(super) fn open(input: R) -> Self {
        let reader = NsReader::from_reader(Counted { input, line: 1, bytes: 0 });
        Self { reader, buffer: Vec::new(), depth: 0, has_root: false, item: None }
    }

    /// The next item.
    pub(super) fn next_item(&mut self) -> Result<Option<Result<Item, Refusal>>, FeedError> {
        loop {
            self.buffer.clear();
            let line = self.reader.get_ref().line;
            let (namespace, event) = match self.reader.read_resolved_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(quick_xml::Error::Io(error)) if error.kind() == io::ErrorKind::FileTooLarge => {
                    return Err(too_large(line));
                }
                Err(quick_xml::Error::Io(error)) => {
                    return Err(FeedError::Read(io::Error::new(error.kind(), error)));
                }
                Err(error) => return Err(FeedError::Malformed { line, problem: error.to_string() }),
            };
            let is_google = matches!(namespace, ResolveResult::Bound(GOOGLE));
            let malformed = |problem: &str| FeedError::Malformed { line, problem: problem.into() };
            match event {
                Event::Start(start) => {
                    self.depth += 1;
                    if self.depth > DEPTH_MAX {
                        return Err(malformed("more than 32 elements stand inside one another"));
                    }
                    let name = start.local_name();
                    let name = std::str::from_utf8(name.as_ref()).unwrap_or_default();
                    if self.depth == 1 {
                        if !matches!(name, "rss" | "feed" | "RDF") {
                            return Err(malformed("this is neither RSS nor Atom"));
                        }
                        self.has_root = true;
                    }
                    begin(&mut self.item, self.depth, line, name, is_google, &start);
                    if self.item.as_ref().is_some_and(|open| open.depth == self.depth) {
                        self.reader.get_mut().bytes = 0;
                    }
                }
                Event::Empty(start) => {
                    let name = start.local_name();
                    let name = std::str::from_utf8(name.as_ref()).unwrap_or_default();
                    if let Some(open) = &mut self.item
                        && self.depth == open.depth
                    {
                        take_address(&mut open.item, name, is_google, &start);
                    }
                }
                Event::Text(text) => {
                    if let Some(open) = &mut self.item
                        && open.element.is_some()
                    {
                        open.text.push_str(&text.xml_content().map_err(|_| malformed("this is not UTF-8"))?);
                    }
                }
                Event::CData(text) => {
                    if let Some(open) = &mut self.item
                        && open.element.is_some()
                    {
                        open.text.push_str(&text.decode().map_err(|_| malformed("this is not UTF-8"))?);
                    }
                }
                Event::GeneralRef(reference) => {
                    let name = reference.decode().map_err(|_| malformed("this is not UTF-8"))?;
                    if let Some(open) = &mut self.item
                        && open.element.is_some()
                    {
                        let letter = reference.resolve_char_ref().ok().flatten();
                        open.refer(&name, letter);
                    }
                }
                Event::End(_) => {
                    let depth = self.depth;
                    self.depth = depth.saturating_sub(1);
                    if let Some(open) = &mut self.item {
                        if depth == open.depth + 1 {
                            open.close_element();
                        }
                        if depth == open.depth
                            && let Some(open) = self.item.take()
                        {
                            self.reader.get_mut().bytes = 0;
                            return Ok(Some(open.finish()));
                        }
                    }
                }
                Event::Decl(declaration) => {
                    if let Some(Ok(encoding)) = declaration.encoding()
                        && !encoding.eq_ignore_ascii_case(b"utf-8")
                        && !encoding.eq_ignore_ascii_case(b"us-ascii")
                    {
                        let found = String::from_utf8_lossy(&encoding).chars().take(NAME_CHARS).collect();
                        return Err(FeedError::Encoding { found });
                    }
                }
                Event::DocType(_) => {
                    return Err(malformed("a document type is declared: remove it, feeds need none"));
                }
                Event::Comment(_) | Event::PI(_) => {}
                Event::Eof if self.depth > 0 => return Err(malformed("the feed ends in the middle")),
                Event::Eof if !self.has_root => return Err(FeedError::Empty),
                Event::Eof => return Ok(None),
            }
        }
    }
}

/// Opens an item, or an element in it.
fn begin(
    item: &mut Option<OpenItem>,
    depth: usize,
    line: u64,
    name: &str,
    is_google: bool,
    start: &BytesStart<'_>,
) {
    match item {
        None if !is_google && matches!(name, "item" | "entry") => {
            *item = Some(OpenItem {
                item: Item::new(line),
                depth,
                element: None,
                text: String::new(),
                refusal: None,
            });
        }
        Some(open) if depth == open.depth + 1 => {
            take_address(&mut open.item, name, is_google, start);
            open.text.clear();
            open.element = element(name, is_google);
        }
        _ => {}
    }
}

/// What an element says. RSS and Atom have names of their own for the most common.
fn element(name: &str, is_google: bool) -> Option<Element> {
    if is_google {
        return Field::from_name(name).map(Element::Google);
    }
    match name {
        "title" => Some(Element::Plain(Field::Title)),
        "link" => Some(Element::Plain(Field::Link)),
        "description" | "summary" | "content" => Some(Element::Plain(Field::Description)),
        _ => None,
    }
}

/// Atom's `<link href="…">`: the page of the item, unless it says that it is something else (RFC 4287 §4.2.7.2).
fn take_address(item: &mut Item, name: &str, is_google: bool, start: &BytesStart<'_>) {
    if is_google || name != "link" {
        return;
    }
    let attribute = |name: &str| {
        let attribute = start.try_get_attribute(name).ok().flatten()?;
        Some(attribute.unescape_value().ok()?.into_owned())
    };
    if let Some(href) = attribute("href")
        && attribute("rel").is_none_or(|rel| rel == "alternate")
    {
        item.set_unless_said(Field::Link, &href);
    }
}

impl OpenItem {
    fn close_element(&mut self) {
        match self.element.take() {
            Some(Element::Google(field)) => self.item.set(field, &self.text),
            Some(Element::Plain(field)) => self.item.set_unless_said(field, &self.text),
            None => {}
        }
        self.text.clear();
    }

    fn refer(&mut self, name: &str, letter: Option<char>) {
        match (letter, name) {
            (Some(letter), _) => self.text.push(letter),
            (None, "amp") => self.text.push('&'),
            (None, "lt") => self.text.push('<'),
            (None, "gt") => self.text.push('>'),
            (None, "quot") => self.text.push('"'),
            (None, "apos") => self.text.push('\''),
            (None, name) => {
                let name = name.chars().take(NAME_CHARS).collect();
                self.refusal.get_or_insert(Reason::UnknownEntity { name });
            }
        }
    }

    fn finish(self) -> Result<Item, Refusal> {
        match self.refusal {
            Some(reason) => Err(Refusal { line: self.item.line, reason }),
            None => Ok(self.item),
        }
    }
}

/// Counts lines, and bytes since an item began or ended: quick-xml keeps an element until its end, however
/// long it is.
struct Counted<R> {
    input: R,
    line: u64,
    bytes: usize,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let chunk = self.fill_buf()?;
        let count = chunk.len().min(buffer.len());
        buffer[..count].copy_from_slice(&chunk[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.bytes > ITEM_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        if let Ok(chunk) = self.input.fill_buf() {
            self.line += chunk[..count.min(chunk.len())].iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        self.bytes += count;
        self.input.consume(count);
    }
}
