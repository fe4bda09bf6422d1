//! Where answers go, and what is told about them: the same command lines for curl and for us, each in a folder of
//! its own with the same files; stdout, the exit code and the files afterwards are compared.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::curl;
use crate::client::client;
use crate::client::fake::Fake;
use crate::support::{Folder, needs, run};

/// What a command line leaves behind.
#[derive(Debug, PartialEq, Eq)]
struct End {
    code: Option<i32>,
    stdout: String,
    /// The files that are new or changed, with their content; a folder has none.
    files: BTreeMap<String, String>,
}

/// How a row compares.
enum Row {
    /// Both do the same.
    Same,
    /// This reason makes ours another one: our code, our stdout, and the files that we change.
    Ours(&'static str, i32, &'static str, &'static [(&'static str, &'static str)]),
}

use Row::{Ours, Same};

const MODIFIED: &str = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

/// The answers of the server, by path.
fn answer(path: &str) -> String {
    let with = |fields: &str, body: &str| {
        format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len())
    };
    match path.split('?').next().unwrap_or_default() {
        "/hello" | "/sub/hello" => with(MODIFIED, "hello"),
        "/big" => with("", &"x".repeat(5000)),
        "/chunked" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n3\r\n, w\r\n0\r\nSum: 1\r\n\r\n".into(),
        "/stream" => format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(5000)),
        "/short" => "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello".to_owned(),
        "/moved" => "HTTP/1.1 302 Found\r\nLocation: /hello\r\nContent-Length: 5\r\n\r\nmoved".into(),
        "/named" => with("Content-Disposition: attachment; filename=\"named.txt\"\r\n", "named"),
        "/old" => with("Content-Disposition: attachment; filename=old\r\n", "new"),
        "/early" => "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".to_owned() + &with("", "hello"),
        _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nlost".to_owned(),
    }
}

/// A server that answers so.
fn site() -> Fake {
    Fake::new(|talk| {
        let request = talk.request()?;
        let path = request.split(' ').nth(1).unwrap_or_default();
        let answer = answer(path).replacen("\r\n", "\r\nConnection: close\r\n", 1);
        match request.starts_with("HEAD") {
            true => {
                talk.say(answer.split_inclusive("\r\n\r\n").next().unwrap_or_default().as_bytes())
            }
            false => talk.say(answer.as_bytes()),
        }
    })
}

/// What is in each folder before.
fn before() -> Folder {
    let folder = Folder::with(&[("old", "what was there"), ("folder/inside", "what was there")]);
    std::os::unix::fs::symlink("old", folder.join("link")).expect("a link");
    folder
}

/// The files below a folder, with their content, and their time if it is an old one.
fn files(folder: &Path, below: &str, into: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder.join(below)).expect("it is there") {
        let entry = entry.expect("it is there");
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        let about = fs::symlink_metadata(entry.path()).expect("it is there");
        if about.is_dir() {
            into.insert(name.clone(), "(a folder)".to_owned());
            files(folder, &format!("{name}/"), into);
        } else if about.is_file() {
            let content = fs::read(entry.path()).expect("it is ours");
            let content = String::from_utf8_lossy(&content).into_owned();
            let age = about.modified().expect("a time").elapsed().unwrap_or_default();
            let is_old = age.as_secs() > 365 * 24 * 60 * 60;
            into.insert(name, if is_old { format!("{content} (old)") } else { content });
        } else {
            into.insert(name, "(a link)".to_owned());
        }
    }
}

/// Runs a command line in a folder of its own.
fn end(mut command: std::process::Command, server: &str) -> End {
    let folder = before();
    let (mut was, mut is) = (BTreeMap::new(), BTreeMap::new());
    files(folder.path(), "", &mut was);
    let finished = run(command.current_dir(folder.path()), b"");
    files(folder.path(), "", &mut is);
    let gone: Vec<String> = was.keys().filter(|name| !is.contains_key(*name)).cloned().collect();
    is.retain(|name, content| was.get(name) != Some(content));
    is.extend(gone.into_iter().map(|name| (name, "(gone)".to_owned())));
    let shown = |text: String| text.replace(server, "~").replace('\r', "");
    let files = is.into_iter().map(|(name, content)| (name, shown(content)));
    let stdout = shown(String::from_utf8_lossy(&finished.stdout).into_owned());
    End { code: finished.code, stdout, files: files.collect() }
}

/// Compares each row: its arguments, in which `~` is the server.
fn compare(rows: &[(&str, Row)]) {
    if !needs("curl") {
        return;
    }
    let server = site();
    let mut differ = Vec::new();
    for (line, row) in rows {
        let args: Vec<String> =
            line.split(' ').map(|arg| arg.replace('~', &server.url(""))).collect();
        let (theirs, ours) =
            (end(curl(&args), &server.url("")), end(client(&args), &server.url("")));
        let want = |code: i32, stdout: &str, files: &[(&str, &str)]| {
            let files = files.iter().map(|(name, content)| ((*name).into(), (*content).into()));
            End { code: Some(code), stdout: stdout.to_owned(), files: files.collect() }
        };
        let (why, is_right) = match row {
            Same => ("", ours == theirs),
            Ours(why, code, stdout, files) => (*why, ours == want(*code, stdout, files)),
        };
        if !is_right {
            differ.push(format!("{line} {why}\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
    }
    assert!(differ.is_empty(), "\n{}", differ.join("\n"));
}

#[test]
fn how_much_of_a_body_is_written() {
    const TOO_SOON: &str = "a body of unknown length is stopped, too, as a later curl does";
    const WHOLE_HEAD: &str = "a head ends with its empty line";
    const HEAD: &str = "HTTP/1.1 200 OK\nConnection: close\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\n\
         Content-Length: 5\n\n";
    const NO_FILE: &str = "a head alone takes the place of no file";
    compare(&[
        ("--raw ~/chunked", Same),
        ("--raw -i ~/chunked", Same),
        ("--raw -o file ~/chunked", Same),
        ("--raw ~/hello ~/chunked ~/hello", Same),
        ("--raw ~/stream -o file", Same),
        ("--max-filesize 5 ~/hello", Same),
        ("--max-filesize 4 ~/hello", Same),
        ("--max-filesize 4 -o file ~/hello", Same),
        ("--max-filesize 4 -o old ~/hello", Same),
        ("--max-filesize 4 -I ~/hello", Ours(WHOLE_HEAD, 63, HEAD, &[])),
        ("--max-filesize 4 -i ~/hello", Ours(WHOLE_HEAD, 63, HEAD, &[])),
        ("--max-filesize 4 -i ~/hello -o file", Ours(NO_FILE, 63, "", &[])),
        ("--max-filesize 0 ~/hello", Same),
        ("--max-filesize 4k -o file ~/big", Same),
        ("--max-filesize 5K -o file ~/big", Same),
        ("--max-filesize 1m ~/hello", Same),
        ("--max-filesize 1G ~/hello", Same),
        ("--max-filesize x ~/hello", Same),
        ("--max-filesize -1 ~/hello", Same),
        ("--max-filesize 4 -f ~/nowhere", Same),
        ("--max-filesize 4 -L ~/moved", Same),
        ("--max-filesize 4 ~/chunked", Ours(TOO_SOON, 63, "", &[])),
        ("--max-filesize 5 ~/chunked", Ours(TOO_SOON, 63, "hello", &[])),
        ("--max-filesize 8 ~/chunked", Same),
    ]);
}
