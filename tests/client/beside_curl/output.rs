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
    /// A later curl has it, and ends so.
    Later(i32, &'static str, &'static [(&'static str, &'static str)]),
}

use Row::{Later, Ours, Same};

const MODIFIED: &str = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

/// The answers of the server, by path.
fn answer(path: &str) -> String {
    let with = |fields: &str, body: &str| {
        format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len())
    };
    match path.split('?').next().unwrap_or_default() {
        "/hello" | "/sub/hello" => with(MODIFIED, "hello"),
        "/empty" => with("", ""),
        "/cookies" => with("Set-Cookie: a=1\r\nset-cookie:  b=2 \r\n", "hello/"),
        "/big" => with("", &"x".repeat(5000)),
        "/chunked" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n3\r\n, w\r\n0\r\nSum: 1\r\n\r\n".into(),
        "/stream" => format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(5000)),
        "/short" => "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello".to_owned(),
        "/moved" => "HTTP/1.1 302 Found\r\nLocation: /hello\r\nContent-Length: 5\r\n\r\nmoved".into(),
        "/named" => with("Content-Disposition: attachment; filename=\"named.txt\"\r\n", "named"),
        "/head" => with("Content-Disposition: inline; filename=head.txt\r\n", ""),
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

/// Runs a command line in a folder of its own, and must not name a file outside of it: curl 7.88 with
/// `--remove-on-error -o /dev/null` removes the device.
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
            Later(code, stdout, files) => (
                "a later curl has it",
                ours == want(*code, stdout, files) && (theirs.code == Some(2) || ours == theirs),
            ),
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

#[test]
fn which_file_a_body_goes_to() {
    const KEPT: &str = "an incomplete body does not have the name of the file";
    const PART: &[(&str, &str)] = &[("file.part", "hello"), ("file.part.validator", "none\n")];
    const NO_FOLDER: &str = "no folder is made before there is something for it";
    compare(&[
        ("-o file ~/hello", Same),
        ("-o old ~/hello", Same),
        ("-o link ~/hello", Same),
        ("-o folder ~/hello", Same),
        ("-o - ~/hello", Same),
        ("-O ~/hello", Same),
        ("-O ~/old", Same),
        ("-O ~/sub/hello", Same),
        ("-O ~/hello?a=/b", Same),
        ("-O ~/hello?a#/b", Same),
        ("-O ~/%68ello", Same),
        ("-O ~/%c3%bc", Same),
        ("-O ~/%2fa%2Fb", Same),
        ("-O ~/\u{fc}", Same),
        ("-O ~/.hidden", Same),
        ("-O ~/", Same),
        ("-O ~/sub/", Same),
        ("-O -L ~/moved", Same),
        ("-O ~/hello -O ~/big", Same),
        ("-O ~/hello ~/big", Same),
        ("-o file ~/hello -O ~/big", Same),
        ("-o a -o b ~/hello ~/big", Same),
        ("-o same ~/hello -o same ~/big", Same),
        ("-i -o file ~/hello", Same),
        ("-I -o file ~/hello", Same),
        ("-f -o file ~/nowhere", Same),
        ("--fail-with-body -o file ~/nowhere", Same),
        ("-o file ~/short", Ours(KEPT, 18, "", PART)),
        ("--remove-on-error -o file ~/short", Same),
        ("--remove-on-error -o file ~/hello", Same),
        ("--remove-on-error --fail-with-body -o file ~/nowhere", Same),
        ("--remove-on-error -f -o file ~/nowhere", Same),
        (
            "--remove-on-error -o old ~/short",
            Ours("an older file is not lost with a transfer that fails", 18, "", &[]),
        ),
        ("--remote-name-all ~/hello ~/big", Same),
        ("--remote-name-all ~/hello -o - ~/big", Same),
        ("--remote-name-all -o a ~/hello ~/big", Same),
        ("--remote-name-all ~/", Same),
        ("--output-dir folder -O ~/hello", Same),
        ("--output-dir folder -o file ~/hello", Same),
        ("--output-dir folder/ -o file ~/hello", Same),
        ("--output-dir folder -o /file ~/hello", Same),
        ("--output-dir folder -o ../file ~/hello", Same),
        ("--output-dir folder -o - ~/hello", Same),
        ("--output-dir folder ~/hello", Same),
        ("--output-dir folder --remote-name-all ~/hello ~/big", Same),
        ("--output-dir new -o file ~/hello", Same),
        ("--output-dir new --create-dirs -o file ~/hello", Same),
        ("--output-dir old -o file ~/hello", Same),
        ("--create-dirs -o a/b/file ~/hello", Same),
        ("--create-dirs -o folder/file ~/hello", Same),
        ("--create-dirs -o old/file ~/hello", Same),
        ("--create-dirs --output-dir a/b -O ~/hello", Same),
        ("--create-dirs -o a/file -f ~/nowhere", Ours(NO_FOLDER, 22, "", &[])),
        ("-o a/file ~/hello", Same),
        ("--no-clobber -o file ~/hello", Same),
        ("--no-clobber -o old ~/hello", Same),
        ("--no-clobber -O ~/old", Same),
        ("--no-clobber -o link ~/hello", Same),
        ("--no-clobber -o old ~/hello -o old ~/big", Same),
        ("--no-clobber -o folder ~/hello", Same),
        ("--no-clobber --output-dir folder -o inside ~/hello", Same),
        ("--no-clobber --clobber -o old ~/hello", Same),
        ("--clobber -o old ~/hello", Same),
        ("--skip-existing -o old ~/hello", Later(0, "", &[])),
        ("--skip-existing -o file ~/hello", Later(0, "", &[("file", "hello")])),
        ("--skip-existing -O ~/old ~/hello", Later(0, "hello", &[])),
        ("--skip-existing ~/hello", Later(0, "hello", &[])),
        ("-R -o file ~/hello", Same),
        ("-R -O ~/hello", Same),
        ("-R -o file ~/big", Same),
        ("-R -o old ~/hello", Same),
        ("-R -I -o file ~/hello", Same),
        ("-R ~/hello", Same),
        ("-R -L -o file ~/moved", Same),
        ("-N ~/hello", Same),
        ("-# -o file ~/hello", Same),
        ("--progress-bar ~/hello", Same),
    ]);
}

#[test]
fn where_heads_go() {
    const IN_ONE_PIECE: &str = "a head stays in one piece; curl prints each line twice";
    const TWICE: &str = "HTTP/1.1 200 OK\nConnection: close\nContent-Length: 0\n\nHTTP/1.1 200 OK\n\
         Connection: close\nContent-Length: 0\n\n";
    const CRASH: &str = "an output that cannot be written is an error; curl 7.88 crashes";
    const HEAD: &str = "HTTP/1.1 200 OK\nConnection: close\nContent-Length: 0\n\n";
    compare(&[
        ("-D heads ~/hello", Same),
        ("-D heads -o file ~/hello", Same),
        ("-D - ~/hello", Same),
        ("-D - -o file ~/hello", Same),
        ("-D - -i ~/empty", Ours(IN_ONE_PIECE, 0, TWICE, &[])),
        ("-D heads -i ~/hello", Same),
        ("-D heads -I ~/hello", Same),
        ("-D - -I ~/empty", Ours(IN_ONE_PIECE, 0, TWICE, &[])),
        ("-D heads ~/hello ~/big ~/nowhere", Same),
        ("-D - ~/hello ~/nowhere", Same),
        ("-D heads -L ~/moved", Same),
        ("-D - -L ~/moved", Same),
        ("-D heads ~/moved", Same),
        ("-D heads ~/early", Same),
        ("-D heads -f ~/nowhere", Same),
        ("-D heads ~/chunked", Same),
        ("-D heads http://127.0.0.1:1/", Same),
        ("-D heads ~/hello http://127.0.0.1:1/", Same),
        ("-D old ~/hello", Same),
        ("-D folder ~/hello", Ours(CRASH, 23, "", &[])),
        ("-D no/heads ~/hello", Ours(CRASH, 23, "", &[])),
        ("-D folder/heads ~/hello", Same),
        ("-D /dev/null ~/hello", Same),
        ("-D heads --output-dir folder -O ~/hello", Same),
        (
            "--create-dirs -D a/heads ~/empty",
            Ours(CRASH, 0, "", &[("a", "(a folder)"), ("a/heads", HEAD)]),
        ),
    ]);
}

#[test]
fn names_from_a_server() {
    const HEADS: &str = "the name is known before the first byte of the head is written";
    const NAMED: &str = "HTTP/1.1 200 OK\nConnection: close\nContent-Disposition: attachment; \
         filename=\"named.txt\"\nContent-Length: 5\n\nnamed";
    const HEAD: &str = "HTTP/1.1 200 OK\nConnection: close\nContent-Disposition: inline; \
         filename=head.txt\nContent-Length: 0\n\n";
    const UNSURE: &str =
        "it is not clear what to do with the part that is there; a later curl refuses both";
    compare(&[
        ("-O -J ~/named", Same),
        ("-OJ ~/named", Same),
        ("-J ~/named", Same),
        ("-J -o file ~/named", Same),
        ("-OJ ~/hello", Same),
        ("-OJ ~/old", Same),
        ("-OJ --clobber ~/old", Same),
        ("-OJ --no-clobber ~/old", Same),
        ("-OJ --output-dir folder ~/named", Same),
        ("-OJ --output-dir new --create-dirs ~/named", Same),
        ("-OJ --output-dir new ~/named", Same),
        ("-OJ -R ~/named", Same),
        ("-OJ -D heads ~/named", Same),
        ("-OJ -D - ~/named", Same),
        ("-J --remote-name-all ~/named ~/hello", Same),
        ("-OJ -f ~/nowhere", Same),
        ("-OJ ~/nowhere", Same),
        ("-OJ -i ~/named", Ours(HEADS, 0, "", &[("named.txt", NAMED)])),
        ("-OJ -I ~/head", Ours(HEADS, 0, "", &[("head.txt", HEAD)])),
        ("-OJ -C - ~/named", Same),
        ("-O -C - --no-clobber ~/hello", Ours(UNSURE, 2, "", &[])),
        ("-O -C - --remove-on-error ~/hello", Ours(UNSURE, 2, "", &[])),
        ("-OJ -w %{filename_effective} ~/named", Same),
        ("-OJ -w %{filename_effective} --no-clobber ~/old", Same),
        ("-OJ ~/", Same),
    ]);
}

#[test]
fn where_messages_go() {
    const ALL: &str = "all that is written to stderr goes there, also by -w and -D";
    const HEAD: &str = "HTTP/1.1 200 OK\nConnection: close\nContent-Length: 0\n\n";
    const PLACED: &str = "a file of messages that cannot be written is an error";
    compare(&[
        ("--stderr messages ~/hello", Same),
        ("--stderr messages -s ~/hello", Same),
        ("--stderr messages -w %{stderr}x ~/hello", Ours(ALL, 0, "hello", &[("messages", "x")])),
        ("--stderr - -w %{stderr}%{http_code} ~/hello", Ours(ALL, 0, "hello200", &[])),
        ("--stderr - -w a%{stderr}b%{stdout}c ~/hello", Ours(ALL, 0, "helloabc", &[])),
        ("--stderr old -w %{stderr}x ~/hello", Ours(ALL, 0, "hello", &[("old", "x")])),
        ("-D % --stderr - ~/empty", Ours(ALL, 0, HEAD, &[])),
        ("--stderr folder ~/hello", Ours(PLACED, 23, "", &[])),
    ]);
}

#[test]
fn what_is_told_about_a_transfer() {
    const LATER: &str = "a later curl has it";
    const REFUSED: &str = "a name that is not known is an error";
    const LOST: &str = "a text that is lost is an error";
    compare(&[
        ("-w %header{last-modified} ~/hello", Same),
        ("-w %header{Content-Length}%header{x}. ~/hello", Same),
        ("-w %header{location} -L ~/moved", Same),
        ("-w %header{location} ~/moved", Same),
        ("-w %header{ ~/hello", Ours(REFUSED, 2, "", &[])),
        ("-w %header{set-cookie:all:;} ~/cookies", Ours(LATER, 0, "hello/a=1;b=2", &[])),
        ("-w %header{set-cookie} ~/cookies", Same),
        ("-w %header{location:all:} -L ~/moved", Ours(LATER, 0, "hello/hello", &[])),
        ("-w %{header_json} -o file ~/hello", Same),
        ("-w a%{onerror}b ~/hello", Same),
        ("-w a%{onerror}b -f ~/nowhere", Same),
        ("-w a%{onerror}%{exitcode} http://127.0.0.1:1/", Same),
        ("-w a%{stderr}b%{stdout}c ~/hello", Same),
        ("-w %{time_appconnect} ~/hello", Same),
        ("-w %{time_appconnect}%{time_redirect}%{time_connect} http://127.0.0.1:1/", Same),
        ("-w %{time_starttransfer}%{time_pretransfer} http://127.0.0.1:1/", Same),
        ("-w %{ssl_verify_result}%{proxy_ssl_verify_result}%{num_certs}|%{certs}| ~/hello", Same),
        ("-w %{http_connect}|%{ftp_entry_path}| ~/hello", Same),
        ("-w %{size_header},%{num_headers},%{num_redirects} -L ~/moved", Same),
        ("-w %{size_download},%{size_upload} -L ~/moved", Same),
        ("-w %{filename_effective} -O ~/hello", Same),
        ("-w %{filename_effective} --output-dir folder -O ~/hello", Same),
        ("-w %{filename_effective} --no-clobber -o old ~/hello", Same),
        ("-w %{filename_effective}|%{urlnum}| ~/hello -o file ~/hello", Same),
        ("-w %{urlnum}%{method}%{http_version} ~/hello ~/big ~/hello -o a -o b", Same),
        ("-w %{local_ip}%{remote_ip}%{scheme} ~/hello", Same),
        ("-w %{local_ip}|%{local_port}|%{remote_port} http://127.0.0.1:1/", Same),
        ("-w %{errormsg}|%{exitcode} ~/hello", Same),
        ("-w %{json}%{nonsense} ~/hello", Ours(REFUSED, 2, "", &[])),
        ("-w %output{file}%{http_code} ~/hello", Ours(LATER, 0, "hello", &[("file", "200")])),
        ("-w %output{old}x%{stdout}y ~/hello", Ours(LATER, 0, "helloy", &[("old", "x")])),
        ("-w %output{>>old}x ~/hello", Ours(LATER, 0, "hello", &[("old", "what was therex")])),
        (
            "-w %output{>>new}%{http_code}; ~/hello ~/nowhere",
            Ours(LATER, 0, "hellolost", &[("new", "200;404;")]),
        ),
        ("-w %output{no/file}x ~/hello", Ours(LOST, 23, "hello", &[])),
        (
            "-w %{url.host}%{url.path}?%{url.query} ~/hello?a",
            Ours(LATER, 0, "hello127.0.0.1/hello?a", &[]),
        ),
        ("-w %{urle.path}#%{urle.fragment} -L ~/moved#x", Ours(LATER, 0, "hello/hello#x", &[])),
        (
            "-w %{num_retries}%{proxy_used}%{time_queue} ~/hello",
            Ours(LATER, 0, "hello000.000000", &[]),
        ),
        ("-w %{conn_id}%{xfer_id} ~/hello ~/hello", Ours(LATER, 0, "hello00hello11", &[])),
        ("-w %{conn_id} http://127.0.0.1:1/", Ours(LATER, 7, "-1", &[])),
        ("-w %{size_delivered} -o file ~/hello", Ours(LATER, 0, "5", &[("file", "hello")])),
        ("-w %{url.password}%{url.user} ~/hello", Ours(LATER, 0, "hello", &[])),
    ]);
}
