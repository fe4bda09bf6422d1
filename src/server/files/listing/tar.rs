//! The format of tar archives: values in, bytes out. It opens nothing.
//!
//! An archive is a row of entries, each a header of 512 bytes and the bytes of the file, filled up with zeros to a
//! multiple of 512 ([`padding`]); at its end stand two blocks of zeros (POSIX.1-2017, pax, "ustar Interchange
//! Format"). What does not fit into a header (a long name, one that is not ASCII, 8 GB and more, a time before 1970)
//! stands in an extended header before it ("pax Header Block").
//!
//! A name that is not UTF-8 stands in the plain header with the bytes that it has, as with GNU tar. If it is too long
//! for that, its extended header says that it is binary (`hdrcharset`).
//!
//! Owners are left out: they mean nothing on another machine, and are nobody's business.

/// The unit of the format, in bytes.
pub const BLOCK: usize = 512;

/// The length of a name, and of the target of a link, in a header.
const NAME: usize = 100;

/// The length of what may stand before a name and a slash.
const PREFIX: usize = 155;

/// The largest number that fits into eleven octal digits: 8 GB less one byte, and the year 2242.
const LARGEST: u64 = 0o777_7777_7777;

/// A file, folder or link in an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its path in the archive, with slashes between names and none at the end.
    pub path: &'a [u8],
    /// What it is.
    pub kind: Kind<'a>,
    /// When it was last modified, in seconds since 1970.
    pub modified: i64,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// A file, whose bytes follow.
    File {
        /// How many.
        size: u64,
        /// Whether it is a program.
        is_executable: bool,
    },
    /// A folder.
    Folder,
    /// A symbolic link to this path.
    Link(&'a [u8]),
}

/// Appends the header of an entry, with an extended one before it if it needs that.
pub fn header(entry: &Entry<'_>, out: &mut Vec<u8>) {
    let mut path = entry.path.to_vec();
    let (size, mode, flag, target): (u64, u64, u8, &[u8]) = match entry.kind {
        Kind::File { size, is_executable } => {
            (size, if is_executable { 0o755 } else { 0o644 }, b'0', b"")
        }
        Kind::Folder => {
            path.push(b'/');
            (0, 0o755, b'5', b"")
        }
        Kind::Link(target) => (0, 0o777, b'2', target),
    };
    let split = split(&path);
    let modified = u64::try_from(entry.modified).ok().filter(|&seconds| seconds <= LARGEST);
    let mut records = Records::default();
    if split.is_none() || is_foreign_text(&path) {
        records.text("path", &path);
    }
    if target.len() > NAME || is_foreign_text(target) {
        records.text("linkpath", target);
    }
    if size > LARGEST {
        records.add("size", size.to_string().as_bytes());
    }
    if modified.is_none() {
        records.add("mtime", entry.modified.to_string().as_bytes());
    }
    let modified = modified.unwrap_or_default();
    if let Some(records) = records.finish() {
        let path = (&b""[..], &b"PaxHeaders/entry"[..]);
        let size = records.len() as u64;
        block(&Fields { path, mode: 0o644, size, modified, flag: b'x', target: b"" }, out);
        out.extend_from_slice(&records);
        out.resize(out.len() + padding(size), 0);
    }
    let cut = || (&b""[..], path.get(..NAME).unwrap_or(&path));
    let path = split.unwrap_or_else(cut);
    let size = if size > LARGEST { 0 } else { size };
    block(&Fields { path, mode, size, modified, flag, target }, out);
}

/// Returns how many zeros follow the bytes of a file.
pub fn padding(size: u64) -> usize {
    let over = usize::try_from(size % BLOCK as u64).unwrap_or_default();
    (BLOCK - over) % BLOCK
}

/// Appends the end of the archive.
pub fn end(out: &mut Vec<u8>) {
    out.resize(out.len() + 2 * BLOCK, 0);
}

/// Returns true for text that a reader has to be told is UTF-8.
fn is_foreign_text(text: &[u8]) -> bool {
    !text.is_ascii() && str::from_utf8(text).is_ok()
}

/// Splits a path at a slash so that both parts fit into a header: what stands before the slash, and what behind it.
/// A short path is not split.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.len() <= NAME {
        return Some((b"", path));
    }
    // The slash at the end of a folder is part of its name.
    let last = path.len() - 1;
    let slashes = path.iter().take(last).enumerate().filter(|(_, byte)| **byte == b'/');
    let fits = |at: &usize| *at <= PREFIX && path.len() - at - 1 <= NAME;
    let at = slashes.map(|(at, _)| at).rfind(fits)?;
    let (prefix, rest) = path.split_at(at);
    Some((prefix, rest.get(1..)?))
}

/// What stands in a header, if it fits.
struct Fields<'a> {
    path: (&'a [u8], &'a [u8]),
    mode: u64,
    size: u64,
    modified: u64,
    flag: u8,
    target: &'a [u8],
}

/// Appends one block: each field has its place and length.
fn block(fields: &Fields<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    let (prefix, name) = fields.path;
    text(name, NAME, out);
    for number in [fields.mode, 0, 0] {
        octal(number, 8, out); // mode, owner, group
    }
    octal(fields.size, 12, out);
    octal(fields.modified, 12, out);
    let sum_at = out.len() - start;
    out.extend_from_slice(b"        "); // the sum counts its own field as spaces
    out.push(fields.flag);
    text(fields.target, NAME, out);
    out.extend_from_slice(b"ustar\x0000");
    text(b"", 32 + 32, out); // names of owner and group
    octal(0, 8, out);
    octal(0, 8, out); // numbers of a device
    text(prefix, PREFIX, out);
    text(b"", 12, out);
    let header = out.get_mut(start..).unwrap_or_default();
    let sum: u64 = header.iter().map(|&byte| u64::from(byte)).sum();
    let mut digits = Vec::new();
    octal(sum, 7, &mut digits);
    if let Some(field) = header.get_mut(sum_at..sum_at + digits.len()) {
        field.copy_from_slice(&digits);
    }
}

/// Appends the start of a text in a field of this length, filled up with NUL.
fn text(text: &[u8], length: usize, out: &mut Vec<u8>) {
    let end = out.len() + length;
    out.extend(text.iter().take(length));
    out.resize(end, 0);
}

/// Appends a number in octal digits and a NUL, which fill a field of this length.
fn octal(number: u64, length: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{number:0width$o}\0", width = length - 1).as_bytes());
}

/// The records of an extended header: `30 path=…`, each with its own length.
#[derive(Default)]
struct Records {
    bytes: Vec<u8>,
    has_binary: bool,
}

impl Records {
    /// Adds a record whose value is a name.
    fn text(&mut self, key: &str, value: &[u8]) {
        if str::from_utf8(value).is_err() && !self.has_binary {
            self.add("hdrcharset", b"BINARY");
            self.has_binary = true;
        }
        self.add(key, value);
    }

    fn add(&mut self, key: &str, value: &[u8]) {
        // A space, an equals sign and a line feed; and the digits of the length, which count, too.
        let rest = key.len() + value.len() + 3;
        let mut length = rest + 1;
        while length != rest + digits(length) {
            length = rest + digits(length);
        }
        self.bytes.extend_from_slice(format!("{length} {key}=").as_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.push(b'\n');
    }

    fn finish(self) -> Option<Vec<u8>> {
        (!self.bytes.is_empty()).then_some(self.bytes)
    }
}

/// Returns how many decimal digits a number has.
fn digits(number: usize) -> usize {
    number.to_string().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(path: &[u8], kind: Kind<'_>, modified: i64) -> Vec<u8> {
        let mut out = Vec::new();
        header(&Entry { path, kind, modified }, &mut out);
        assert_eq!(out.len() % BLOCK, 0);
        out
    }

    const SMALL: Kind<'_> = Kind::File { size: 5, is_executable: false };

    /// Returns a field without its zeros at the end.
    fn field(block: &[u8], at: usize, length: usize) -> String {
        String::from_utf8_lossy(&block[at..at + length]).trim_end_matches('\0').to_owned()
    }

    /// What GNU tar writes for the same file: `tar --format=ustar --numeric-owner --owner=0 --group=0`.
    #[test]
    fn the_block_of_a_short_name() {
        let mut want = vec![0; BLOCK];
        for (at, text) in [
            (0, &b"docs/a.txt"[..]),
            (100, b"0000644\x000000000\x000000000\x0000000000005\x0007346545000\x00011153\0 0"),
            (257, b"ustar\x0000"),
            (329, b"0000000\x000000000\x00"),
        ] {
            want[at..at + text.len()].copy_from_slice(text);
        }
        let got = bytes(b"docs/a.txt", SMALL, 1_000_000_000);
        assert_eq!(String::from_utf8_lossy(&got), String::from_utf8_lossy(&want));
    }

    #[test]
    fn kinds() {
        for (kind, name, flag, mode, target) in [
            (SMALL, "x", "0", "0000644", ""),
            (Kind::File { size: 0, is_executable: true }, "x", "0", "0000755", ""),
            (Kind::Folder, "x/", "5", "0000755", ""),
            (Kind::Link(b"../y"), "x", "2", "0000777", "../y"),
        ] {
            let got = bytes(b"x", kind, 0);
            let got = [(0, 100), (156, 1), (100, 8), (157, 100)]
                .map(|(at, length)| field(&got, at, length));
            assert_eq!(got, [name, flag, mode, target], "{kind:?}");
        }
    }

    #[test]
    fn what_does_not_fit_stands_in_an_extended_header() {
        let long = |length| vec![b'x'; length];
        let in_folder = |before, name| [long(before), b"/".to_vec(), long(name)].concat();
        let record = |path: &[u8]| Some([b"path=", path, b"\n"].concat());
        for (path, want) in [
            (long(100), None),
            (long(101), record(&long(101))),
            (in_folder(155, 100), None),
            (in_folder(156, 100), record(&in_folder(156, 100))),
            (in_folder(10, 101), record(&in_folder(10, 101))),
            ("gr\u{fc}n".into(), record("gr\u{fc}n".as_bytes())),
            (b"caf\xe9".to_vec(), None),
        ] {
            let got = bytes(&path, SMALL, 0);
            match want {
                None => {
                    let (prefix, name) = (&got[345..500], &got[..100]);
                    let end =
                        |text: &[u8]| text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
                    let slash: &[u8] = if end(prefix) > 0 { b"/" } else { b"" };
                    assert_eq!([&prefix[..end(prefix)], slash, &name[..end(name)]].concat(), path);
                    assert_eq!(got.len(), BLOCK);
                }
                Some(want) => {
                    assert_eq!(field(&got, 156, 1), "x");
                    let size = usize::from_str_radix(&field(&got, 124, 11), 8).unwrap();
                    let records = &got[BLOCK..BLOCK + size];
                    assert!(records.ends_with(&want), "{}", String::from_utf8_lossy(records));
                    let said = records.split(|&byte| byte == b' ').next().unwrap();
                    assert_eq!(str::from_utf8(said).unwrap(), size.to_string());
                    assert_eq!(field(&got[BLOCK + size + padding(size as u64)..], 156, 1), "0");
                }
            }
        }
    }

    #[test]
    fn a_folder_is_not_split_at_its_own_slash() {
        let path = [&b"x"[..], b"/", &[b'y'; 99]].concat();
        let got = bytes(&path, Kind::Folder, 0);
        assert_eq!((field(&got, 345, 155).as_str(), got.len()), ("x", BLOCK));
        assert_eq!(field(&got, 0, 100), "y".repeat(99) + "/");
        let got = bytes(&[b'y'; 100], Kind::Folder, 0);
        assert_eq!(field(&got, 156, 1), "x", "100 letters and the slash do not fit");
    }

    #[test]
    fn numbers_that_do_not_fit() {
        let records = |kind, modified| {
            let got = bytes(b"x", kind, modified);
            match got.len() {
                BLOCK => String::new(),
                _ => field(&got, BLOCK, BLOCK),
            }
        };
        let size = |size| Kind::File { size, is_executable: false };
        assert_eq!(records(size((8 << 30) - 1), 0), "");
        assert_eq!(records(size(8 << 30), 0), "19 size=8589934592\n");
        assert_eq!(records(SMALL, (8 << 30) - 1), "");
        assert_eq!(records(SMALL, -1), "12 mtime=-1\n");
        assert_eq!(
            records(size(u64::MAX), i64::MAX),
            "29 size=18446744073709551615\n29 mtime=9223372036854775807\n"
        );
    }

    #[test]
    fn a_length_counts_its_own_digits() {
        for (value, want) in [(5, "11 k=xxxxx\n"), (4, "9 k=xxxx\n")] {
            let mut records = Records::default();
            records.add("k", &vec![b'x'; value]);
            let got = String::from_utf8(records.finish().unwrap()).unwrap();
            assert_eq!(got, want);
        }
        for length in 80..120 {
            let mut records = Records::default();
            records.add("path", &vec![b'x'; length]);
            let got = String::from_utf8(records.finish().unwrap()).unwrap();
            assert_eq!(got.split(' ').next().unwrap(), got.len().to_string());
        }
    }

    #[test]
    fn a_long_name_that_is_not_utf8_is_marked() {
        let got = bytes(&[0xe9; 101], SMALL, 0);
        assert!(
            field(&got, BLOCK, BLOCK).starts_with("21 hdrcharset=BINARY\n111 path="),
            "{got:?}"
        );
    }

    #[test]
    fn files_are_filled_up_to_a_block() {
        for (size, want) in [(0, 0), (1, 511), (511, 1), (512, 0), (513, 511), (u64::MAX, 1)] {
            assert_eq!(padding(size), want, "{size}");
        }
    }
}
