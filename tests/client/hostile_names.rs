//! `-OJ` against servers that suggest names to do harm with: each in a folder of its own, beside a file that is not to
//! be touched, and beside curl. bwrap sees to it that nothing else can be.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::fake::Fake;
use crate::support::{Finished, Folder, confined, needs, run};

/// What a row says of a name.
type Row = (&'static [u8], &'static str, &'static str);

/// The file of a transfer that replaces nothing.
const REFUSED: &str = "";

/// What follows `Content-Disposition: `, the file that we write (empty: error 23, and none), and that of curl 7.88. The
/// path of the URL ends in `url.txt`.
const NAMES: &[Row] = &[
    (b"attachment; filename=plain.txt", "plain.txt", "plain.txt"),
    // Paths.
    (b"attachment; filename=\"../outside\"", "outside", "outside"),
    (b"attachment; filename=\"../../../../../../../../etc/passwd\"", "passwd", "passwd"),
    (b"attachment; filename=\"/etc/cron.d/evil\"", "evil", "evil"),
    (b"attachment; filename=\"sub/new.txt\"", "new.txt", "new.txt"),
    (b"attachment; filename=\"./x.txt\"", "x.txt", "x.txt"),
    (b"attachment; filename=\"C:\\Windows\\evil.dll\"", "evil.dll", "evil.dll"),
    (b"attachment; filename=\"..\\..\\evil.dll\"", "evil.dll", "evil.dll"),
    (b"attachment; filename=\"..\\\\..\\\\evil.dll\"", "evil.dll", "evil.dll"),
    (b"attachment; filename=\"\\\\\\\\host\\\\share\\\\x.txt\"", "x.txt", "x.txt"),
    (b"attachment; filename*=UTF-8''..%2F..%2Fx.txt", "x.txt", "url.txt"),
    (b"attachment; filename*=UTF-8''..%5C..%5Cx.txt", "x.txt", "url.txt"),
    (b"attachment; filename*=UTF-8''%2Fetc%2Fpasswd", "passwd", "url.txt"),
    (b"attachment; filename=..%2Foutside", "_.%2Foutside", "..%2Foutside"),
    // Names that are no files.
    (b"attachment; filename=\"..\"", "url.txt", ""),
    (b"attachment; filename=\".\"", "url.txt", ""),
    (b"attachment; filename=\"...\"", "url.txt", "..."),
    (b"attachment; filename=\"/\"", "url.txt", "url.txt"),
    (b"attachment; filename=\"a/..\"", "url.txt", ""),
    (b"attachment; filename=\"a/\"", "url.txt", "url.txt"),
    (b"attachment; filename=\"\"", "url.txt", ""),
    (b"attachment; filename=", "url.txt", ""),
    (b"attachment; filename=\"   \"", "url.txt", "   "),
    // Names that a program reads, or takes for something else.
    (b"attachment; filename=.bashrc", "_bashrc", ".bashrc"),
    (
        b"attachment; filename=\"/home/ada/.ssh/authorized_keys\"",
        "authorized_keys",
        "authorized_keys",
    ),
    (b"attachment; filename=\"/home/ada/.profile\"", "_profile", ".profile"),
    (b"attachment; filename=\"-rf\"", "_rf", "-rf"),
    (b"attachment; filename=\"~\"", "_", "~"),
    (b"attachment; filename=\"~root\"", "_root", "~root"),
    (b"attachment; filename=CON", "CON", "CON"),
    (b"attachment; filename=\"NUL.txt\"", "NUL.txt", "NUL.txt"),
    (b"attachment; filename=\"a.txt:stream\"", "a.txt:stream", "a.txt:stream"),
    (
        b"attachment; filename=\"$(touch x);`touch y`|*.txt\"",
        "$(touch x);`touch y`|*.txt",
        "$(touch x);`touch y`|*.txt",
    ),
    // Characters that are not seen, or control a terminal.
    (b"attachment; filename*=UTF-8''a%00.txt", "a_.txt", "url.txt"),
    (b"attachment; filename*=UTF-8''%0a%0d%1b%5b2J.txt", "_[2J.txt", "url.txt"),
    (b"attachment; filename=\"a\tb.txt\"", "a_b.txt", "a\tb.txt"),
    (b"attachment; filename=\"a\xc2\x9b2J.txt\"", "a_2J.txt", "a\u{9b}2J.txt"),
    (b"attachment; filename=\"a\xe2\x80\xaegpj.exe\"", "a_gpj.exe", "a\u{202e}gpj.exe"),
    (b"attachment; filename=\"a.exe.\"", "a.exe", "a.exe."),
    (b"attachment; filename=\"a.exe   \"", "a.exe", "a.exe   "),
    (b"attachment; filename=\"   a.exe\"", "a.exe", "   a.exe"),
    // Encodings.
    (b"attachment; filename=\"\xc3\xbc.txt\"", "\u{fc}.txt", "\u{fc}.txt"),
    (b"attachment; filename=\"\xfc.txt\"", "\u{fc}.txt", "\\xfc.txt"),
    (b"attachment; filename=\"\xff\xfe\"", "\u{ff}\u{fe}", "\\xff\\xfe"),
    (b"attachment; filename=a.txt; filename*=UTF-8''%c3%bc.txt", "\u{fc}.txt", "a.txt"),
    (b"attachment; filename*=UTF-8''%c3%bc.txt; filename=a.txt", "\u{fc}.txt", "a.txt"),
    (b"attachment; filename*=iso-8859-1'en'%fc.txt", "\u{fc}.txt", "url.txt"),
    (b"attachment; filename*=UTF-8''%ff%fe; filename=a.txt", "a.txt", "a.txt"),
    (b"attachment; filename*=UTF-8''%; filename=a.txt", "a.txt", "a.txt"),
    (b"attachment; filename*=UTF-7''+AC8-x; filename=a.txt", "a.txt", "a.txt"),
    (b"attachment; filename*=UTF-8''%ff", "url.txt", "url.txt"),
    (
        b"attachment; filename=\"=?UTF-8?B?Li4vLi4veA==?=\"",
        "=?UTF-8?B?Li4vLi4veA==?=",
        "=?UTF-8?B?Li4vLi4veA==?=",
    ),
    (b"attachment; filename*0=\"../\"; filename*1=\"x\"", "url.txt", "url.txt"),
    // Quotes.
    (b"attachment; filename=\"a\\\"b.txt\"", "a\"b.txt", "url.txt"),
    (b"attachment; filename=\"a", "url.txt", "a"),
    (b"attachment; filename=\"a; filename*=UTF-8''../x", "url.txt", "x"),
    (b"attachment; filename='a.txt'", "'a.txt'", "a.txt"),
    (b"attachment; name=\"; filename=x\"", "url.txt", "x\""),
    (b"attachment; filename=a.txt; filename=../b.txt", "url.txt", "a.txt"),
    (b"filename=a.txt", "a.txt", "a.txt"),
    // What is there stays.
    (b"attachment; filename=there.txt", REFUSED, REFUSED),
    (b"attachment; filename=\"../in/there.txt\"", REFUSED, REFUSED),
    (b"attachment; filename=link", REFUSED, REFUSED),
    (b"attachment; filename=to-nothing", REFUSED, REFUSED),
    (b"attachment; filename=sub", REFUSED, REFUSED),
    (b"attachment; filename=there.txt.", REFUSED, "there.txt."),
];

/// A folder with the folder `in` that the programs work in, and what they are not to touch.
fn place() -> Folder {
    let folder = Folder::with(&[
        ("outside", "not to be touched"),
        ("in/there.txt", "not to be touched"),
        ("in/sub/inside", "not to be touched"),
    ]);
    symlink("../outside", folder.join("in/link")).expect("a link");
    symlink("../new", folder.join("in/to-nothing")).expect("a link");
    folder
}

/// All that is below a folder: files with their content, links with what they lead to.
fn all(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut left = vec![folder.to_owned()];
    while let Some(at) = left.pop() {
        for entry in fs::read_dir(&at).expect("a folder") {
            let path = entry.expect("an entry").path();
            let about = fs::symlink_metadata(&path).expect("it is there");
            let name = path.strip_prefix(folder).expect("it is below");
            let name = name.as_os_str().as_encoded_bytes().escape_invalid();
            let content = match about.is_symlink() {
                true => fs::read_link(&path).expect("a link").display().to_string(),
                false if about.is_dir() => {
                    left.push(path);
                    continue;
                }
                false => String::from_utf8_lossy(&fs::read(&path).expect("ours")).into_owned(),
            };
            found.insert(name, content);
        }
    }
    found
}

/// Text, in which bytes that are not UTF-8 are `\xff`.
trait EscapeInvalid {
    fn escape_invalid(&self) -> String;
}

impl EscapeInvalid for [u8] {
    fn escape_invalid(&self) -> String {
        let mut text = String::new();
        for chunk in self.utf8_chunks() {
            text.push_str(chunk.valid());
            chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
        }
        text
    }
}

/// Lets a program fetch this field; returns the name of the file that is new, if there is one.
fn new_file(program: &str, args: &[&str], field: &[u8]) -> Option<(String, Finished)> {
    let head = [b"HTTP/1.1 200 OK\r\nContent-Disposition: ", field, b"\r\n"].concat();
    let server = Fake::saying([&head[..], b"Content-Length: 4\r\n\r\nevil"].concat());
    let folder = place();
    let before = all(folder.path());
    let mut command = confined(folder.path(), program)?;
    command.args(args).arg(server.url("/url.txt")).current_dir(folder.join("in"));
    let finished = run(command.env("HOME", folder.join("in")), b"");
    let after = all(folder.path());
    let shown = field.escape_invalid();
    for (name, content) in &before {
        assert_eq!(after.get(name), Some(content), "{program}, {shown}: {name} is another");
    }
    let mut new = after.iter().filter(|(name, _)| !before.contains_key(*name));
    let name = new.next().map(|(name, content)| {
        assert_eq!(content, "evil", "{program}, {shown}");
        name.strip_prefix("in/").unwrap_or_else(|| panic!("{program}, {shown}: {name}")).to_owned()
    });
    assert!(new.next().is_none(), "{program}, {shown}: two files");
    Some((name.unwrap_or_default(), finished))
}

#[test]
fn no_name_does_harm() {
    assert!(NAMES.len() >= 40);
    let mut differ = Vec::new();
    for (field, ours, _) in NAMES {
        let Some((name, finished)) =
            new_file(env!("CARGO_BIN_EXE_client"), &["-s", "-S", "-OJ"], field)
        else {
            return;
        };
        let shown = field.escape_invalid();
        if name != *ours {
            differ.push(format!("{shown}: {name:?}, not {ours:?}: {}", finished.stderr));
        } else if ours.is_empty() {
            finished.failed(23, &shown);
        } else {
            assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{shown}");
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// What curl makes of them: where we differ, ours is the safer one, or knows an RFC more. A later curl that comes to see
/// it as we do is welcome.
#[test]
fn what_curl_makes_of_the_names() {
    if !needs("curl") {
        return;
    }
    let mut differ = Vec::new();
    for (field, ours, curls) in NAMES {
        let args = ["-q", "-sS", "--noproxy", "*", "-m", "9", "-OJ"];
        let Some((name, finished)) = new_file("curl", &args, field) else { return };
        if ![*curls, *ours].contains(&name.as_str()) {
            differ.push(format!("{}: {name:?}: {}", field.escape_invalid(), finished.stderr));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// With `--clobber` a server may replace a file, but not what a link leads to.
#[test]
fn a_name_that_is_asked_to_replace_stays_in_the_folder() {
    for (name, want) in
        [("there.txt", Some("in/there.txt")), ("link", None), ("to-nothing", None), ("sub", None)]
    {
        let folder = place();
        let server = Fake::saying(format!(
            "HTTP/1.1 200 OK\r\nContent-Disposition: inline; filename={name}\r\nContent-Length: 4\r\n\r\nevil"
        ));
        let before = all(folder.path());
        let Some(mut command) = confined(folder.path(), env!("CARGO_BIN_EXE_client")) else {
            return;
        };
        command.args(["-OJ", "--clobber"]).arg(server.url("/x")).current_dir(folder.join("in"));
        let finished = run(&mut command, b"");
        let after = all(folder.path());
        let changed: Vec<&String> =
            after.keys().filter(|name| before.get(*name) != after.get(*name)).collect();
        assert_eq!(changed, Vec::from_iter(want), "{name}: {}", finished.stderr);
        assert_eq!(finished.code, Some(if want.is_some() { 0 } else { 23 }), "{name}");
    }
}
