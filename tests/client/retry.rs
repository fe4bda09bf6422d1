//! Redirects, retries, uploads, several at a time: beside curl, the same command line against the same
//! server; and the memory that it takes.

use std::collections::BTreeSet;
use std::io::{self, Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use super::beside_curl::{at, comparable, curl};
use super::fake::{Fake, Talk};
use super::{client, fetch};
use crate::support::{Finished, Folder, Program, Server, eventually, needs, run};

/// Reads a request, with the 100 (Continue) that it may wait for, and keeps it; its body without chunks.
fn request(talk: &mut Talk) -> io::Result<String> {
    let head = talk.head()?;
    let small = head.to_ascii_lowercase();
    if small.contains("\r\nexpect: 100-continue\r\n") {
        talk.say("HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let mut body = Vec::new();
    let length = small.lines().find_map(|line| line.strip_prefix("content-length: "));
    if small.contains("\r\ntransfer-encoding: chunked\r\n") {
        loop {
            let size = talk.line()?;
            let size = usize::from_str_radix(size.trim_end(), 16).expect("a size");
            body.extend(talk.take(size)?);
            talk.line()?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = length {
        body = talk.take(length.parse().expect("a number"))?;
    }
    talk.keep(format!("{head}{}", String::from_utf8_lossy(&body)));
    Ok(head)
}

/// A site of redirects: `/302/x` leads to `/x` with a 302, `/302/302/x` there by two of them, `/away/302/x`
/// to another name of the host; `/s/503` answers 503, and everything else is fine.
fn site() -> Fake {
    Fake::new(|talk| {
        loop {
            let head = request(talk)?;
            let (method, rest) = head.split_once(' ').expect("a method");
            let (path, _) = rest.split_once(' ').expect("a path");
            let host = head.lines().find_map(|line| line.strip_prefix("Host: ")).unwrap_or("");
            let port = host.rsplit_once(':').map_or("80", |(_, port)| port);
            let other = if host.starts_with("localhost") { "127.0.0.1" } else { "localhost" };
            let (place, away) = match path.strip_prefix("/away") {
                Some(path) => (path, true),
                None => (path, false),
            };
            let place = place.trim_start_matches('/').split_once('/');
            let hop = place.filter(|(code, _)| code.parse::<u16>().is_ok());
            let (status, fields, body) = match (hop, away) {
                (Some((code, rest)), false) => (code, format!("Location: /{rest}\r\n"), "gone\n"),
                (Some((code, rest)), true) => {
                    let place = format!("Location: http://{other}:{port}/{rest}\r\n");
                    (code, place + "Connection: close\r\n", "gone\n")
                }
                (None, _) => match path.strip_prefix("/s/") {
                    Some(code) => (code, String::new(), "bad\n"),
                    None => ("200", String::new(), "fine\n"),
                },
            };
            let body = if method == "HEAD" { "" } else { body };
            let length = if method == "HEAD" { 5 } else { body.len() };
            talk.say(format!(
                "HTTP/1.1 {status} X\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
            ))?;
            if away {
                return Ok(());
            }
        }
    })
}

/// Requests as they can be compared: but for who asks, whose port it is, and what separates the parts of
/// a form. The fields stand in their order, but for the framing fields: ours are the last, as they are
/// set when all else is known.
fn compared(requests: &[String], port: &str) -> Vec<(Vec<String>, String)> {
    let requests = requests.iter().map(|request| {
        let boundary = request.split_once("; boundary=").map(|(_, rest)| &rest[..40]);
        let request = request.replace(boundary.unwrap_or("\0"), "(boundary)").replace(port, "PORT");
        let (head, body) = request.split_once("\r\n\r\n").expect("a head");
        let lines = head.lines().filter(|line| !line.starts_with("User-Agent: "));
        let (lengths, others): (Vec<_>, Vec<_>) = lines.map(str::to_owned).partition(|line| {
            line.starts_with("Content-Length") || line.starts_with("Transfer-Encoding")
        });
        ([others, lengths].concat(), body.to_owned())
    });
    requests.collect()
}

/// What came of a command line: what can be compared of its end, and its requests.
type Outcome = ((String, usize, Option<i32>), Vec<(Vec<String>, String)>);

/// The same command line for both, each at a server of its own: ours, and theirs.
fn both(
    args: &[&str],
    folder: &Folder,
    server: impl Fn() -> Fake,
    stdin: &[u8],
) -> (Outcome, Outcome) {
    let outcome = |program: &dyn Fn(&[String]) -> Command| {
        let fake = server();
        let args = at(args, &fake.url(""), &folder.path().display().to_string());
        let address = fake.address();
        let port = address.rsplit_once(':').expect("a port").1;
        let mut finished = run(&mut program(&args), stdin);
        let text = String::from_utf8_lossy(&finished.stdout).replace(port, "PORT");
        finished.stdout = text.into_bytes();
        (comparable(&finished), compared(&fake.requests(), port))
    };
    let ours = |args: &[String]| {
        let mut command = client(&["-sS"]);
        command.args(args);
        command
    };
    (outcome(&ours), outcome(&|args| curl(args)))
}

fn files() -> Folder {
    let folder = Folder::with(&[("f", "12345\n"), ("a b.txt", "text\n"), ("none", "")]);
    folder.write("over_a_megabyte", vec![b'x'; (1 << 20) + 1]);
    folder
}

/// What `-w` says of a transfer with redirects.
const FIGURES: &str = "%{http_code} %{num_redirects} %{url_effective} %{method} %{redirect_url} \
                       %{size_header} %{num_headers} %{num_connects} %{exitcode}\n";

/// An empty Location leads nowhere, as with curl: the answer is the answer.
#[test]
fn an_empty_location_is_none() {
    let rest = "Content-Length: 5\r\nConnection: close\r\n\r\nthere";
    for (location, came, requests) in [
        ("Location:\r\n", "there||302|0", 1),
        ("Location: \t \r\n", "there||302|0", 1),
        ("Location:\r\nLocation:\r\n", "there||302|0", 1),
        ("Location:\r\nLocation: /y\r\n", "fine||200|1", 2),
        ("Location: /y\r\nLocation:\r\n", "fine||200|1", 2),
    ] {
        let fake = Fake::new(move |talk| {
            talk.request()?;
            talk.say(match talk.number {
                0 => format!("HTTP/1.1 302 Found\r\n{location}{rest}"),
                _ => "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine".to_owned(),
            })
        });
        let figures = "|%{redirect_url}|%{http_code}|%{num_redirects}";
        let finished = fetch(&["-sS", "-L", "-w", figures, &fake.url("/x")]);
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{location:?}");
        assert_eq!(String::from_utf8(finished.stdout).unwrap(), came, "{location:?}");
        assert_eq!(fake.requests().len(), requests, "{location:?}");
    }
}

#[test]
fn the_same_redirects_and_uploads() {
    if !needs("curl") {
        return;
    }
    let folder = files();
    let mut differ = Vec::new();
    for args in [
        &["~/302/x"][..],
        &["-i", "~/302/x"],
        &["-L", "~/302/x"],
        &["-Li", "~/302/x"],
        &["-Li", "~/301/302/303/307/308/x?y#z"],
        &["-LI", "~/302/x"],
        &["-LI", "~/303/301/x"],
        &["-L", "~/s/404"],
        &["-Lf", "~/302/s/404"],
        &["-Lif", "~/302/s/404"],
        &["-L", "~/302/x", "~/301/y", "~/z"],
        &["-L", "--max-redirs", "2", "~/302/302/x"],
        &["-L", "--max-redirs", "1", "~/302/302/x"],
        &["-Li", "--max-redirs", "1", "~/302/302/x"],
        &["-Li", "--max-redirs", "0", "~/302/x"],
        &["-L", "--max-redirs", "0", "~/x"],
        &["-L", "--max-redirs", "-1", "~/302/302/x"],
        &["--max-redirs", "0", "~/302/x"],
        &["-L", "--max-redirs", "-2", "~/x"],
        &["-L", "-d", "a=b", "~/301/x"],
        &["-L", "-d", "a=b", "~/302/x"],
        &["-L", "-d", "a=b", "~/303/x"],
        &["-L", "-d", "a=b", "~/307/x"],
        &["-L", "-d", "a=b", "~/308/307/x"],
        &["-L", "-d", "a=b", "--post301", "~/301/x"],
        &["-L", "-d", "a=b", "--post301", "~/302/x"],
        &["-L", "-d", "a=b", "--post302", "~/302/x"],
        &["-L", "-d", "a=b", "--post303", "~/303/x"],
        &["-L", "-d", "a=b", "--post301", "--post302", "--post303", "~/301/302/303/x"],
        &["-L", "-F", "a=b", "~/302/x"],
        &["-L", "-F", "a=b", "-F", "f=@~/a b.txt", "~/307/x"],
        &["-L", "-X", "DELETE", "~/301/x"],
        &["-L", "-X", "BREW", "~/307/x"],
        &["-L", "-G", "-d", "a=b", "~/302/x"],
        &["-L", "-r", "0-2", "-A", "me", "-e", "you", "-H", "X: y", "~/302/x"],
        &["-L", "-u", "a:b", "~/302/x"],
        &["-L", "-u", "a:b", "~/away/302/x"],
        &["-L", "-H", "Authorization: x", "-H", "Cookie: y", "-H", "X: z", "~/away/302/x"],
        &["-L", "-H", "Authorization: x", "-H", "Cookie: y", "~/302/x"],
        &["--location-trusted", "-H", "Authorization: x", "-H", "Cookie: y", "~/away/302/x"],
        &["--location-trusted", "-u", "a:b", "~/away/307/x"],
        &["-L", "-H", "Host: h", "~/302/x"],
        &["-w", FIGURES, "~/302/x"],
        &["-L", "-w", FIGURES, "~/302/301/x"],
        &["-L", "-w", FIGURES, "-d", "a=b", "~/302/301/x"],
        &["-L", "-w", FIGURES, "--max-redirs", "1", "~/302/302/x"],
        &["-L", "-w", FIGURES, "~/away/302/x"],
        &["-L", "-w", "%{size_download} %{size_upload}", "-d", "abc", "~/307/x"],
        &["-T", "~~/over_a_megabyte", "~/"],
        &["-T", "~~/none", "~/"],
        &["-T", "-", "~/x"],
        &["-T", "-", "~/x/"],
        &["-T", "-", "-X", "POST", "-H", "Content-Type: a/b", "~/x"],
        &["-T", "/dev/null", "~/x/"],
        &["-T", "", "~/x"],
        &["-H", "Expect:", "-T", "~~/a b.txt", "~/x/"],
        &["-H", "Expect:", "-T", "~~/a b.txt", "~/x"],
        &["-H", "Expect:", "-T", "~~/f", "~"],
        &["-H", "Expect:", "-T", "~~/f", "~/?q"],
        &["-H", "Expect:", "-T", "~~/f", "~/x/?q#z"],
        &["-H", "Expect:", "-T", "~~/f", "-T", "~~/none", "~/x/", "~/y/", "~/z/"],
        &["-H", "Expect:", "-X", "POST", "-T", "~~/f", "~/x"],
        &["-H", "Expect:", "-T", "~~/f", "-H", "Transfer-Encoding: chunked", "~/x"],
        &["-H", "Expect:", "-LT", "~~/f", "~/301/x"],
        &["-H", "Expect:", "-LT", "~~/f", "~/303/x"],
        &["-H", "Expect:", "-LT", "~~/f", "~/307/308/x"],
        &["-0", "-T", "~~/f", "~/x"],
        &["-0", "-T", "-", "~/x"],
        &["-iT", "-", "~/x"],
        &["-LiT", "-", "~/307/x"],
        &["-T", "~~/no such file", "~/x"],
        &["-T", "~~/f", "-d", "a=b", "~/x"],
        &["-T", "~~/f", "-I", "~/x"],
        &["--fail-early", "http://127.0.0.1:1/", "~/x"],
        &["--fail-early", "-f", "~/x", "~/s/404", "~/y"],
        &["--retry", "2", "~/s/404", "~/x"],
        &["--retry", "2", "-f", "~/s/400"],
        &["--retry", "2", "http://127.0.0.1:1/"],
    ] {
        let folder_name = folder.path().display().to_string();
        let args: Vec<String> = args.iter().map(|arg| arg.replace("~~", &folder_name)).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let (ours, theirs) = both(&args, &folder, site, b"from\nstdin\n");
        if ours != theirs {
            differ.push(format!("{args:?}:\n{ours:?}\n{theirs:?}"));
        }
    }
    assert!(differ.is_empty(), "ours, and theirs: {}", differ.join("\n"));
}

/// Where ours is another request on purpose: what stands in ours, and not in curl's; and the other way
/// round.
#[test]
fn other_redirects_and_uploads() {
    if !needs("curl") {
        return;
    }
    let folder = files();
    for (args, ours, theirs) in [
        // RFC 9110, 15.4.3: -X names the first method, and POST becomes GET. curl sends a POST without
        // its body; since 8.16 --follow does as we do.
        (&["-L", "-X", "POST", "-d", "x", "~/302/x"][..], "GET /x ", "POST /x "),
        // … and what is no POST goes on with its body (15.4.2).
        (&["-L", "-X", "PATCH", "-d", "x", "~/301/x"], "PATCH /x … Content-Length: 1", ""),
        // RFC 9110, 15.4: what describes a body goes with it.
        (&["-L", "--json", "{}", "~/302/x"], "", "GET /x … Content-Type"),
        // Another host that leads back to the first one does not get its secrets sent (as Go, since
        // CVE-2024-45336).
        (&["-L", "-u", "a:b", "~/away/302/away/302/x"], "", "GET /x … Authorization"),
        // An upload of 1 MB or less does not wait for the 100: as any other body with us, and with curl
        // since 8.7. A second is lost with a server that does not know of it.
        (&["-T", "~~/f", "~/x"], "", "Expect: 100-continue"),
        // The length that was declared is the length that is sent, and has to be true. curl sends both
        // fields (RFC 9112, 6.2 forbids it).
        (&["-T", "-", "-H", "Content-Length: 11", "~/x"], "", "Transfer-Encoding: chunked"),
        // Only these five lead somewhere by themselves (RFC 9110, 15.4); 300 offers a choice.
        (&["-L", "~/300/x"], "", "GET /x "),
        (&["-L", "~/305/x"], "", "GET /x "),
    ] {
        let folder_name = folder.path().display().to_string();
        let args: Vec<String> = args.iter().map(|arg| arg.replace("~~", &folder_name)).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let (our_outcome, their_outcome) = both(&args, &folder, site, b"from\nstdin\n");
        assert_eq!(our_outcome.0.2, Some(0), "{args:?}");
        let told = |outcome: &Outcome| {
            let requests = outcome
                .1
                .iter()
                .map(|(head, body)| format!("{}\r\n\r\n{body} ", head.join("\r\n")));
            requests.collect::<String>()
        };
        let (our_requests, their_requests) = (told(&our_outcome), told(&their_outcome));
        let has = |requests: &str, what: &str| {
            let (path, field) = what.split_once("… ").unwrap_or((what, ""));
            requests.find(path).is_some_and(|at| requests[at..].contains(field))
        };
        assert!(has(&our_requests, ours), "{args:?}: {our_requests}");
        assert!(has(&their_requests, theirs), "{args:?}: {their_requests}");
        assert!(ours.is_empty() || !has(&their_requests, ours), "{args:?}: {their_requests}");
        assert!(theirs.is_empty() || !has(&our_requests, theirs), "{args:?}: {our_requests}");
    }
}

/// So many answers of this kind, and then fine ones, on whatever connection.
fn failing(times: usize, failure: &'static str) -> Fake {
    let count = Mutex::new(0);
    Fake::new(move |talk| {
        loop {
            request(talk)?;
            let mut count = count.lock().unwrap();
            *count += 1;
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfine\n";
            match *count > times {
                true => talk.say(answer)?,
                false => talk.say(failure)?,
            }
            if *count <= times && !failure.contains("\r\n\r\n") {
                return Ok(());
            }
        }
    })
}

#[test]
fn the_same_retries() {
    if !needs("curl") {
        return;
    }
    let folder = files();
    const BUSY: &str = "HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nbusy\n";
    const LATER: &str = "HTTP/1.1 429 Later\r\nRetry-After: 2\r\nContent-Length: 5\r\n\r\nbusy\n";
    let mut differ = Vec::new();
    for (args, times, failure, least) in [
        (&["--retry", "1", "~/"][..], 1, BUSY, 1),
        (&["-f", "--retry", "1", "~/"], 1, BUSY, 1),
        (&["-i", "--retry", "2", "--retry-delay", "1", "-d", "a=b", "~/"], 2, BUSY, 2),
        (&["-f", "--retry", "1", "~/"], 2, BUSY, 1),
        (&["--retry", "1", "-w", "%{http_code} %{exitcode}\n", "~/"], 1, LATER, 2),
        (&["--retry", "3", "--retry-max-time", "1", "~/"], 1, LATER, 0),
        (&["--retry", "1", "-F", "a=@~/f", "~/"], 1, BUSY, 1),
        (&["--retry", "1", "-H", "Expect:", "-T", "~~/f", "~/x"], 1, BUSY, 1),
        (&["--retry", "1", "~/"], 1, "", 0),
        (&["--retry", "1", "--retry-all-errors", "~/"], 1, "", 1),
        (
            &["--retry", "1", "--retry-all-errors", "-f", "~/"],
            1,
            "HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n",
            1,
        ),
    ] {
        let folder_name = folder.path().display().to_string();
        let args: Vec<String> = args.iter().map(|arg| arg.replace("~~", &folder_name)).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let begun = Instant::now();
        let (ours, theirs) = both(&args, &folder, || failing(times, failure), b"");
        if ours != theirs {
            differ.push(format!("{args:?}:\n{ours:?}\n{theirs:?}"));
        }
        assert!(begun.elapsed() >= Duration::from_secs(2 * least), "{args:?}: both have to wait");
    }
    assert!(differ.is_empty(), "ours, and theirs: {}", differ.join("\n"));
}

#[test]
fn a_retry_says_so_and_a_file_has_the_last_answer_only() {
    let folder = Folder::new();
    let file = folder.join("file").display().to_string();
    let fake = failing(1, "HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\nall busy\n");
    let finished = fetch(&["--retry", "1", "--no-progress-meter", "-o", &file, &fake.url("/")]);
    assert_eq!((finished.code, finished.stdout), (Some(0), Vec::new()));
    assert_eq!(finished.stderr, "client: the status is 503: retrying in 1s, 1 retry left\n");
    let fake = failing(1, "HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\nall busy\n");
    let args = ["--retry", "1", "--retry-delay", "0.0123456", "-o", &file, &fake.url("/")];
    let said = fetch(&args).stderr;
    assert!(said.contains("retrying in 12.3ms, 1 retry left\n"), "{said}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "fine\n");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left over");
    // A body that was read from a pipe is gone: it is not sent again as if it were empty.
    let fake = failing(1, "HTTP/1.1 307 X\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n");
    let finished = run(&mut client(&["-LT", "-", &fake.url("/")]), b"once");
    assert_eq!(finished.code, Some(65), "{}", finished.stderr);
    assert_eq!(fake.requests().len(), 1);
    let fake = failing(1, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    let finished = run(&mut client(&["-sS", "--retry", "1", "-T", "-", &fake.url("/")]), b"once");
    assert_eq!((finished.code, fake.requests().len()), (Some(65), 1), "{}", finished.stderr);
    // … and what stdin is a file for is there once more.
    let fake = failing(1, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    let line = "exec \"$0\" -sS --retry 1 -T - \"$1\" < Cargo.toml";
    let mut command = Command::new("sh");
    command.args(["-c", line, env!("CARGO_BIN_EXE_client"), &fake.url("/")]);
    run(command.current_dir(crate::support::root()), b"").succeeded();
    let bodies = fake.requests().iter().map(|request| request.len()).collect::<BTreeSet<_>>();
    assert_eq!((fake.requests().len(), bodies.len()), (2, 1), "the same twice");
}

/// What a process has held at most, in KB.
#[cfg(target_os = "linux")]
fn most_memory(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line for it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// 300 MB in files without blocks go out, and the client holds less than 20 MB. The server takes
/// them all, and then keeps silent, so that we can look.
#[test]
#[cfg(target_os = "linux")]
fn an_upload_of_any_size_takes_no_memory() {
    const SIZE: u64 = 300 << 20;
    let folder = Folder::new();
    let large = folder.join("large");
    std::fs::File::create(&large).and_then(|file| file.set_len(SIZE)).expect("a sparse file");
    let large = large.display().to_string();
    for line in [
        "exec \"$0\" -T \"$2\" \"$1\"",
        "exec \"$0\" -T - \"$1\" < \"$2\"",
        "exec \"$0\" -F \"f=@$2\" -F a=b \"$1\"",
    ] {
        let sink = Fake::new(move |talk| {
            talk.head()?;
            talk.say("HTTP/1.1 100 Continue\r\n\r\n")?;
            let mut taken = 0;
            while taken < SIZE {
                taken += talk.take(64 << 10).map(|piece| piece.len() as u64)?;
            }
            talk.keep("all of it");
            talk.rest().map(drop)
        });
        let mut command = Command::new("sh");
        command.args(["-c", line, env!("CARGO_BIN_EXE_client"), &sink.url("/"), &large]);
        let program = Program::start(command.env_remove("RUST_LOG"));
        eventually(|| Some(()).filter(|()| !sink.requests().is_empty())).expect("it takes it all");
        let most = most_memory(program.id());
        assert!(most < 20 << 10, "{line}: {most} KB");
    }
}

#[test]
fn several_at_a_time() {
    let server = Server::start(&[]);
    let sleeps = vec![server.url("/sleep/900"); 8];
    let sleeps: Vec<&str> = sleeps.iter().map(String::as_str).collect();
    let begun = Instant::now();
    fetch(&[&["-Z"], &sleeps[..]].concat()).succeeded();
    assert!(begun.elapsed() < Duration::from_secs(5), "one by one it is more than 7 s");
    let begun = Instant::now();
    fetch(&[&["-Z", "--parallel-max", "1"], &sleeps[..3]].concat()).succeeded();
    assert!(begun.elapsed() >= Duration::from_millis(2700), "one by one after all");
    // Each head with its body, and what is said about it behind them.
    let pages = [300_000, 5, 200_000, 70_000, 0, 300_000];
    let urls: Vec<String> =
        pages.iter().map(|size| server.url(&format!("/bytes/{size}"))).collect();
    let mut args = vec!["-Zi", "-w", "<%{size_download} %{url}>"];
    args.extend(urls.iter().map(String::as_str));
    let mut text = fetch(&args).succeeded();
    for _ in &pages {
        let (head, rest) = text.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let length: usize = length.expect("a length").parse().expect("a number");
        let (said, rest) = rest[length..].split_once('>').expect("what is said about it");
        assert!(said.starts_with(&format!("<{length} ")) && said.ends_with(&length.to_string()));
        text = rest.to_owned();
    }
    assert_eq!(text, "");
}

/// Files of their own, and the code of a failure wherever it stands; beside curl.
#[test]
fn several_at_a_time_beside_curl() {
    if !needs("curl") {
        return;
    }
    let (server, folder) = (Server::start(&[]), Folder::new());
    let deserted = "http://127.0.0.1:1/";
    let file = |name: &str| folder.join(name).display().to_string();
    let (first, second) = (file("1"), file("2"));
    for args in [
        &["-Z", "~/bytes/3", "~/bytes/3"][..],
        &["-Z", "~/bytes/3"],
        &["-Zf", "~/nowhere", "~/bytes/3", "~/bytes/3"],
        &["-Zf", "~/bytes/3", "~/bytes/3", "~/nowhere"],
        &["-Z", deserted, "~/bytes/3"],
        &["-Z", "~/bytes/3", deserted],
        &["-Z", "-o", &first, "~/bytes/300000", "-o", &second, "~/bytes/5"],
        &["-Z", "--fail-early", deserted, deserted],
        &[
            "-Z",
            "--parallel-max",
            "2",
            "-w",
            "%{http_code}\n",
            "~/bytes/0",
            "~/bytes/0",
            "~/bytes/0",
        ],
    ] {
        let args = at(args, &server.url(""), "");
        let kept = || [std::fs::read(&first).ok(), std::fs::read(&second).ok()];
        let outcome = |finished: Finished| (comparable(&finished), kept());
        let theirs = outcome(run(&mut curl(&args), b""));
        let ours = outcome(fetch(&args));
        assert_eq!(ours, theirs, "{args:?}");
    }
}

#[test]
fn a_connection_that_is_refused_is_tried_again_on_request() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}/");
    assert_eq!(fetch(&["-s", "--retry", "9", &url]).code, Some(7));
    let server = thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        let (mut stream, _) = TcpListener::bind(free).unwrap().accept().unwrap();
        assert!(stream.read(&mut [0; 1000]).unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").unwrap();
    });
    let patient = ["--retry-connrefused", "--retry", "50", "--retry-delay", "0.1", "-sS", &url];
    assert_eq!(String::from_utf8(fetch(&patient).stdout).unwrap(), "hello");
    server.join().unwrap();
}
