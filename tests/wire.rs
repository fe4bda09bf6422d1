//! `server --wire`: what it shows is what was sent and received, byte for byte.

use crate::support::{Folder, Server};

/// The bytes that went one way (`>` or `<`) on a connection, out of the lines that were shown. Read here
/// with other eyes than the project's own.
pub(crate) fn bytes_shown(lines: &str, connection: usize, way: char) -> Vec<u8> {
    let begun = format!("#{connection} {way} ");
    let mut bytes = Vec::new();
    for line in lines.lines().filter_map(|line| line.strip_prefix(&begun)) {
        unescape(&line[8..], &mut bytes); // the part, in a column of its own
    }
    bytes
}

/// Undoes `\r`, `\n`, `\t`, `\\` and `\x1B`.
pub(crate) fn unescape(text: &str, bytes: &mut Vec<u8>) {
    let mut left = text.bytes();
    while let Some(byte) = left.next() {
        bytes.push(match (byte, byte == b'\\') {
            (byte, false) => byte,
            (_, true) => match left.next().unwrap() {
                b'r' => b'\r',
                b'n' => b'\n',
                b't' => b'\t',
                b'\\' => b'\\',
                b'x' => {
                    let digits = [left.next().unwrap(), left.next().unwrap()];
                    u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                other => panic!("\\{} in {text:?}", char::from(other)),
            },
        });
    }
}

#[test]
fn every_byte_both_ways_with_either_driver() {
    let every: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let folder = Folder::new();
    folder.write("every", &every);
    let requests = [
        "GET /every HTTP/1.1\r\nHost: a\r\nAuthorization: Basic c2VzYW1l\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n\x01\\\u{e9}\r\n0\r\nX: y\r\n\r\n",
        "GET /every HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\n\r\n",
        "GET nonsense\x1b[2J HTTP/1.1\r\n\r\n",
    ];
    for driver in ["on", "off"] {
        let server = Server::of(&folder, &["--wire", "--lobby", driver]);
        let mut wire = server.connect();
        let answers = wire.send(requests.concat()).rest();
        drop(wire);
        let shown = server.stderr_until(|text| text.contains("#0 * closed: "));
        assert_eq!(
            String::from_utf8_lossy(&bytes_shown(&shown, 0, '>')),
            requests.concat(),
            "--lobby {driver}"
        );
        assert!(bytes_shown(&shown, 0, '<') == answers, "--lobby {driver}");
        for line in [
            "#0 > head    GET /every HTTP/1.1\\r\\n\n",
            "#0 > head    Authorization: Basic c2VzYW1l\\r\\n\n",
            "#0 > size    4\\r\\n\n",
            "#0 > end     \\r\\n\n",
            "#0 > trailer X: y\\r\\n\n",
            "#0 > head    GET nonsense\\x1B[2J HTTP/1.1\\r\\n\n",
            "#0 < body    \\x00\\x01",
            "#0 < head    HTTP/1.1 400 Bad Request\\r\\n\n",
        ] {
            assert!(shown.contains(line), "--lobby {driver}: no {line:?}");
        }
        assert!(
            shown.contains("\n#0 * not understood: ") || shown.starts_with("#0 * not"),
            "{shown}"
        );
        let plain = |byte: u8| byte == b'\n' || byte >= b' ' && byte != 0x7f;
        assert!(shown.bytes().all(plain), "something plays with a terminal");
        assert!(shown.starts_with("#0 * opened by 127.0.0.1:"));

        server.connect().send("HEAD /every HTTP/1.0\r\n\r\n").rest();
        let shown = server.stderr_until(|text| text.contains("#1 * closed: "));
        assert!(shown.contains("#1 > head    HEAD /every HTTP/1.0\\r\\n\n"));
        assert!(bytes_shown(&shown, 1, '<').ends_with(b"\r\n\r\n"));
    }
    let silent = Server::of(&folder, &[]);
    silent.get("/every");
    let said = silent.stderr_until(|text| text.contains("GET /every"));
    assert_eq!(said.lines().count(), 1, "{said}");
}
