//! `--compressed`: the same coded bodies for curl and for us. stdout, the exit code, the bytes that `-w` counts and the
//! request are compared.

use std::process::Command;

use super::curl;
use crate::client::client;
use crate::client::fake::Fake;
use crate::support::{needs, run};

/// How a row compares.
enum Row {
    /// Both do the same.
    Same,
    /// This reason makes ours another exit code.
    Ours(&'static str, i32),
}

use Row::{Ours, Same};

/// A text that does not compress to next to nothing.
fn text() -> Vec<u8> {
    (0..2000_u32)
        .flat_map(|number| format!("{}\n", number.wrapping_mul(number)).into_bytes())
        .collect()
}

/// Its compressed forms.
pub(in crate::client) struct Coded {
    pub(in crate::client) text: Vec<u8>,
    pub(in crate::client) gzip: Vec<u8>,
    pub(in crate::client) bare: Vec<u8>,
    pub(in crate::client) zlib: Vec<u8>,
}

/// Compresses with the program gzip.
pub(in crate::client) fn gzip(bytes: &[u8]) -> Vec<u8> {
    run(Command::new("gzip").arg("-nc"), bytes).stdout
}

impl Coded {
    pub(in crate::client) fn new() -> Coded {
        let text = text();
        let gzip = gzip(&text);
        let bare = gzip[10..gzip.len() - 8].to_vec();
        let (mut low, mut high) = (1_u32, 0_u32);
        for byte in &text {
            low = (low + u32::from(*byte)) % 65_521;
            high = (high + low) % 65_521;
        }
        let sum = (high << 16 | low).to_be_bytes();
        let zlib = [&b"\x78\x9c"[..], &bare, &sum].concat();
        Coded { text, gzip, bare, zlib }
    }

    /// The same member with these flags and parts in its head.
    fn member(&self, flags: u8, parts: &[u8]) -> Vec<u8> {
        let mut head = self.gzip[..10].to_vec();
        head[3] = flags;
        [&head, parts, &self.gzip[10..]].concat()
    }
}

/// A response with this list of codings.
pub(in crate::client) fn response(coding: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn cut(bytes: &[u8], from_the_end: usize) -> Vec<u8> {
    bytes[..bytes.len() - from_the_end].to_vec()
}

fn wrong(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 0x55;
    bytes
}

const CUT: &str = "a content that is cut short is not taken for the whole";
const BEHIND: &str =
    "what is behind the end is broken data, not a file that cannot be written (curl: 23)";

#[test]
fn the_same_content_of_coded_bodies() {
    if !needs("curl") {
        return;
    }
    let it = Coded::new();
    let Coded { text, gzip: gz, bare, zlib } = &it;
    let end = gz.len();
    let chunked = |coding: &str, body: &[u8]| {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        let chunks: Vec<u8> = body
            .chunks(700)
            .flat_map(|chunk| {
                [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat()
            })
            .collect();
        [head.as_bytes(), &chunks, b"0\r\nSum: 1\r\n\r\n"].concat()
    };
    let short = |body: &[u8], missing: usize| {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            body.len() + missing
        );
        [head.as_bytes(), body].concat()
    };
    let mut differ = Vec::new();
    for (name, args, answer, row) in [
        ("gzip", &[][..], response("gzip", gz), Same),
        ("x-gzip", &[], response("x-gzip", gz), Same),
        ("capitals", &[], response("GZIP", gz), Same),
        ("zlib's format", &[], response("deflate", zlib), Same),
        ("bare data", &[], response("deflate", bare), Same),
        (
            "bare data and a checksum",
            &[],
            response("deflate", &[bare, &b"abcd"[..]].concat()),
            Same,
        ),
        ("zlib's format as gzip", &[], response("gzip", zlib), Same),
        ("identity", &[], response("identity", text), Same),
        ("none", &[], response("none", text), Same),
        ("an empty list", &[], response("", text), Same),
        ("empty members of a list", &[], response(", gzip,,", gz), Same),
        ("gzip twice", &[], response("gzip, gzip", &gzip(gz)), Same),
        ("deflate, then gzip", &[], response("deflate, gzip", &gzip(zlib)), Same),
        ("two fields", &[], response("deflate\r\nContent-Encoding: gzip", &gzip(zlib)), Same),
        ("five", &[], response("gzip,gzip,gzip,gzip,gzip", &gzip(&gzip(&gzip(&gzip(gz))))), Same),
        ("six", &[], response("gzip,gzip,gzip,gzip,gzip,gzip", gz), Same),
        ("six with identity", &[], response("gzip,gzip,gzip,gzip,gzip,identity", gz), Same),
        ("unknown", &[], response("x-new", text), Same),
        ("unknown, without a byte", &[], response("x-new", b""), Same),
        ("unknown and gzip", &[], response("gzip, x-new", gz), Same),
        ("a parameter", &[], response("gzip;q=1", gz), Same),
        ("compress", &[], response("compress", text), Same),
        ("no byte", &[], response("gzip", b""), Same),
        ("a name and a comment", &[], response("gzip", &it.member(24, b"name\0comment\0")), Same),
        ("an extra part", &[], response("gzip", &it.member(4, b"\x03\0abc")), Same),
        ("a reserved flag", &[], response("gzip", &it.member(32, b"")), Same),
        ("a wrong checksum of the head", &[], response("gzip", &it.member(2, b"zz")), Same),
        ("another method", &[], response("gzip", &wrong(gz, 2)), Same),
        ("a text", &[], response("gzip", text), Same),
        ("a text as deflate", &[], response("deflate", b"hello"), Same),
        ("gzip as deflate", &[], response("deflate", gz), Same),
        ("a wrong checksum", &[], response("gzip", &wrong(gz, end - 8)), Same),
        ("a wrong length", &[], response("gzip", &wrong(gz, end - 4)), Same),
        (
            "zlib's format, a wrong checksum",
            &[],
            response("deflate", &wrong(zlib, zlib.len() - 1)),
            Same,
        ),
        ("chunks", &[], chunked("gzip", gz), Same),
        ("chunks, with heads", &["-i"], chunked("gzip", gz), Same),
        (
            "until the close",
            &[],
            [&b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"[..], gz].concat(),
            Same,
        ),
        ("with heads", &["-i"], response("gzip", gz), Same),
        ("HEAD", &["-I"], response("gzip", b""), Same),
        ("HEAD, unknown", &["-I"], response("x-new", b""), Same),
        ("204", &[], b"HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n".into(), Same),
        ("404", &["-f"], response("gzip", gz).replace_status("404"), Same),
        (
            "404, with its body",
            &["--fail-with-body"],
            response("gzip", gz).replace_status("404"),
            Same,
        ),
        ("as it is", &["--raw"], response("gzip", gz), Same),
        ("HTTP/1.0", &["--http1.0"], response("gzip", gz), Same),
        ("an own list", &["-H", "Accept-Encoding: x, gzip"], response("gzip", gz), Same),
        ("no list", &["-H", "Accept-Encoding:"], response("gzip", gz), Same),
        (
            "a Referer behind it",
            &["-e", "there", "-A", "me", "-u", "a:b"],
            response("gzip", gz),
            Same,
        ),
        ("a part", &["-r", "0-99999"], response("gzip", gz).replace_status("206"), Same),
        ("the end of a longer body is missing", &[], short(gz, 5), Same),
        ("too large when coded", &["--max-filesize", "100"], response("gzip", gz), Same),
        ("cut, by the server", &[], short(&gz[..999], end - 999), Same),
        (
            "too large when decoded",
            &["--max-filesize", "7000"],
            response("gzip", gz),
            Ours(
                "a limit on what is written holds for what is written (curl counts coded bytes)",
                63,
            ),
        ),
        (
            "two members",
            &[],
            response("gzip", &[&gz[..], gz].concat()),
            Ours(
                "a gzip file may have several members (RFC 1952, 2.2); curl writes the first one, and 23",
                0,
            ),
        ),
        (
            "garbage behind it",
            &[],
            response("gzip", &[gz, &b"garbage"[..]].concat()),
            Ours(BEHIND, 61),
        ),
        ("zeros behind it", &[], response("gzip", &[gz, &[0; 99][..]].concat()), Ours(BEHIND, 61)),
        (
            "zlib's format, and more",
            &[],
            response("deflate", &[zlib, &b"x"[..]].concat()),
            Ours(BEHIND, 61),
        ),
        (
            "bare data, and more",
            &[],
            response("deflate", &[bare, &b"abcde"[..]].concat()),
            Ours(BEHIND, 61),
        ),
        ("cut in the data", &[], response("gzip", &gz[..999]), Ours(CUT, 61)),
        ("cut in the head", &[], response("gzip", &gz[..7]), Ours(CUT, 61)),
        ("cut in the checksum", &[], response("gzip", &cut(gz, 6)), Ours(CUT, 61)),
        ("zlib's format, cut", &[], response("deflate", &cut(zlib, 2)), Ours(CUT, 61)),
        ("bare data, cut", &[], response("deflate", &cut(bare, 99)), Ours(CUT, 61)),
    ] {
        let fake = Fake::saying(answer);
        let counted = ["--compressed", "-w", "|%{size_download} %{http_code}"];
        let url = fake.url("/");
        let args = [&counted[..], args, &[&url]].concat();
        let (theirs, ours) = (run(&mut curl(&args), b""), run(&mut client(&args), b""));
        let requests: Vec<String> = fake.requests().iter().map(|request| asked(request)).collect();
        if requests.iter().any(|request| *request != requests[0]) {
            differ.push(format!("{name}: {requests:?}"));
        }
        let is_right = match row {
            Same => (&ours.stdout, ours.code) == (&theirs.stdout, theirs.code),
            Ours(_, code) => ours.code == Some(code) && theirs.code != Some(code),
        };
        if !is_right {
            let shown = |bytes: &[u8]| {
                String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(60)..]).into_owned()
            };
            differ.push(format!(
                "{name}:\n  {:?} {} {:?}\n  {:?} {} {:?} {}",
                ours.code,
                ours.stdout.len(),
                shown(&ours.stdout),
                theirs.code,
                theirs.stdout.len(),
                shown(&theirs.stdout),
                ours.stderr
            ));
        }
        if let Ours(reason, 61) = row {
            let content = ours.stdout.split(|byte| *byte == b'|').next().unwrap_or_default();
            assert!(text.starts_with(content), "{name}, {reason}: what is right is written");
            assert!(
                ours.stderr.contains("could not") || ours.stderr.contains("cannot be decoded"),
                "{}",
                ours.stderr
            );
        }
    }
    assert!(differ.is_empty(), "ours, and theirs: {}", differ.join("\n"));
}

/// What a request says of itself; curl takes two codings more, and has another name.
fn asked(request: &str) -> String {
    let head = request.replace(", br, zstd", "");
    let lines = head.lines().filter(|line| !line.starts_with("User-Agent: "));
    lines.collect::<Vec<_>>().join("\n")
}

trait ReplaceStatus {
    fn replace_status(self, status: &str) -> Self;
}

impl ReplaceStatus for Vec<u8> {
    fn replace_status(mut self, status: &str) -> Vec<u8> {
        self.splice(9..12, status.bytes());
        self
    }
}

/// Files, of whole and of broken bodies.
#[test]
fn the_same_files() {
    if !needs("curl") {
        return;
    }
    let it = Coded::new();
    for (name, answer, code) in [
        ("whole", response("gzip", &it.gzip), 0),
        ("unknown", response("x-new", &it.gzip), 61),
        ("broken", response("gzip", &wrong(&it.gzip, it.gzip.len() - 8)), 61),
    ] {
        let fake = Fake::saying(answer);
        let folder = crate::support::Folder::new();
        let file = |name: &str| folder.join(name).display().to_string();
        let theirs = run(&mut curl(&["--compressed", "-o", &file("theirs"), &fake.url("/")]), b"");
        let ours = run(&mut client(&["--compressed", "-o", &file("ours"), &fake.url("/")]), b"");
        assert_eq!((ours.code, theirs.code), (Some(code), Some(code)), "{name}: {}", ours.stderr);
        let content = |name: &str| std::fs::read(file(name)).unwrap_or_default();
        match code {
            0 => assert!(content("ours") == it.text && content("theirs") == it.text),
            // An incomplete file has another name.
            _ => assert_eq!(
                (content("ours").len(), content("ours.part")),
                (0, content("theirs")),
                "{name}"
            ),
        }
    }
}
