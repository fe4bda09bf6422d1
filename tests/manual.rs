//! Checks the manual against the programs. A block marked `console replay` is repeated: the shell runs
//! its commands, nc sends its requests, and the client gets its responses.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::support::{Folder, PATIENCE, Program, Server, needs, root};

/// The address of `nc -l` in the manual.
const LISTENER: &str = "127.0.0.1:8081";

#[test]
fn the_transcripts_of_by_hand_are_reproduced() {
    if !["nc", "ncat"].into_iter().all(needs) {
        return;
    }
    let server = Server::start(&["--udp", "127.0.0.1:0"]);
    let port = server.address().port();
    let (_, udp) = server.ready.split_once("udp://127.0.0.1:").unwrap();
    let udp = udp.split(' ').next().unwrap();
    let blocks = blocks("by_hand.md", "console replay");
    let mut blocks = blocks.iter().map(String::as_str);
    let mut done = 0;
    while let Some(block) = blocks.next() {
        let (command, shown) = block.split_once('\n').unwrap();
        let command = command.strip_prefix("$ ").unwrap();
        if command == "nc 127.0.0.1 8080" {
            type_at_nc(port, shown);
        } else if command.starts_with("nc -l ") {
            answer_by_hand(shown, blocks.next().expect("the client's side"));
        } else {
            let command = command.replace("127.0.0.1 8080", &format!("127.0.0.1 {port}"));
            let command = command.replace("127.0.0.1 9000", &format!("127.0.0.1 {udp}"));
            assert_eq!(masked(&shell(&command)), masked(shown), "{command}");
        }
        done += 1;
    }
    assert!(done >= 15, "{done} of the blocks were found");
}

/// Types the requests of a session, each of them after the response to the previous one has arrived.
fn type_at_nc(port: u16, session: &str) {
    let port = port.to_string();
    let (nc, mut stdin) = Program::typing(Command::new("nc").args(["127.0.0.1", port.as_str()]));
    let (mut rest, mut expected) = (session, String::new());
    while let Some(at) = rest.find("HTTP/1.1 ").filter(|_| !rest.starts_with('^')) {
        // The version in the request line has no space after it.
        let (request, answers) = rest.split_at(at);
        let answer = one_answer(answers, request.starts_with("HEAD "));
        stdin.write_all(request.as_bytes()).unwrap();
        expected.push_str(&masked(answer));
        let said = nc.stdout.until(|said| masked(said).len() >= expected.len());
        assert_eq!(masked(&said), expected, "after {request:?}");
        rest = answers[answer.len()..].trim_start_matches('\n');
    }
    assert!(!expected.is_empty() && matches!(rest, "" | "^C\n"), "not understood: {rest:?}");
}

/// Returns the first response in a text. Its length is found as a client finds it.
fn one_answer(text: &str, to_head: bool) -> &str {
    let head = text.find("\n\n").unwrap() + 2;
    let length = text[..head].lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let bodiless = to_head || text.starts_with("HTTP/1.1 304 ");
    let length: usize = if bodiless { 0 } else { length.unwrap().parse().unwrap() };
    &text[..head + length]
}

/// Acts as the server: compares what arrives, sends what was typed, and closes the connection.
fn answer_by_hand(session: &str, client: &str) {
    let (command, shown) = client.split_once('\n').unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let command = command
        .strip_prefix("$ ")
        .unwrap()
        .replace("target/release/client", env!("CARGO_BIN_EXE_client"))
        .replace(LISTENER, &address);
    let (request, typed) = session.split_at(session.find("\n\n").unwrap() + 2);
    let (request, typed) = (masked(request), typed.trim_end_matches("^C\n").to_owned());
    let there = address.clone();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut got = Vec::new();
        while !got.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            got.extend(byte);
        }
        assert_eq!(masked(&String::from_utf8(got).unwrap()).replace(&there, LISTENER), request);
        stream.write_all(typed.as_bytes()).unwrap();
    });
    let said = masked(&shell(&command)).replace(&address, LISTENER);
    let port = address.rsplit(':').next().unwrap();
    assert_eq!(said.replace(&format!("port {port}"), "port 8081"), masked(shown), "{command}");
    server.join().unwrap();
}

/// The page about names: its zone, and what `client dns` shows of it.
#[test]
fn the_zone_of_the_page_is_answered_as_it_shows() {
    let (blocks, folder) = (blocks("names.md", "text"), Folder::new());
    let zone = folder.join("lab.zone");
    fs::write(&zone, &blocks[0]).unwrap();
    let args = ["--dns", "127.0.0.1:0", "--zone", zone.to_str().unwrap()];
    let server = Server::start(&args);
    let address = server.ready.split(' ').find_map(|word| word.strip_prefix("dns://")).unwrap();
    let masked = |text: &str| {
        let mask = |line: &str| match (line.split_once("id: "), line.starts_with(";; Query time")) {
            (Some((before, _)), _) => format!("{before}id\n"),
            (None, true) => "time\n".to_owned(),
            (None, false) => format!("{}\n", line.replace(address, "127.0.0.1:5300")),
        };
        text.lines().map(mask).collect::<String>()
    };
    let mut done = 0;
    for block in &blocks {
        for command in block.split("$ ").filter(|it| it.starts_with("target/release/client dns ")) {
            let (command, shown) = command.split_once('\n').unwrap();
            let command = command
                .replace("target/release/client", env!("CARGO_BIN_EXE_client"))
                .replace("127.0.0.1:5300", address);
            assert_eq!(masked(&shell(&command)), masked(shown), "{command}");
            done += 1;
        }
    }
    assert_eq!(done, 3);
}

/// The first circle of readers: ten stops, from `accept` to the response and into the lobby, an afternoon
/// long. Lines are counted to the tests at the end of a file.
#[test]
fn the_ten_stops_exist_and_fit_into_an_afternoon() {
    let page = fs::read_to_string(root().join("src/manual/coursework.md")).unwrap();
    let (_, section) = page.split_once("# Through the source in ten stops").unwrap();
    let rows = section.split("\n# ").next().unwrap().lines();
    let rows = rows.filter(|line| line.starts_with("| ") && line.contains(".rs`"));
    let (mut files, mut lines) = (Vec::new(), 0);
    for row in rows {
        let cells: Vec<&str> = row.split(" | ").collect();
        let spans = |cell: usize| cells[cell].split('`').skip(1).step_by(2);
        let file = spans(1).next().unwrap();
        let path = root().join("src").join(file);
        let source = fs::read_to_string(path).unwrap_or_else(|error| panic!("{file}: {error}"));
        let product = source.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
        assert!(spans(2).count() > 0, "{file}: the stop names a function");
        for name in spans(2) {
            let is_there =
                ["(", "<"].iter().any(|next| product.contains(&format!("fn {name}{next}")));
            assert!(is_there, "{file} has no function {name}");
        }
        lines += product.lines().count();
        files.push(file);
    }
    assert_eq!(files.len(), 10, "{files:?}");
    assert!(files.iter().any(|file| file.starts_with("net/lobby/")), "{files:?}");
    assert!(lines <= 2_500, "the ten stops have {lines} lines: {files:?}");
}

/// The page about the Rust Book: each block that begins with the name of a file is in that file.
#[test]
fn the_lines_that_the_bridge_quotes_are_in_the_source() {
    let mut quoted = blocks("from_the_book.md", "text");
    quoted.retain(|block| block.starts_with("// "));
    assert!(quoted.len() >= 8, "{} blocks", quoted.len());
    for block in quoted {
        let (file, lines) = block.split_once('\n').unwrap();
        let file = file.strip_prefix("// ").unwrap();
        let unindented =
            |text: &str| text.lines().map(|line| line.trim().to_owned() + "\n").collect();
        let source: String = unindented(&fs::read_to_string(root().join(file)).unwrap());
        let lines: String = unindented(lines);
        assert!(source.contains(&lines), "{file} does not have these lines:\n{lines}");
    }
    let page = fs::read_to_string(root().join("src/manual/from_the_book.md")).unwrap();
    assert!(page.lines().count() <= 150);
}

#[test]
fn the_demo_passes_and_fits_on_a_page() {
    let (code, said) = script("bin/demo.sh", &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.lines().count() <= 60, "it fits on a page: {said}");
    assert!(!said.contains('\x1b'), "no colours but on a terminal: {said}");
}

/// Each row of the glossary names a file below `src`, and what to look for in it.
#[test]
fn the_glossary_is_short_and_its_places_exist() {
    let page = fs::read_to_string(root().join("src/manual/glossary.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!((15..=25).contains(&rows.len()), "{} words", rows.len());
    for row in rows {
        let (_, place) = row.strip_suffix(" |").unwrap().rsplit_once(" | ").unwrap();
        let mut names = place.split('`').skip(1).step_by(2);
        let file = names.next().expect("a file");
        let source = fs::read_to_string(root().join("src").join(file));
        let source = source.unwrap_or_else(|error| panic!("{file}: {error}"));
        for name in names {
            let mut words = source.split(|char: char| !char.is_alphanumeric() && char != '_');
            assert!(words.any(|word| word == name), "src/{file} does not contain {name}");
        }
    }
}

#[test]
fn scripts_are_clean() {
    if needs("shellcheck") {
        let folder = fs::read_dir(root().join("bin/labs")).unwrap();
        let labs = folder.map(|entry| entry.unwrap().path());
        let output = Command::new("shellcheck")
            .args(["-x", "bin/demo.sh"])
            .args(labs)
            .current_dir(root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// Runs a script with the programs under test, and returns its exit code and what it writes to stdout and stderr. The
/// waits in the script are bounded.
pub(crate) fn script(name: &str, args: &[String]) -> (Option<i32>, String) {
    let programs = Path::new(env!("CARGO_BIN_EXE_server")).parent().unwrap();
    let mut command = Command::new("sh");
    command.arg(root().join(name)).arg(programs).args(args).env_remove("RUST_LOG");
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// Returns what a command writes to stdout and stderr.
fn shell(command: &str) -> String {
    let both = format!("{{ {command}; }} 2>&1");
    let output = Command::new("sh").args(["-c", &both]).env_remove("RUST_LOG").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the fenced blocks of a page that have this info string.
pub(crate) fn blocks(page: &str, info: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("src/manual").join(page)).unwrap();
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(opened) = line.strip_prefix("```") {
            let inside = lines.by_ref().take_while(|line| *line != "```");
            let block: String = inside.map(|line| format!("{line}\n")).collect();
            if opened == info {
                found.push(block);
            }
        }
    }
    found
}

/// Removes CR, which a terminal does not show, and masks dates, times and versions.
fn masked(text: &str) -> String {
    let mask = |line: &str| {
        let visible = line.replace('\r', "");
        if visible.starts_with("Date: ") {
            // cat -e marks the end.
            let end = if visible.ends_with("^M$\n") { "^M$\n" } else { "\n" };
            return format!("Date: (now){end}");
        }
        if visible.starts_with("Server-Timing: ") {
            let end = if visible.ends_with("^M$\n") { "^M$\n" } else { "\n" };
            return format!("Server-Timing: (times){end}");
        }
        visible.replace(concat!("threadbare/", env!("CARGO_PKG_VERSION")), "threadbare/(version)")
    };
    text.split_inclusive('\n').map(mask).collect()
}
