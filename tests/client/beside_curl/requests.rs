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
    /// For this reason ours is another one: our code, and what stands in our requests and not in curl's; or, if that is
    /// empty, nothing is sent.
    Ours(&'static str, i32, &'static str),
}

use Row::{Ours, Same};

/// A server whose paths lead elsewhere (`/to/` and a URL), or say what was modified when.
fn site() -> Fake {
    Fake::new(|talk| {
        loop {
            let request = talk.request()?;
            let path = request.split(' ').nth(1).unwrap_or_default();
            let fields = match path.split_once("/to/") {
                Some((_, place)) => {
                    format!("302 Found\r\nLocation: {}\r\n", place.replace('!', ":"))
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
        let sent = |end: &End| end.requests.concat().join("\n");
        let is_right = match row {
            Same => ours == theirs,
            Ours(_, code, "") => {
                ours.code == Some(*code) && ours.requests.is_empty() && ours != theirs
            }
            Ours(_, code, what) => {
                ours.code == Some(*code)
                    && sent(&ours).contains(what)
                    && !sent(&theirs).contains(what)
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
