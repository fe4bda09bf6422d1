//! What is sent: the same command lines for curl and for us, and all requests that follow from them, byte for byte but
//! for what `same` names; stdout and the exit code, too. Each row in which we differ has its reason.

use std::fs;
use std::process::Command;

use super::{at, curl};
use crate::client::client;
use crate::client::fake::Fake;
use crate::support::{Folder, needs, run};

/// How a row compares.
enum Row {
    /// Both do the same.
    Same,
    /// For this reason ours is another one: our code, and what stands in our requests or on stdout, and not in curl's; after
    /// `!` in curl's and not in ours; or, if that is empty, nothing is sent.
    Ours(&'static str, i32, &'static str),
}

use Row::{Ours, Same};

/// A server whose paths lead elsewhere (`/to/` and a URL), or say what was modified when.
fn site() -> Fake {
    Fake::new(|talk| {
        loop {
            let request = talk.request()?;
            let leads_away = request.contains("/to/");
            let path = request.split(' ').nth(1).unwrap_or_default();
            let fields = match path.split_once("/to/") {
                Some((_, place)) => {
                    format!(
                        "302 Found\r\nConnection: close\r\nLocation: {}\r\n",
                        place.replace('!', ":")
                    )
                }
                None if path.starts_with("/same") => {
                    "304 Not Modified\r\nETag: \"a\"\r\n".to_owned()
                }
                None => "200 OK\r\nETag: \"a\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                    .to_owned(),
            };
            let body = if path.starts_with("/same") { "" } else { "hello" };
            let length = if body.is_empty() { "" } else { "Content-Length: 5\r\n" };
            let body = if request.starts_with("HEAD") { "" } else { body };
            talk.say(format!("HTTP/1.1 {fields}{length}\r\n{body}"))?;
            if leads_away {
                return Ok(()); // the next connection may be to another name of this server
            }
        }
    })
}

/// A request as it is compared: the head without the program's own name, the framing last, without the space behind a
/// name, boundaries and the port of the server replaced.
fn same(request: &str, port: &str) -> Vec<String> {
    let (head, body) = request.split_once("\r\n\r\n").expect("a head");
    let is_framing =
        |line: &&str| line.starts_with("Content-Length") || line.starts_with("Transfer-Encoding");
    let (lengths, others): (Vec<_>, _) = head.lines().partition(is_framing);
    let is_ours = |line: &&&str| {
        !line.starts_with("User-Agent: curl/") && !line.starts_with("User-Agent: threadbare/")
    };
    let mut lines: Vec<String> =
        others.iter().chain(&lengths).filter(is_ours).map(|line| line.trim_end().into()).collect();
    lines.extend(body.split("\r\n").map(str::to_owned));
    let mut boundaries: Vec<String> = Vec::new();
    for line in &lines {
        boundaries.extend(line.split_once("; boundary=").map(|(_, boundary)| boundary.to_owned()));
    }
    for line in &mut lines {
        for (at, boundary) in boundaries.iter().enumerate() {
            *line = line.replace(boundary, &format!("(boundary {at})"));
        }
        *line = line.replace(port, "PORT");
    }
    lines
}

/// What is in each folder.
fn files() -> Folder {
    let folder =
        Folder::with(&[("a.txt", "text of a\n"), ("b.html", "<b>\n"), ("ten", "0123456789")]);
    folder.write("fields", "X: y\r\nA: b\n\n# c\nZ;\nHost:\n");
    folder.write("netrc", "machine 127.0.0.1 login ada password secret\nmachine localhost login bob password \"s 3\"\n");
    folder.write(
        "two",
        "machine 127.0.0.1 login bob password b\nmachine 127.0.0.1 login ada password a\n",
    );
    folder.write("default", "macdef x\nmachine 127.0.0.1\n\ndefault login d password e\n");
    folder.write("open", "machine 127.0.0.1 login \"ada\n");
    folder.write("etag", "\"a\"\n");
    folder.write("empty", "");
    folder.write("mime", "H: 1\n# c\nI: 2\n");
    folder
}

/// What a command line leads to.
#[derive(Debug, PartialEq)]
struct End {
    code: Option<i32>,
    stdout: String,
    requests: Vec<Vec<String>>,
    etag: String,
}

fn end(args: &[&str], stdin: &str, command: fn(&[String]) -> Command) -> (End, String) {
    let (fake, folder) = (site(), files());
    let args = at(args, &fake.url(""), "");
    let port = fake.port().to_string();
    let args: Vec<String> = args.iter().map(|arg| arg.replace("PORT", &port)).collect();
    let finished = run(command(&args).current_dir(folder.path()), stdin.as_bytes());
    let requests = fake.requests().iter().map(|request| same(request, &port)).collect();
    let stdout = String::from_utf8_lossy(&finished.stdout).replace(&port, "PORT");
    let etag = fs::read_to_string(folder.join("etag")).expect("it is there");
    (End { code: finished.code, stdout, requests, etag }, finished.stderr)
}

fn compare(rows: &[(&[&str], Row)]) {
    if !needs("curl") {
        return;
    }
    let mut differ = Vec::new();
    for (args, row) in rows {
        let (ours, said) = end(args, "from\nstdin\n", client);
        let (theirs, _) = end(args, "from\nstdin\n", curl);
        let seen = |end: &End| end.requests.concat().join("\n") + &end.stdout;
        let is_right = match row {
            Same => ours == theirs,
            Ours(_, code, "") => {
                ours.code == Some(*code) && ours.requests.is_empty() && ours != theirs
            }
            Ours(_, code, what) if what.starts_with('!') => {
                let what = what.trim_start_matches('!');
                ours.code == Some(*code)
                    && !seen(&ours).contains(what)
                    && seen(&theirs).contains(what)
            }
            Ours(_, code, what) => {
                ours.code == Some(*code)
                    && seen(&ours).contains(what)
                    && !seen(&theirs).contains(what)
            }
        };
        if !is_right {
            let reason = if let Ours(reason, ..) = row { reason } else { "the same" };
            differ.push(format!("{args:?}, {reason}: {said}\n{ours:?}\n{theirs:?}"));
        }
        assert!(!said.contains("secret"), "{args:?}: {said}");
    }
    assert!(differ.is_empty(), "ours, and theirs: {}", differ.join("\n"));
}

#[test]
fn globs() {
    compare(&[
        (&["~/{a,b}[1-3]"], Same),
        (&["~/[1-10:3]"], Same),
        (&["~/[001-003]"], Same),
        (&["~/[08-11]"], Same),
        (&["~/[a-e:2]"], Same),
        (&["~/[5-5]"], Same),
        (&["~/{a,}"], Same),
        (&["~/{a\\,b,c}"], Same),
        (&["~/\\{a\\}"], Same),
        (&["~/?q={a,b}&r=[1-2]"], Same),
        (&["-w", "%{urlnum} ", "~/{a,b}", "~/c"], Same),
        (&["-I", "~/{a,b}"], Same),
        (&["-d", "x=y", "~/{a,b}"], Same),
        (&["-G", "-d", "x=y", "~/{a,b}?z"], Same),
        (&["-o", "#1_#2", "-w", "%{filename_effective} ", "~/{a,b}[1-2]"], Same),
        (&["-o", "#3#0#", "-w", "%{filename_effective} ", "~/{a,b}"], Same),
        (&["-O", "-w", "%{filename_effective} ", "~/[1-2]x"], Same),
        (&["-T", "{a.txt,b.html}", "-H", "Expect:", "~/{x,y}/"], Same),
        (
            &["-T", "te[m-n]", "-H", "Expect:", "-f", "~/"],
            Ours(
                "What cannot be read is not left away: the other files go on, and the code tells",
                0,
                "PUT /ten HTTP/1.1",
            ),
        ),
        (&["-g", "~/a[1]"], Same),
        (&["-g", "-T", "{a}.txt", "~/"], Same),
        (&["~/{a", "~/b"], Same),
        (&["~/a}"], Same),
        (&["~/{}"], Same),
        (&["~/{a,{b}}"], Same),
        (&["~/[3-1]"], Same),
        (&["~/[a-1]"], Same),
        (&["~/[A-c]"], Same),
        (&["~/[1-2:0]"], Same),
        (&["~/[1-2:3]"], Same),
        (&["~/[-1-2]"], Same),
        (&["~/[1-99999999999999999999999]"], Same),
        (&["~/a", "~/{b"], Ours("A wrong glob is seen before the first request is sent", 3, "")),
        (&["--fail-early", "~/a[1-1000000000]b/{x", "~/b"], Same),
        (&["http://[::1]:1/{a,b}"], Same),
    ]);
}

#[test]
fn logins() {
    const DEFAULT: &str = "--netrc-file=default";
    compare(&[
        (&["http://ada:secret@127.0.0.1:PORT/"], Same),
        (&["http://ada@127.0.0.1:PORT/"], Same),
        (&["http://:secret@127.0.0.1:PORT/"], Same),
        (&["http://ada:@127.0.0.1:PORT/"], Same),
        (&["http://@127.0.0.1:PORT/"], Same),
        (&["http://a%40b:c%3Ad%20e@127.0.0.1:PORT/"], Same),
        (&["http://a:b:secret@127.0.0.1:PORT/"], Same),
        (&["http://ada:secret@127.0.0.1:PORT/x@y"], Same),
        (&["http://a@b:secret@127.0.0.1:PORT/"], Same),
        (&["http://a:%00b@127.0.0.1:PORT/"], Same),
        (
            &["http://a:%0ab@127.0.0.1:PORT/"],
            Ours("A control byte is no part of a password (RFC 7617, 2)", 3, ""),
        ),
        (&["-u", "x:y", "http://ada:secret@127.0.0.1:PORT/"], Same),
        (&["-H", "Authorization: x", "http://ada:secret@127.0.0.1:PORT/"], Same),
        (&["-H", "Authorization:", "http://ada:secret@127.0.0.1:PORT/"], Same),
        (&["http://ada:secret@127.0.0.1:PORT/{a,b}"], Same),
        (&["-L", "http://ada:secret@127.0.0.1:PORT/to//x"], Same),
        (&["-L", "http://ada:secret@127.0.0.1:PORT/to/http!//localhost!PORT/x"], Same),
        (
            &["-L", "~/to/http!//u!secret@127.0.0.1!PORT/x"],
            Ours(
                "A login that a server invents is not sent (RFC 9110, 4.2.4)",
                3,
                "!Authorization",
            ),
        ),
        (
            &["-w", "%{url} %{url_effective}", "http://ada:secret@127.0.0.1:PORT/"],
            Ours("A password is not printed", 0, "hellohttp://127.0.0.1:PORT/ "),
        ),
        (&["--oauth2-bearer", "token", "~/"], Same),
        (&["--oauth2-bearer", "token", "-u", "a:b", "~/"], Same),
        (&["--oauth2-bearer", "token", "http://ada:secret@127.0.0.1:PORT/"], Same),
        (&["--oauth2-bearer", "token", "-H", "Authorization: x", "~/"], Same),
        (&["--oauth2-bearer", "token", "-L", "~/to//x"], Same),
        (&["--oauth2-bearer", "token", "-L", "~/to/http!//localhost!PORT/x"], Same),
        (
            &["--oauth2-bearer", "", "~/"],
            Ours("An empty token is a variable that was not set", 2, ""),
        ),
        (&["--netrc-file", "netrc", "~/"], Same),
        (&["--netrc-file", "netrc", "-H", "Authorization: x", "~/"], Same),
        (&["--netrc-file", "netrc", "-H", "Authorization:", "~/"], Same),
        (&["--netrc-file", "netrc", "-u", "x:y", "~/"], Same),
        (&["--netrc-file", "netrc", "http://ada@127.0.0.1:PORT/"], Same),
        (&["--netrc-file", "netrc", "http://ada:x@127.0.0.1:PORT/"], Same),
        (&["--netrc-file", "netrc", "http://eve@127.0.0.1:PORT/"], Same),
        (&["--netrc-optional", "--netrc-file", "netrc", "http://ada:x@127.0.0.1:PORT/"], Same),
        (&["--netrc-optional", "--netrc-file", "netrc", "~/"], Same),
        (&["--netrc-optional", "--netrc-file", "no-such-file", "~/"], Same),
        (&["--netrc-file", "netrc", "-L", "~/to//x"], Same),
        (&["--netrc-file", "netrc", "-L", "~/to/http!//localhost!PORT/x"], Same),
        (
            &["--netrc-file", "netrc", "-L", "http://localhost:PORT/to/http!//127.0.0.1!PORT/x"],
            Same,
        ),
        (&["--netrc-file", "two", "~/"], Same),
        (&["--netrc-file", "two", "http://ada@127.0.0.1:PORT/"], Same),
        (&[DEFAULT, "~/"], Ours("A value may follow =", 0, "Basic ZDpl")),
        (&["--netrc-file", "default", "~/"], Same),
        (&["--netrc-file", "open", "~/"], Same),
        (
            &["--netrc-file", "no-such-file", "~/"],
            Ours("A file that is asked for is there (curl 8.11, too)", 26, ""),
        ),
    ]);
}

#[test]
fn queries_and_targets() {
    compare(&[
        (&["--url-query", "a=b", "~/x"], Same),
        (&["--url-query", "a b", "~/x?y"], Same),
        (&["--url-query", "n@ten", "~/x"], Same),
        (&["--url-query", "@ten", "~/x"], Same),
        (&["--url-query", "a=b", "--url-query", "c=d", "~/x#f"], Same),
        (&["--url-query", "a=b", "-d", "e=f", "~/x"], Same),
        (&["--url-query", "a=b", "~"], Same),
        (&["--url-query", "a=b", "~/{x,y}"], Same),
        (&["--url-query", "+%20x", "~/"], Same),
        (&["--url-query", "a=b", "~/?"], Same),
        (&["--url-query", "a=b", "~/x?y&"], Same),
        (&["--url-query", "a=b", "-I", "~/"], Same),
        (&["--url-query", "a=b", "-T", "ten", "-H", "Expect:", "~/"], Same),
        (
            &["--url-query", "=a=b", "~/x"],
            Ours("Digits of an encoding are capitals (RFC 3986, 2.1)", 0, "GET /x?a%3Db HTTP"),
        ),
        (
            &["--url-query", "+a b", "~/x"],
            Ours("A space is encoded; curl does not take it", 0, "GET /x?a%20b HTTP"),
        ),
        (
            &["--url-query", "a=b", "-G", "-d", "e=f", "~/x"],
            Ours("Nothing that is typed is left away", 0, "GET /x?a=b&e=f HTTP"),
        ),
        (&["--request-target", "*", "-X", "OPTIONS", "~/"], Same),
        (&["--request-target", "*", "~/"], Same),
        (&["--request-target", "/other?q", "~/x?y"], Same),
        (&["--request-target", "http://x/", "~/"], Same),
        (
            &[
                "--request-target",
                "/t",
                "-x",
                "127.0.0.1:PORT",
                "--noproxy",
                "",
                "http://example.org/x",
            ],
            Same,
        ),
        (
            &["--request-target", "a b", "~/"],
            Ours("What no server can read is not sent; --misbehave is for that", 3, ""),
        ),
        (&["--request-target", "", "~/"], Ours("An empty target is no request", 2, "")),
        (
            &["-L", "--request-target", "/to//x", "~/y"],
            Ours("What a redirect leads to is requested", 0, "GET /x HTTP"),
        ),
        (&["--path-as-is", "~/a/../b/./c"], Same),
    ]);
}

#[test]
fn fields_from_files() {
    compare(&[
        (&["-H", "@fields", "~/"], Same),
        (&["-H", "@fields", "-H", "U: v", "~/"], Same),
        (&["-H", "U: v", "-H", "@fields", "-A", "me", "~/"], Same),
        (&["-H", "@-", "~/"], Ours("A line that is no field is not left away", 2, "")),
        (&["-H", "@no-such-file", "~/"], Ours("What cannot be read is not left away", 26, "")),
        (&["-H", "@ten", "~/"], Ours("A line that is no field is not left away", 2, "")),
        (&["-e", ";auto", "-L", "~/to//x"], Same),
        (&["-e", "http://r;auto", "-L", "~/to//x"], Same),
        (&["-e", "http://r;auto", "-L", "~/to/http!//localhost!PORT/x"], Same),
        (&["-e", ";auto", "-L", "http://ada:secret@127.0.0.1:PORT/to//x"], Same),
        (&["-e", ";auto", "-L", "~/to//to//x#f"], Same),
        (&["-e", "http://r", "-L", "~/to//x"], Same),
        (&["-e", ";auto", "~/x", "~/y"], Same),
        (&["-e", "http://r;auto", "-H", "Referer: q", "-L", "~/to//x"], Same),
        (&["-e", "a;auto;b", "~/"], Same),
    ]);
}

#[test]
fn conditions() {
    const DAY: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    compare(&[
        (&["-z", DAY, "~/"], Same),
        (
            &["-z", "-Sun, 06 Nov 1994 08:49:37 GMT", "~/"],
            Ours("A page that was modified at this time was not modified since", 0, "hello"),
        ),
        (&["-z", "6 Nov 1994", "~/"], Same),
        (&["-z", "+7 Nov 1994", "~/"], Same),
        (&["-z", "19941106", "~/"], Same),
        (&["-z", "Nov 6 1994 8:49", "~/"], Same),
        (&["-z", "06-Nov-94", "~/"], Same),
        (&["-z", "20040911 08:00 EST", "~/"], Same),
        (&["-z", "1 Jan 2040", "~/"], Same),
        (&["-i", "-z", "1 Jan 2040", "~/"], Same),
        (
            &["-z", "1994-11-06", "~/"],
            Ours(
                "Dates of ISO 8601 are dates",
                0,
                "If-Modified-Since: Sun, 06 Nov 1994 00:00:00 GMT",
            ),
        ),
        (&["-z", "no-such-file", "~/"], Same),
        (&["-z", "", "~/"], Ours("Nothing is no date", 2, "")),
        (&["-z", DAY, "-H", "If-Modified-Since: x", "~/"], Same),
        (&["-z", "6 Nov 1994", "-d", "x", "~/"], Same),
        (&["-z", "6 Nov 1994", "-o", "ten", "~/same"], Same),
        (&["--etag-compare", "etag", "~/"], Same),
        (&["--etag-compare", "etag", "-o", "ten", "~/same"], Same),
        (&["--etag-compare", "empty", "~/"], Same),
        (&["--etag-compare", "no-such-file", "~/"], Same),
        (&["--etag-compare", "etag", "--etag-save", "etag", "~/"], Same),
        (&["--etag-save", "etag", "~/"], Same),
        (&["--etag-save", "etag", "~/a", "~/b"], Same),
        (
            &["--etag-save", "/no/such/folder", "~/"],
            Ours("What was answered is shown first", 23, "GET / HTTP"),
        ),
    ]);
}

#[test]
fn forms() {
    compare(&[
        (&["-F", "a=@a.txt,b.html", "~/"], Same),
        (&["-F", "a=@a.txt;type=m/n,b.html;filename=q", "-F", "b=c", "~/"], Same),
        (&["-F", "a=@a.txt,\"b.html\"", "~/"], Same),
        (&["-F", "a=@a.txt,b.html;type=m/n", "~/"], Same),
        (&["-F", "a=@a.txt,b.html;headers=\"X: y\"", "~/"], Same),
        (&["-F", "a=@a.txt,ten,b.html", "-H", "X: y", "~/"], Same),
        (
            &[
                "-F",
                "a=(;type=multipart/alternative",
                "-F",
                "=one",
                "-F",
                "=<b.html;type=text/html",
                "-F",
                "=)",
                "~/",
            ],
            Same,
        ),
        (
            &[
                "-F",
                "=(;type=multipart/alternative",
                "-F",
                "= plain",
                "-F",
                "= <b>;type=text/html",
                "-F",
                "=)",
                "-F",
                "f=@a.txt",
                "~/",
            ],
            Same,
        ),
        (&["-F", "a=(", "-F", "b=c", "-F", "=)", "~/"], Same),
        (&["-F", "a=(", "-F", "b=c", "~/"], Same),
        (&["-F", "a=(", "-F", "b=@a.txt", "-F", "=)", "-F", "c=d", "~/"], Same),
        (
            &[
                "-F",
                "o=(;type=multipart/mixed",
                "-F",
                "i=(",
                "-F",
                "x=y",
                "-F",
                "=)",
                "-F",
                "=)",
                "~/",
            ],
            Same,
        ),
        (&["-F", "=(;type=multipart/mixed;headers=\"Q: r\"", "-F", "x=y", "-F", "=)", "~/"], Same),
        (&["-F", "=)", "~/"], Same),
        (&["-F", "=b", "~/"], Same),
        (&["-F", "a= b", "~/"], Same),
        (&["-F", "a=b;headers=\"X: y\"", "~/"], Same),
        (&["-F", "a=b;headers=@mime", "~/"], Same),
        (&["-F", "a=b;headers=X-q: y;headers=\"Z: 1\"", "~/"], Same),
        (&["-F", "a=@a.txt;headers=\"X: y\";filename=n", "~/"], Same),
        (&["-F", "a=hello;encoder=7bit", "~/"], Same),
        (&["-F", "a=hello;encoder=8bit", "~/"], Same),
        (&["-F", "a=@ten;encoder=binary", "~/"], Same),
        (&["-F", "a=<a.txt,b.html", "~/"], Same),
        (&["-F", "a=@a.txt,no-such-file", "~/"], Same),
        (
            &["-F", "a=b;encoder=base64", "~/"],
            Ours(
                "HTTP carries all bytes, and a server of HTTP does not decode (RFC 7578, 4.7)",
                2,
                "",
            ),
        ),
        (
            &["-F", "a=b;encoder=x", "~/"],
            Ours("An encoder that nobody knows is a wrong argument", 2, ""),
        ),
        (&["-F", "a=();x", "~/"], Ours("What is not understood is not left away", 2, "")),
        (
            &["-F", "a=b;headers=@no-such-file", "~/"],
            Ours("What cannot be read is not left away", 26, ""),
        ),
    ]);
}

#[test]
fn parts_of_files() {
    const NO: &str = "Expect:";
    compare(&[
        (&["-C", "4", "-T", "ten", "-H", NO, "~/"], Same),
        (&["-C", "0", "-T", "ten", "-H", NO, "~/"], Same),
        (&["-C", "9", "-T", "ten", "-H", NO, "~/x"], Same),
        (&["-C", "4", "-X", "POST", "-T", "ten", "-H", NO, "~/"], Same),
        (&["-C", "10", "-T", "ten", "~/"], Same),
        (&["-C", "99", "-T", "ten", "~/"], Same),
        (
            &["-C", "4", "-T", "-", "~/"],
            Ours("What is not known is not said: bytes 4-2/3 of a pipe", 2, ""),
        ),
        (&["-C", "-", "-T", "ten", "~/"], Ours("Nobody knows what the server has", 2, "")),
        (&["-C", "10", "-o", "ten", "~/"], Same),
        (&["-C", "3", "-o", "new", "~/"], Same),
        (
            &["-C", "4", "-o", "ten", "~/"],
            Ours("A rest is not appended where it does not belong", 33, ""),
        ),
        (&["-T", ".", "-H", NO, "~/"], Same),
        (&["-T", "-", "-H", NO, "~/x"], Same),
        (&["-T", "ten", "-T", "a.txt", "-H", NO, "~/", "~/"], Same),
    ]);
}

#[test]
fn ways_and_proxies() {
    const PROXY: &[&str] = &["-x", "127.0.0.1:PORT", "--noproxy", ""];
    let through = |args: &[&'static str]| -> Vec<&'static str> {
        [PROXY, args, &["http://example.org/"]].concat()
    };
    let proxied = [
        through(&["--proxy-header", "X: y"]),
        through(&["--proxy-header", "X: y", "-H", "Z: q"]),
        through(&["-H", "Z: q", "--proxy-header", "X: y", "--proxy-header", "A: b"]),
        through(&["--proxy-header", "@mime"]),
        through(&["--proxy-header", "Proxy-Connection:"]),
        through(&["-U", "a:b"]),
        through(&["-U", "a:b", "--proxy-header", "Proxy-Authorization: q"]),
        through(&["--proxy-header", "Host: q"]),
    ];
    let rows: Vec<(&[&str], Row)> = proxied.iter().map(|args| (&args[..], Same)).collect();
    compare(&rows);
    compare(&[
        (&["--proxy-header", "X: y", "~/"], Same),
        (&["--interface", "lo", "~/"], Same),
        (&["--interface", "if!lo", "~/"], Same),
        (&["--interface", "host!127.0.0.1", "~/"], Same),
        (&["--interface", "127.0.0.2", "-w", "%{local_ip}", "~/"], Same),
        (&["--interface", "localhost", "-w", "%{local_ip}", "~/"], Same),
        (&["--interface", "no-such-one", "~/"], Same),
        (&["--interface", "if!no-such-one", "~/"], Same),
        (&["--interface", "host!lo", "~/"], Same),
        (&["--interface", "192.0.2.1", "~/"], Same),
        (
            &["--interface", "::1", "~/"],
            Ours("The address is of another family, so no end can be bound", 45, ""),
        ),
        (&["--local-port", "x", "~/"], Same),
        (&["--local-port", "5-3", "~/"], Same),
        (&["--local-port", "70000", "~/"], Same),
        (&["http://[::1%25lo]:1/"], Same),
        (&["http://[::1%lo]:1/{a,b}"], Same),
        (&["http://[::1%]:1/"], Same),
        (
            &["-m", "9", "http://[fe80::1%25no-such-one]:1/"],
            Ours("An interface that is not there is named", 6, ""),
        ),
    ]);
}
