//! A listing as a page: one file, without script, images or anything else from elsewhere.
//!
//! The orders and the download are buttons of forms, not links: a program that follows every link of a page, such as
//! `wget --mirror` or the crawler of a search engine, gets each file once, and neither every order of every folder nor
//! an archive of it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::entries::{Facts, Kind, Named};
use super::name::{is_plain, link, shown};
use super::order::{Direction, Key, Order};
use crate::proto::http::chars::write_decimal;
use crate::server::files::mime::by_name;
use crate::text::plural;
use crate::text::timestamp::rfc_3339_bytes;

/// The style of the page, in the colours of the site and of the error pages.
const STYLE: &str = include_str!("style.css");

/// What the page may load: nothing, except for its own style, which is known by its hash (CSP 3, 8.3). A name that
/// were not escaped could still neither run a script nor send a form elsewhere.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'sha256-31Qi3eeaYfNHfujon2jr1X75EZd14IJgfetSrT9klcE='; img-src data:; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'self'";

/// The name of the top folder, whose own name is the operator's business.
pub const TOP: &str = "Files";

/// A page.
#[derive(Debug)]
pub struct Page {
    /// The folder, relative to the one that is served.
    pub path: PathBuf,
    /// The order of its entries.
    pub order: Order,
    /// How many folders are in it.
    pub folders: usize,
    /// How many files are in it.
    pub files: usize,
    /// HTML that stands before the table, such as a form; empty for none.
    pub before_table: String,
}

impl Page {
    /// Appends the page up to its first entry.
    pub fn begin(&self, out: &mut Vec<u8>) {
        let Page { before_table, .. } = self;
        let name = self.path.file_name().map_or(TOP.to_owned(), shown);
        let trail = trail(&self.path);
        let (counts, head) = (self.counts(), self.head());
        let page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{name}</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>{STYLE}</style>\n</head>\n<body>\n\
             <header><nav aria-label=\"Path\"><ol>{trail}</ol></nav></header>\n<main>\n<h1><bdi>{name}</bdi></h1>\n\
             <div class=\"about\"><p>{counts}</p>\
             <form><button name=\"download\" value=\"tar\">Download as tar</button></form></div>\n\
             {before_table}{head}"
        );
        out.extend_from_slice(page.as_bytes());
    }

    /// Appends one entry. A page may have 100,000 of them: optional end tags are left out (HTML, 13.1.2.4), and a
    /// plain name takes no memory of its own.
    pub fn entry(entry: &Named<'_>, facts: &Facts, out: &mut Vec<u8>) {
        let Named { name, kind, .. } = *entry;
        let (class, slash, word) = match kind {
            Kind::Folder => (&b" class=d"[..], &b"/"[..], "Folder"),
            Kind::File => (&b""[..], &b""[..], word(name)),
        };
        out.extend_from_slice(b"<tr><th scope=row");
        out.extend_from_slice(class);
        out.extend_from_slice(b"><a href=\"");
        if is_plain(name) {
            let name = name.as_bytes();
            for part in [name, slash, b"\">", name, slash] {
                out.extend_from_slice(part);
            }
        } else {
            let (link, shown) = (link(name, kind), shown(name));
            for part in [link.as_bytes(), b"\"><bdi>", shown.as_bytes(), b"</bdi>", slash] {
                out.extend_from_slice(part);
            }
        }
        out.extend_from_slice(b"</a><td>");
        out.extend_from_slice(word.as_bytes());
        out.extend_from_slice(b"<td>");
        match kind {
            Kind::Folder => out.extend_from_slice("\u{2013}".as_bytes()),
            Kind::File => push_size(facts.size, out),
        }
        let time = rfc_3339_bytes(facts.modified);
        let (day, minute) = (time.first_chunk::<10>(), time.get(11..16).unwrap_or_default());
        out.extend_from_slice(b"<td>");
        out.extend_from_slice(day.map_or(&[], |day| day));
        out.extend_from_slice(b"<i> ");
        out.extend_from_slice(minute);
        out.extend_from_slice(b"</i>\n");
    }

    /// Appends what follows the last entry.
    pub fn end(&self, out: &mut Vec<u8>) {
        let table = if self.is_empty() { "" } else { "</tbody>\n</table>\n" };
        out.extend_from_slice(table.as_bytes());
        out.extend_from_slice(b"</main>\n</body>\n</html>\n");
    }

    fn is_empty(&self) -> bool {
        self.folders + self.files == 0
    }

    fn counts(&self) -> String {
        let count = |number: usize, what| (number > 0).then(|| plural(number as u64, what));
        let counts = [count(self.folders, "folder"), count(self.files, "file")];
        let counts: Vec<String> = counts.into_iter().flatten().collect();
        counts.join(", ")
    }

    /// Returns the head of the table, or a sentence in place of the table.
    fn head(&self) -> String {
        if self.is_empty() {
            return "<p class=\"none\">This folder is empty.</p>\n".to_owned();
        }
        let [name, size, date] =
            [(Key::Name, "Name"), (Key::Size, "Size"), (Key::Date, "Modified<i> (UTC)</i>")]
                .map(|(key, label)| self.column(key, label));
        format!(
            "<table>\n<caption>Contents of this folder</caption>\n\
             <thead><tr>{name}<th scope=\"col\"><span>Kind</span></th>{size}{date}</tr></thead>\n<tbody>\n"
        )
    }

    /// Returns the head of a column, with the button that sorts by it, or turns the order round.
    fn column(&self, key: Key, label: &str) -> String {
        let Order { key: current, direction } = self.order;
        let (sorted, next) = match (key == current, direction, key) {
            (true, Direction::Ascending, _) => (" aria-sort=\"ascending\"", direction.reversed()),
            (true, Direction::Descending, _) => (" aria-sort=\"descending\"", direction.reversed()),
            (false, _, Key::Name) => ("", Direction::Ascending),
            // The largest and the newest are looked for more often.
            (false, _, Key::Size | Key::Date) => ("", Direction::Descending),
        };
        let (key, next) = (key.in_query(), next.in_query());
        format!(
            "<th scope=\"col\"{sorted}><form><input type=\"hidden\" name=\"order\" value=\"{next}\">\
             <button name=\"sort\" value=\"{key}\">{label}</button></form></th>"
        )
    }
}

/// Returns the way from the top folder to this one. The links are relative, so that they are right behind a proxy
/// that serves the folder under another path.
fn trail(path: &Path) -> String {
    let names: Vec<&OsStr> = path.iter().collect();
    let steps = std::iter::once(TOP.to_owned()).chain(names.iter().map(|name| shown(name)));
    let item = |(at, name): (usize, String)| match names.len() - at {
        0 => format!("<li aria-current=\"page\"><bdi>{name}</bdi></li>"),
        up => format!("<li><a href=\"{}\"><bdi>{name}</bdi></a></li>", "../".repeat(up)),
    };
    steps.enumerate().map(item).collect()
}

/// Appends a number of bytes as [`size`](crate::text::size) shows it, without floating point: `512 B`, `1.23 MB`.
fn push_size(bytes: u64, out: &mut Vec<u8>) {
    if bytes < 1000 {
        write_decimal(bytes, out);
        out.extend_from_slice(b" B");
        return;
    }
    let (bytes, mut unit, mut units) =
        (u128::from(bytes), 1000, ["k", "M", "G", "T", "P"].into_iter());
    let mut prefix = units.next().unwrap_or_default();
    while 2 * bytes >= 1999 * unit
        && let Some(next) = units.next()
    {
        (unit, prefix) = (1000 * unit, next);
    }
    // Three digits: how many of them stand behind the point?
    let behind = match 1000 * bytes / unit {
        ..9_995 => 2,
        9_995..99_950 => 1,
        _ => 0,
    };
    let scale = 10_u64.pow(behind);
    let rounded = (bytes * u128::from(scale) + unit / 2) / unit;
    let rounded = u64::try_from(rounded).unwrap_or(u64::MAX);
    write_decimal(rounded / scale, out);
    if behind > 0 {
        out.push(b'.');
        if behind == 2 && rounded % scale < 10 {
            out.push(b'0');
        }
        write_decimal(rounded % scale, out);
    }
    out.push(b' ');
    out.extend_from_slice(prefix.as_bytes());
    out.push(b'B');
}

/// Returns a word for what is in a file of this name.
fn word(name: &OsStr) -> &'static str {
    let media_type = by_name(Path::new(name));
    let (kind, rest) = media_type.split_once('/').unwrap_or_default();
    let subtype = rest.split(';').next().unwrap_or_default();
    match (kind, subtype) {
        ("text", "html") | (_, "xhtml+xml") => "Web page",
        ("text", "css") => "Style sheet",
        ("text", "javascript") => "Script",
        ("text", "calendar") => "Calendar",
        ("text", "csv") => "Table",
        ("text", _) => "Text",
        ("image", _) => "Image",
        ("audio", _) => "Audio",
        ("video", _) => "Video",
        ("font", _) => "Font",
        (_, "pdf") => "PDF",
        (_, "epub+zip") => "Book",
        (_, "zip" | "gzip" | "zstd" | "x-tar") => "Archive",
        (_, "wasm") => "Program",
        (_, "octet-stream") => "File",
        _ => "Data",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BY_NAME: Order = Order { key: Key::Name, direction: Direction::Ascending };

    fn page(path: &str, order: Order) -> Page {
        let before_table = "<p>before</p>\n".to_owned();
        Page { path: path.into(), order, folders: 1, files: 2000, before_table }
    }

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_way_up_and_what_is_in_the_folder() {
        let html = text(|out| page("a/<b>/c d", BY_NAME).begin(out));
        for part in [
            "<title>c d</title>",
            "<li><a href=\"../../../\"><bdi>Files</bdi></a></li><li><a href=\"../../\"><bdi>a</bdi></a></li>\
             <li><a href=\"../\"><bdi>&lt;b&gt;</bdi></a></li><li aria-current=\"page\"><bdi>c d</bdi></li>",
            "<p>1 folder, 2,000 files</p>",
            "<p>before</p>\n<table>",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        let top = text(|out| page("", BY_NAME).begin(out));
        assert!(top.contains("<ol><li aria-current=\"page\"><bdi>Files</bdi></li></ol>"), "{top}");
    }

    #[test]
    fn a_button_sorts_or_turns_the_order_round() {
        let button = |key: &str, order: &str| {
            format!(
                "<input type=\"hidden\" name=\"order\" value=\"{order}\"><button name=\"sort\" value=\"{key}\">"
            )
        };
        for (key, direction, next) in [
            (Key::Name, Direction::Ascending, ["desc", "desc", "desc"]),
            (Key::Name, Direction::Descending, ["asc", "desc", "desc"]),
            (Key::Size, Direction::Descending, ["asc", "asc", "desc"]),
            (Key::Date, Direction::Ascending, ["asc", "desc", "desc"]),
        ] {
            let html = text(|out| page("", Order { key, direction }).begin(out));
            for (name, next) in ["name", "size", "date"].into_iter().zip(next) {
                assert!(html.contains(&button(name, next)), "{key:?} {direction:?} {name}: {html}");
            }
            assert_eq!(
                html.matches("aria-sort=\"").count(),
                1 + STYLE.matches("aria-sort=\"").count()
            );
        }
    }

    #[test]
    fn rows() {
        let facts = Facts { size: 1_234_567, modified: 1_000_000_000 };
        let row = |name: &str, kind| {
            text(|out| {
                Page::entry(&Named { name: name.as_ref(), kind, is_link: false }, &facts, out)
            })
        };
        assert_eq!(
            row("<b> \"x\".html", Kind::File),
            "<tr><th scope=row><a href=\"%3Cb%3E%20%22x%22.html\"><bdi>&lt;b&gt; &quot;x&quot;.html</bdi></a>\
             <td>Web page<td>1.23 MB<td>2001-09-09<i> 01:46</i>\n"
        );
        assert_eq!(
            row("plain.txt", Kind::File),
            "<tr><th scope=row><a href=\"plain.txt\">plain.txt</a><td>Text<td>1.23 MB<td>2001-09-09<i> 01:46</i>\n"
        );
        for (name, want) in [
            ("sub", "<a href=\"sub/\">sub/</a><td>Folder<td>\u{2013}<td>"),
            ("s b", "<a href=\"s%20b/\"><bdi>s b</bdi>/</a><td>Folder<td>\u{2013}<td>"),
        ] {
            let got = row(name, Kind::Folder);
            assert!(got.starts_with(&format!("<tr><th scope=row class=d>{want}")), "{got}");
        }
    }

    #[test]
    fn sizes_are_those_of_all_texts() {
        let around = |size: u64| size.saturating_sub(2)..=size.saturating_add(2);
        let powers = (0..19).map(|power| 10_u64.pow(power));
        let edges =
            powers.flat_map(|power| [1, 2, 9, 10, 99].map(|factor| power.saturating_mul(factor)));
        for bytes in edges.flat_map(around).chain([1234, 5678, 12_345, 1_048_576, 4_294_967_296]) {
            let got = text(|out| push_size(bytes, out));
            #[expect(clippy::cast_precision_loss, reason = "three digits are compared")]
            let want = crate::text::size(bytes as f64);
            assert_eq!(got, want, "{bytes}");
        }
        for (bytes, want) in [
            (999_499, "999 kB"),
            (999_500, "1.00 MB"),
            (9_995_000, "10.0 MB"),
            (u64::MAX, "18447 PB"),
        ] {
            assert_eq!(text(|out| push_size(bytes, out)), want);
        }
    }

    #[test]
    fn an_empty_folder_says_so() {
        let page = Page { folders: 0, files: 0, ..page("a", BY_NAME) };
        let html = text(|out| {
            page.begin(out);
            page.end(out);
        });
        assert!(
            html.contains("This folder is empty")
                && !html.contains("<table")
                && !html.contains("</table")
        );
    }
}
