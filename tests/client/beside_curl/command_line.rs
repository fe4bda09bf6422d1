//! How flags are typed: names cut short, `--no-`, several in one word, files of flags, `--next`. The same command lines
//! for curl and for us: requests, stdout, the exit code and the file `out` are compared.

use super::curl;
use crate::client::client;
use crate::client::fake::Fake;
use crate::support::{Finished, Folder, needs, run};

/// Answers 404 below `/lost`, and 302 below `/moved`; all else is `hello`.
fn site() -> Fake {
    Fake::new(|talk| {
        loop {
            let request = talk.request()?;
            let path = request.split(' ').nth(1).unwrap_or_default();
            let start = match path {
                "/lost" => "HTTP/1.1 404 Not Found\r\n".to_owned(),
                "/moved" => "HTTP/1.1 302 Found\r\nLocation: /here\r\n".to_owned(),
                _ => "HTTP/1.1 200 OK\r\n".to_owned(),
            };
            talk.say(start + "Content-Length: 5\r\n\r\n")?;
            if !request.starts_with("HEAD ") {
                talk.say("hello")?;
            }
        }
    })
}

/// What a command line does: its requests, stdout, exit code and file.
type Done = (Vec<String>, String, Option<i32>, Option<String>);

/// Runs a command line, in which `~` is the server and `~~` a file with this content, which is also on stdin.
fn done(line: &str, file: &str, program: impl Fn(&[String]) -> std::process::Command) -> Done {
    let (fake, folder) = (site(), Folder::new());
    let config = folder.join("config").display().to_string();
    let filled = |text: &str| text.replace("~~", &config).replace('~', &fake.url(""));
    let file = filled(file);
    folder.write("config", &file);
    let args: Vec<String> = line.split_whitespace().map(filled).collect();
    let mut command = program(&args);
    let Finished { stdout, code, .. } = run(command.current_dir(folder.path()), file.as_bytes());
    // Of a request: all but what each program says of itself, in the order of names.
    let compared = |request: String| {
        let (head, body) = request.split_once("\r\n\r\n").expect("a head");
        let mut lines = head.lines();
        let first = lines.next().unwrap_or_default().to_owned();
        let own = |line: &&str| {
            !["Host: ", "User-Agent: curl/", "User-Agent: threadbare/"]
                .iter()
                .any(|own| line.starts_with(own))
        };
        let mut fields: Vec<&str> = lines.filter(own).collect();
        fields.sort_unstable();
        format!("{first} | {} | {body}", fields.join(", "))
    };
    let out = std::fs::read_to_string(folder.join("out")).ok();
    let requests = fake.requests().into_iter().map(compared).collect();
    (requests, String::from_utf8_lossy(&stdout).into_owned(), code, out)
}

fn differences(rows: &[(&str, &str)]) -> String {
    let mut differ = String::new();
    for (line, file) in rows {
        let (ours, theirs) = (done(line, file, client), done(line, file, curl));
        if ours != theirs {
            differ += &format!("{line} {file:?}:\n  {ours:?}\n  {theirs:?}\n");
        }
    }
    differ
}

#[test]
fn names_and_how_they_are_typed() {
    if !needs("curl") {
        return;
    }
    let rows = [
        // Exact names win, others are cut short where that is unambiguous.
        "--head ~/",
        "--data a=b ~/",
        "--user-a me ~/",
        "--refe http://b/ ~/",
        "--data-u a=b&c ~/",
        "--data-b a ~/",
        "--data-r @a ~/",
        "--inc ~/",
        "--verb ~/",
        "--sil ~/",
        "--fail-w ~/lost",
        "--location-t ~/moved",
        "--max-t 5 ~/",
        "-L --max-redi 3 ~/moved",
        "--retry-d 1 ~/",
        "--write-o %{http_code} ~/",
        "--connect-ti 5 ~/",
        "--upl /dev/null ~/",
        "--da a ~/",
        "--fai ~/lost",
        "--loc ~/moved",
        "--conn 5 ~/",
        "--retr 3 ~/",
        "--s ~/",
        // What can be on can be off, and the last one counts.
        "-i --no-include ~/",
        "--no-include -i ~/",
        "-L --no-location ~/moved",
        "--no-location -L ~/moved",
        "-f --no-fail ~/lost",
        "-G --no-get -d a=b ~/",
        "-s --no-silent ~/",
        "-sS --no-show-error http://127.0.0.1:1/",
        "--no-fail-early http://127.0.0.1:1/ ~/",
        "-Z --no-parallel ~/a ~/b",
        "-L --post302 --no-post302 -d a ~/moved",
        "--no-progress-meter ~/",
        "--progress-meter ~/",
        "--no-buffer ~/",
        "--no-ipv4 ~/",
        "--no-max-time ~/",
        "--no-data a ~/",
        "--no-nonsense ~/",
        // Several in one word, and values that are attached.
        "-sSfL ~/moved",
        "-fsSL ~/lost",
        "-sSfLi ~/moved",
        "-XDELETE ~/",
        "-sXDELETE ~/",
        "-oout ~/",
        "-o out ~/",
        "-sSoout ~/",
        "-sSo out ~/",
        "-da=b ~/",
        "-d=x ~/",
        "-sd a=b ~/",
        "-sw%{http_code} ~/",
        "-m5 ~/",
        "-Amme ~/",
        "-0 ~/",
        "-sX ~/",
        "-X",
        "--request",
        "--fail=x ~/",
        // URLs.
        "--url ~/a",
        "--url ~/a --url ~/b",
        "~/a --url ~/b -o out",
        "--url ~/a -o out ~/b",
        "--url",
        "-- ~/a",
        "-o out -- ~/a",
        // What always is so.
        "-k ~/",
        "--insecure ~/",
        "--proxy-insecure ~/",
        "--http1.1 ~/",
        "-0 --http1.1 ~/",
        "--http1.1 -0 ~/",
        "--basic -u a:b ~/",
        "--proxy-basic ~/",
        "--tcp-nodelay ~/",
        "--no-keepalive ~/",
        "--no-alpn ~/",
        "--no-npn ~/",
        "--no-sessionid ~/",
        "--no-http0.9 ~/",
        "--no-styled-output -i ~/",
        "--parallel-immediate -Z ~/a",
        // Operations.
        "-d a ~/a --next ~/b",
        "-d a ~/a -: -X DELETE ~/b -: -I ~/c",
        "-o out ~/a --next ~/b",
        "-i ~/a --next ~/b",
        "-f ~/lost --next ~/lost",
        "http://127.0.0.1:1/ --next ~/b",
        "~/a --next http://127.0.0.1:1/",
        "--fail-early http://127.0.0.1:1/ --next ~/b",
        "-A a ~/a --next -A b ~/b --next ~/c",
        "-u a:b ~/a --next ~/b",
        "-w %{urlnum} ~/a --next -w %{urlnum} ~/b",
    ];
    let rows: Vec<_> = rows.iter().map(|line| (*line, "")).collect();
    let differ = differences(&rows);
    assert!(differ.is_empty(), "ours, and theirs:\n{differ}");
}

#[test]
fn files_of_flags() {
    if !needs("curl") {
        return;
    }
    let rows = [
        ("-K ~~", "url = ~/a"),
        ("-K ~~", "url=~/a"),
        ("-K ~~", "url ~/a"),
        ("-K ~~", "url: ~/a"),
        ("-K ~~", "url = \"~/a\""),
        ("-K ~~", "  url\t=\t~/a  "),
        ("-K ~~", "url = ~/a\r\n"),
        ("-K ~~", "url = ~/a\nurl = ~/b"),
        ("-K ~~", "--url ~/a"),
        ("-K ~~", "# url = ~/b\n\nurl = ~/a"),
        ("-K ~~ ~/a", "request = DELETE"),
        ("-K ~~ ~/a", "request = \"DELETE\""),
        ("-K ~~ ~/a", "-X DELETE"),
        ("-K ~~ ~/a", "-XDELETE"),
        ("-K ~~ ~/a", "-H \"X: y\""),
        ("-K ~~ ~/a", "header = \"X: \\\"y\\\"\\\\z\\q\""),
        ("-K ~~ ~/a", "data-binary = \"a\\tb\\nc\\rd\\ve\""),
        ("-K ~~ ~/a", "data = \"a b\" # of two"),
        ("-K ~~ ~/a", "data = a"),
        ("-K ~~ ~/a", "data == a"),
        ("-K ~~ ~/a", "-d =a"),
        ("-K ~~ ~/a", "user-agent = me\ninclude\n-s\n--silent\n-sS"),
        ("-i -K ~~ ~/a", "no-include"),
        ("-K ~~ ~/a", "incl"),
        ("-K ~~ ~/a", "output = out"),
        ("-K ~~ ~/a", "output = \"out\""),
        ("-K ~~", "url = ~/a\noutput = out\nurl = ~/b"),
        ("-K ~~", "url = ~/a\ndata = a\nnext\nurl = ~/b"),
        ("-K ~~", "url = ~/a\ndata = a\n-:\nurl = ~/b"),
        ("-K ~~ -d b ~/b", "data = a"),
        ("-d b -K ~~ ~/b", "data = a"),
        ("-K - ~/a", "request = DELETE"),
        ("--config ~~ ~/a", "request = DELETE"),
        ("-K~~ ~/a", "request = DELETE"),
        ("-sK ~~ ~/a", "request = DELETE"),
        ("-K ~~ -K ~~ ~/a", "data = a"),
        ("-K nowhere ~/a", ""),
        ("-K", ""),
        ("-K ~~ ~/a", ""),
    ];
    let differ = differences(&rows);
    assert!(differ.is_empty(), "ours, and theirs:\n{differ}");
}

/// A reason, a command line and a file of flags; and our exit code and curl's.
type Difference = (&'static str, &'static str, &'static str, i32, i32);

#[test]
fn what_is_another_end_here() {
    if !needs("curl") {
        return;
    }
    const DIFFERENCES: &[Difference] = &[
        ("what follows a value is not left out", "-K ~~ ~/a", "data = a b", 2, 0),
        ("a flag that is unknown is not left out", "-K ~~ ~/a", "nonsense", 2, 0),
        ("a value that is not taken is not left out", "-K ~~ ~/a", "silent = no", 2, 0),
        ("a wrong value is not left out", "-K ~~ ~/a", "max-time = soon", 2, 0),
        ("a quote has an end", "-K ~~ ~/a", "data = \"a", 2, 0),
        ("a missing value is not left out", "-K ~~ ~/a", "max-time", 2, 0),
        (
            "options without a URL would be lost, as later versions of curl say",
            "-d a --next ~/a",
            "",
            2,
            0,
        ),
        ("--name=value is what most programs take", "--data=x ~/a", "", 0, 2),
        ("a group that there is not is an error", "--help nonsense", "", 2, 0),
        ("a flag that would do nothing is refused, with the reason", "--tlsv1.2 ~/a", "", 2, 0),
        ("names that may be off may be cut short, too", "-i --no-inc ~/a", "", 0, 2),
        ("--no-head is off, as curl's manual says", "-I --no-head ~/a", "", 0, 2),
        ("there are more names here: --max-response-head", "-L --max-re 3 ~/moved", "", 2, 0),
        ("the same", "--http2 ~/a", "", 2, 0),
        ("the same", "--digest -u a:b ~/a", "", 2, 0),
        ("the same", "--anyauth ~/a", "", 2, 0),
        ("the same", "--proxytunnel ~/a", "", 2, 0),
        ("there are no other protocols", "--ftp-pasv ~/a", "", 2, 0),
        (
            "--no-ipv4 says nothing, and neither does --no-keepalive the other way",
            "--keepalive ~/a",
            "",
            2,
            0,
        ),
    ];
    for (reason, line, file, code, curls) in DIFFERENCES {
        let (ours, theirs) = (done(line, file, client), done(line, file, curl));
        assert_eq!((ours.2, theirs.2), (Some(*code), Some(*curls)), "{reason}: {line} {file:?}");
    }
}
