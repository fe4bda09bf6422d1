//! Forms with files: our client and curl send them, handlers read them, collected or streamed. The library.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::Command;

use threadbare::server::{HandlerError, Method, Request, Response, Router, SetCookie, Streaming};

use crate::client::client;
use crate::support::{Folder, Served, Wire, needs, run};

/// Counts and sums what is written to it.
#[derive(Default)]
struct Sum(u64, u64);

impl io::Write for Sum {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        self.1 =
            bytes.iter().fold(self.1, |sum, &byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line for each part.
fn list(request: &mut Request) -> Result<String, HandlerError> {
    let mut form = request.multipart()?;
    let mut told = String::new();
    while let Some(mut part) = form.next_part()? {
        let (name, file) = (part.name().to_owned(), part.file_name().map(str::to_owned));
        let Sum(count, sum) = {
            let mut sum = Sum::default();
            io::copy(&mut part, &mut sum)?;
            sum
        };
        writeln!(told, "{name:?} {file:?} {count} {sum:x}")?;
    }
    Ok(told)
}

fn served() -> Served {
    Served::start(Router::new().post("/collected", list).route(
        Method::Post,
        "/streamed",
        Streaming(list),
    ))
}

#[test]
fn programs_that_send_forms() {
    let (served, folder) = (served(), Folder::new());
    let content: Vec<u8> = b"\r\n--0123456789abcdef\r\r\n".repeat(100_000);
    folder.write("large.bin", &content);
    folder.write("empty", "");
    let mut sum = Sum::default();
    sum.write_all(&content).unwrap();
    let want = format!(
        "\"to\" None 3 {:x}\n\"a\\\"b\" None 0 0\n\"f\" Some(\"large.bin\") {} {:x}\n\"g\" Some(\"x y\") 0 0\n",
        u64::from(b'A') * 961 + u64::from(b'd') * 31 + u64::from(b'a'),
        sum.0,
        sum.1
    );
    let large = format!("f=@{}", folder.join("large.bin").display());
    let empty = format!("g=@{};filename=\"x y\"", folder.join("empty").display());
    let form = ["-sS", "-F", "to=Ada", "-F", "a\"b=", "-F", &large, "-F", &empty];
    for path in ["/collected", "/streamed"] {
        let url = format!("http://{}{path}", served.address);
        let got = run(&mut client(&[&form[..], &[&url]].concat()), b"");
        assert_eq!(String::from_utf8_lossy(&got.stdout), want, "{path}: {got:?}");
        if needs("curl") {
            let got = run(Command::new("curl").args(form).arg(&url), b"");
            assert_eq!(String::from_utf8_lossy(&got.stdout), want, "curl {path}: {got:?}");
        }
    }
}

/// The fault is the client's, though the handler only uses `?`; and the connection goes on.
#[test]
fn a_broken_form_is_told_what_is_wrong() {
    let served = served();
    let part = "--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n";
    for (media_type, body, status, what) in [
        ("multipart/form-data; boundary=xyz", format!("{part}--xyz--"), 200, "\"a\" None 1 62\n"),
        ("multipart/form-data; boundary=xyz", part.to_owned(), 400, "Right: --xyz--"),
        ("multipart/form-data; boundary=xyz", part.replace('\r', ""), 400, "ends with LF"),
        ("multipart/form-data; boundary=xyz", part.replace("name", "nam"), 400, "RFC 7578, 4.2"),
        ("multipart/form-data; boundary=xyz", part.repeat(1_001), 413, "more parts"),
        ("multipart/form-data", part.to_owned(), 400, "no boundary"),
        ("text/plain", part.to_owned(), 415, "Right: Content-Type: multipart/form-data"),
    ] {
        for path in ["/collected", "/streamed"] {
            let mut wire = Wire::to(served.address);
            for _ in 0..2 {
                wire.send(format!(
                    "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                ));
                let answer = wire.answer();
                assert_eq!(answer.status(), status, "{path} {}", answer.text());
                assert!(answer.text().contains(what), "{path} {}", answer.text());
            }
        }
    }
}

#[test]
fn a_form_without_files() {
    let greet = |request: &mut Request| {
        let form = request.form()?;
        let tags: Vec<&str> = form.all("tag").collect();
        Ok::<_, HandlerError>(format!("{:?} {tags:?}\n", form.get("name")))
    };
    let served = Served::start(Router::new().post("/", greet));
    for (media_type, body, status, what) in [
        (
            "Content-Type: Application/x-www-form-urlencoded; charset=UTF-8 | ",
            "name=Ada+L.&tag=%26&tag=b",
            200,
            "Some(\"Ada L.\") [\"&\", \"b\"]\n",
        ),
        ("", "name=x", 200, "Some(\"x\") []\n"),
        ("", "", 200, "None []\n"),
        (
            "Content-Type: application/json | ",
            "{}",
            415,
            "Right: Content-Type: application/x-www-form-urlencoded",
        ),
        ("", &"a&".repeat(1_001), 413, "more than 1000 fields"),
    ] {
        let mut wire = Wire::to(served.address);
        let fields = media_type.replace(" | ", "\r\n");
        let length = body.len();
        wire.send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
        ));
        let answer = wire.answer();
        assert_eq!(answer.status(), status, "{body}");
        assert!(answer.text().contains(what), "{}", answer.text());
    }
}

#[test]
fn a_cookie_goes_to_a_client_and_back() {
    let served = Served::start(Router::new().get("/", |request| {
        let visits = request.cookie("visits").and_then(|text| text.parse().ok()).unwrap_or(0) + 1;
        let cookie = SetCookie::new("visits", visits.to_string());
        Response::text(format!("{visits}\n")).cookie(&cookie)
    }));
    let first = served.ask("GET /", "");
    assert_eq!(first.field("set-cookie"), Some("visits=1; Path=/; HttpOnly; SameSite=Lax"));
    let second = served.ask("GET /", "Cookie: theme=dark; visits=1");
    assert_eq!(second.text(), "2\n");
}
