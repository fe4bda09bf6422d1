//! `/users`: what each request is answered, and that nothing acknowledged is ever lost.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use crate::support::{
    Folder, Server, Wire, eventually, masked, needs, run, server_command, skipped,
};

pub const ADA: &str = r#"{"name":"Ada Lovelace","email":"ada@example.org"}"#;

/// A server that keeps its users in this folder.
pub fn keeping(folder: &Folder) -> Server {
    Server::start(&["--access-log", "off", "--data", &folder.path().to_string_lossy()])
}

/// A request on a connection of its own, as `status body`.
pub fn ask(server: &Server, request: &str, fields: &str, body: &str) -> String {
    let answer = send(&mut server.connect(), request, fields, body);
    format!("{} {}", answer.0, answer.1)
}

fn send(wire: &mut Wire, request: &str, fields: &str, body: &str) -> (u16, String) {
    let length = body.len();
    let head = format!("{request} HTTP/1.1\r\nHost: a\r\n{fields}Content-Length: {length}\r\n\r\n");
    let answer = wire.send(head + body).answer();
    (answer.status(), answer.text())
}

pub const JSON: &str = "Content-Type: application/json\r\n";
pub const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

#[test]
fn a_user_is_created_to_the_byte() {
    let folder = Folder::new();
    let server = keeping(&folder);
    let body = r#"{"name":"FirstName LastName","email":"bsmth@example.com"}"#;
    let request = format!(
        "POST /users HTTP/1.1\r\nHost: example.com\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(
        server.exchange(request),
        "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nLocation: /users/1\r\n\
         ETag: \"f059eb721a5d7aa0\"\r\nVary: Accept\r\nDate: (now)\r\nServer: threadbare/(version)\r\n\
         Server-Timing: (times)\r\nContent-Length: 120\r\nConnection: close\r\n\r\n\
         {\"message\":\"New user created\",\"user\":{\"id\":1,\"firstName\":\"FirstName\",\
         \"lastName\":\"LastName\",\"email\":\"bsmth@example.com\"}}"
    );
    let stored = fs::read_to_string(folder.join("users/1.json")).expect("a person can read it");
    assert!(stored.contains("FirstName"), "{stored}");
}

#[test]
fn a_user_is_shown_replaced_and_deleted() {
    let folder = Folder::new();
    let server = keeping(&folder);
    let ada = r#"{"id":1,"firstName":"Ada","lastName":"Lovelace","email":"ada@example.org"}"#;
    let bob = r#"{"id":1,"firstName":"Bob","lastName":"","email":"bob@example.org"}"#;
    let new = r#"{"name":"Bob","email":"bob@example.org"}"#;
    let ask = |request, fields, body| ask(&server, request, fields, body);
    assert_eq!(
        ask("POST /users", JSON, ADA),
        format!("201 {{\"message\":\"New user created\",\"user\":{ada}}}")
    );
    assert_eq!(ask("GET /users/1", "", ""), format!("200 {ada}"));
    assert_eq!(ask("GET /users", "", ""), format!("200 {{\"users\":[{ada}]}}"));
    assert_eq!(
        ask("PUT /users/1", JSON, new),
        format!("200 {{\"message\":\"User replaced\",\"user\":{bob}}}")
    );
    assert_eq!(
        ask("PUT /users/1", JSON, ada),
        format!("200 {{\"message\":\"User replaced\",\"user\":{ada}}}")
    );
    assert_eq!(ask("DELETE /users/1", "", ""), "204 ");
    for request in
        ["GET /users/1", "DELETE /users/1", "GET /users/0", "GET /users/01", "GET /users/x"]
    {
        assert!(
            ask(request, "", "").starts_with("404 {\"error\":\"this user does not exist\""),
            "{request}"
        );
    }
    assert!(ask("PUT /users/1", JSON, ADA).starts_with("404 "));
    assert!(ask("POST /users", JSON, ADA).contains("\"id\":2"), "ids are not handed out again");
    assert_eq!(server.get("/users/2").field("ETag").map(str::len), Some(18));
}

#[test]
fn head_is_get_without_the_body() {
    let folder = Folder::new();
    let server = keeping(&folder);
    ask(&server, "POST /users", JSON, ADA);
    let get = server.get("/users/1");
    let head = server
        .connect()
        .send("HEAD /users/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .rest();
    assert_eq!(masked(&head), masked(get.head.as_bytes()));
}

#[test]
fn bytes_that_are_no_utf_8_are_no_user() {
    let folder = Folder::new();
    let server = keeping(&folder);
    for (fields, body, want) in [
        (FORM, &b"name=A\xff&email=a@b"[..], "the form is not UTF-8"),
        (JSON, b"{\"name\":\"A\xff\",\"email\":\"a@b\"}", "the body is not JSON: invalid unicode"),
    ] {
        let length = body.len();
        let head =
            format!("POST /users HTTP/1.1\r\nHost: a\r\n{fields}Content-Length: {length}\r\n\r\n");
        let answer = server.connect().send([head.as_bytes(), body].concat()).answer();
        assert_eq!(answer.status(), 400);
        assert!(answer.text().contains(want), "{}", answer.text());
    }
}

#[test]
fn a_data_folder_that_is_removed_is_no_empty_one() {
    let folder = Folder::new();
    let server = keeping(&folder);
    ask(&server, "POST /users", JSON, ADA);
    fs::remove_dir_all(folder.join("users")).unwrap();
    for request in ["GET /users", "GET /users/1", "PUT /users/1", "DELETE /users/1", "POST /users"]
    {
        let body = if request.starts_with('P') { ADA } else { "" };
        let got = ask(&server, request, JSON, body);
        assert!(got.starts_with("500 "), "{request}: {got}");
        server.stderr_until(|text| text.contains(&format!("ERROR: {request}: ")));
    }
    assert_eq!(server.get("/-/health").status(), 200);
}

#[test]
fn a_change_of_something_else_is_refused() {
    let folder = Folder::new();
    let server = keeping(&folder);
    ask(&server, "POST /users", JSON, ADA);
    let tag = |server: &Server| server.get("/users/1").field("ETag").expect("a tag").to_owned();
    let first = tag(&server);
    let with = |tags: &str| format!("{JSON}If-Match: {tags}\r\n");
    let bob = r#"{"name":"Bob","email":"bob@example.org"}"#;
    assert!(ask(&server, "PUT /users/1", &with("\"x\""), bob).starts_with("412 "));
    assert!(
        ask(&server, "PUT /users/1", &with(&format!("\"x\", {first}")), bob).starts_with("200 ")
    );
    assert_ne!(tag(&server), first);
    assert!(
        ask(&server, "PUT /users/1", &with(&first), ADA).starts_with("412 "),
        "changed meanwhile"
    );
    assert!(ask(&server, "DELETE /users/1", &with(&first), "").starts_with("412 "));
    assert!(
        ask(&server, "DELETE /users/1", &with(&format!("W/{}", tag(&server))), "")
            .starts_with("412 "),
        "weak"
    );
    assert!(ask(&server, "DELETE /users/1", &with("*"), "").starts_with("204 "));
    assert!(ask(&server, "DELETE /users/1", &with("*"), "").starts_with("404 "));
}

#[test]
fn what_is_known_is_not_sent_again() {
    let folder = Folder::new();
    let server = keeping(&folder);
    ask(&server, "POST /users", JSON, ADA);
    let tag = server.get("/users/1").field("ETag").expect("a tag").to_owned();
    for (field, status) in [
        (format!("If-None-Match: {tag}"), 304),
        (format!("If-None-Match: \"x\", W/{tag}"), 304),
        ("If-None-Match: *".to_owned(), 304),
        ("If-None-Match: \"x\"".to_owned(), 200),
        (format!("If-Match: {tag}"), 200),
        ("If-Match: \"x\"".to_owned(), 412),
    ] {
        let answer = server
            .connect()
            .send(format!("GET /users/1 HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n"))
            .answer();
        assert_eq!(answer.status(), status, "{field}");
        assert!(status != 304 || answer.field("ETag") == Some(&tag), "{field}");
    }
    let only_new = format!("{JSON}If-None-Match: *\r\n");
    assert!(ask(&server, "PUT /users/1", &only_new, ADA).starts_with("412 "), "it is there");
    assert!(ask(&server, "DELETE /users/1", &only_new, "").starts_with("412 "));
}

#[test]
fn what_is_no_user_is_refused_and_why() {
    let folder = Folder::new();
    let server = keeping(&folder);
    let deep = "[".repeat(60_000);
    for (fields, body, want) in [
        (
            JSON,
            r#"{"name":"Ada""#,
            "400 {\"error\":\"the body is not JSON: EOF while parsing an object at line 1 column 13\"",
        ),
        (JSON, "", "400 {\"error\":\"the body is not JSON: EOF"),
        (
            JSON,
            "\n\n  nonsense",
            "400 {\"error\":\"the body is not JSON: expected ident at line 3 column 4\"",
        ),
        (JSON, &deep, "400 {\"error\":\"the body is not JSON: recursion limit exceeded"),
        (
            JSON,
            r#"{"name":"Ada","x":[{"name":"name"}],"na\u006de":"Bob","email":"a@b"}"#,
            "400 {\"error\":\"the body has the member name twice\",\"rule\":\"RFC 8259, 4\"",
        ),
        (JSON, "[]", "422 {\"error\":\"the body is not a JSON object"),
        (JSON, "{}", "422 {\"error\":\"name is missing\""),
        (JSON, r#"{"name":"Ada"}"#, "422 {\"error\":\"email is missing\""),
        (JSON, r#"{"name":["Ada"],"email":"a@b"}"#, "422 {\"error\":\"name is not a string\""),
        (
            JSON,
            r#"{"name":"Ada","email":"a"}"#,
            "422 {\"error\":\"email is not of the form local@domain\"",
        ),
        (FORM, "name=Ada", "422 {\"error\":\"email is missing\""),
        (FORM, "name=A%FF&email=a@b", "400 {\"error\":\"the form is not UTF-8\""),
        (FORM, ADA, "422 {\"error\":\"the body looks like JSON"),
        ("Content-Type: text/plain\r\n", ADA, "415 415 Unsupported Media Type"),
        ("", ADA, "415 415 Unsupported Media Type"),
    ] {
        let got = ask(&server, "POST /users", fields, body);
        assert!(got.starts_with(want), "{fields:?} {:.40}: {got}", body);
    }
    assert_eq!(ask(&server, "GET /users", "", ""), "200 {\"users\":[]}", "nothing was created");
    for query in ["limit=0", "limit=x", "after=-1", "after="] {
        let got = ask(&server, &format!("GET /users?{query}"), "", "");
        assert!(got.starts_with("400 {\"error\":\""), "{query}: {got}");
    }
}

#[test]
fn json_nested_a_million_deep_is_refused_before_it_is_sent() {
    let folder = Folder::new();
    let server = keeping(&folder);
    let request =
        format!("POST /users HTTP/1.1\r\nHost: a\r\n{JSON}Content-Length: 1000000\r\n\r\n");
    let mut wire = server.connect();
    assert_eq!(wire.send(&request).answer().status(), 413, "no byte of the body was sent");
    let mut wire = server.connect();
    wire.send(format!("{request}{}", "[".repeat(1_000_000)));
    assert_eq!(wire.answer().status(), 413, "nor does it matter when it is");
    let chunk = format!("10000\r\n{}\r\n", "[".repeat(0x10000));
    let mut wire = server.connect();
    wire.send(format!(
        "POST /users HTTP/1.1\r\nHost: a\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n"
    ));
    wire.send(chunk).send("1\r\n[\r\n");
    assert_eq!(wire.answer().status(), 413, "in chunks the length is seen as it comes");
}

#[test]
fn an_unwanted_body_is_not_requested() {
    let folder = Folder::new();
    let server = keeping(&folder);
    let expect = "Expect: 100-continue\r\nContent-Length: 49\r\n\r\n";
    let mut wire = server.connect();
    wire.send(format!("POST /users HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n{expect}"));
    assert_eq!(wire.answer().status(), 415);
    let mut wire = server.connect();
    wire.send(format!("POST /users HTTP/1.1\r\nHost: a\r\n{JSON}{expect}"));
    assert_eq!(wire.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(wire.send(ADA).answer().status(), 201);
}

#[test]
fn a_browser_gets_pages_and_nothing_in_a_name_is_taken_for_a_tag() {
    let folder = Folder::new();
    let server = keeping(&folder);
    let html = "Accept: text/html,application/xhtml+xml;q=0.9\r\n";
    let form = format!("{FORM}{html}");
    let created = ask(&server, "POST /users", &form, "name=%3Cb%3E+%26&email=%22x%22%40y");
    assert!(created.starts_with("201 <!DOCTYPE html>"), "{created}");
    for page in [created, ask(&server, "GET /users", html, "")] {
        assert!(page.contains("&lt;b&gt; &amp;<small>&quot;x&quot;@y</small>"), "{page}");
        assert!(!page.contains("<b>"), "{page}");
    }
    assert!(ask(&server, "POST /users", &form, "name=x").starts_with("422 <!DOCTYPE html>"));
}

#[test]
fn users_are_paged() {
    let folder = Folder::new();
    let server = keeping(&folder);
    let mut wire = server.connect();
    for _ in 0..25 {
        assert_eq!(send(&mut wire, "POST /users", JSON, ADA).0, 201);
    }
    let ids = |text: &str| text.matches("\"id\":").count();
    let first = ask(&server, "GET /users", "", "");
    assert_eq!(ids(&first), 20);
    assert!(first.ends_with(",\"next\":\"/users?limit=20&after=20\"}"), "{first}");
    let second = ask(&server, "GET /users?limit=20&after=20", "", "");
    assert_eq!(ids(&second), 5);
    assert!(second.ends_with("]}"), "{second}");
    assert_eq!(ids(&ask(&server, "GET /users?limit=7&after=3", "", "")), 7);
    assert_eq!(ids(&ask(&server, "GET /users?limit=1000000", "", "")), 25);
}

#[test]
fn eight_clients_on_two_servers_get_different_ids_and_lose_nothing() {
    let folder = Folder::new();
    let servers = [keeping(&folder), keeping(&folder)];
    let created = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for client in 0..8 {
            let (server, created) = (&servers[client % 2], &created);
            scope.spawn(move || {
                let mut wire = server.connect();
                for number in 0..25 {
                    let body = format!(r#"{{"name":"c{client} n{number}","email":"a@b"}}"#);
                    let (status, text) = send(&mut wire, "POST /users", JSON, &body);
                    assert_eq!(status, 201);
                    let id = id_of(&text);
                    let before = created.lock().expect("sound").insert(id, format!("n{number}"));
                    assert_eq!(before, None, "{id} was handed out twice");
                }
            });
        }
    });
    let created = created.into_inner().expect("sound");
    assert_eq!(created.len(), 200);
    for (id, name) in created {
        assert!(servers[0].get(&format!("/users/{id}")).text().contains(&name));
    }
}

fn id_of(text: &str) -> u64 {
    let digits = text.split("\"id\":").nth(1).and_then(|rest| rest.split(',').next());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("{text}"))
}

/// What a user may be when the server is killed: as acknowledged, or as asked for last.
#[derive(Debug, Clone, Default)]
struct Known {
    acknowledged: Option<String>,
    asked: Option<Option<String>>,
}

#[test]
fn killed_twenty_times_in_a_storm_it_keeps_what_it_acknowledged() {
    let folder = Folder::new();
    // By the id; of users whose creation was not acknowledged nothing is known but their names.
    let known: Mutex<BTreeMap<u64, Known>> = Mutex::default();
    for round in 0..20 {
        let server = keeping(&folder);
        thread::scope(|scope| {
            for client in 0..4u64 {
                let (server, known) = (&server, &known);
                scope.spawn(move || storm(server, known, client, round));
            }
            thread::sleep(Duration::from_millis(100 + round * 7));
            server.program.signal("KILL");
        });
        drop(server);
        let server = keeping(&folder);
        let names = fs::read_dir(folder.join("users"))
            .expect("the folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        for name in names.filter(|name| name != "last-id") {
            assert!(name.ends_with(".json"), "left behind: {name}");
        }
        let mut known = known.lock().expect("sound");
        for (id, known) in known.iter_mut() {
            let answer = server.get(&format!("/users/{id}"));
            let found = Some(answer.text()).filter(|_| answer.status() == 200);
            let allowed = found == known.acknowledged || known.asked.as_ref() == Some(&found);
            assert!(allowed, "round {round}, user {id}: {found:?}, known {known:?}");
            assert!(found.is_none_or(|text| text.ends_with("\"}")), "never half a file");
            *known = Known {
                acknowledged: Some(server.get(&format!("/users/{id}")))
                    .filter(|answer| answer.status() == 200)
                    .map(|answer| answer.text()),
                asked: None,
            };
        }
    }
    let known = known.into_inner().expect("sound");
    assert!(known.len() > 100, "it was a storm: {}", known.len());
}

/// Creates, replaces and deletes until the server is gone.
fn storm(server: &Server, known: &Mutex<BTreeMap<u64, Known>>, client: u64, round: u64) {
    let Ok(stream) = std::net::TcpStream::connect(server.address()) else { return };
    let mut wire = Wire::over(stream);
    let mut own: Vec<u64> = Vec::new();
    for number in 0u64.. {
        let name = format!("c{client}r{round} n{number}");
        let body = format!(r#"{{"name":"{name}","email":"a@b"}}"#);
        let stored = |id: u64| {
            let (first, last) = name.split_once(' ').expect("two names");
            format!(r#"{{"id":{id},"firstName":"{first}","lastName":"{last}","email":"a@b"}}"#)
        };
        let (method, id) = match (number % 4, own.last()) {
            (2, Some(&id)) => ("PUT", id),
            (3, Some(&id)) => ("DELETE", id),
            _ => ("POST", 0),
        };
        let (target, body, wanted) = match method {
            "POST" => ("/users".to_owned(), body, None),
            "PUT" => (format!("/users/{id}"), body, Some(stored(id))),
            _ => (format!("/users/{id}"), String::new(), None),
        };
        if method != "POST" {
            known.lock().expect("sound").entry(id).or_default().asked = Some(wanted.clone());
        }
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: a\r\n{JSON}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let Some((status, text)) = wire.try_exchange(&request) else { return };
        let mut known = known.lock().expect("sound");
        match (method, status) {
            ("POST", 201) => {
                let id = id_of(&text);
                own.push(id);
                known.insert(id, Known { acknowledged: Some(stored(id)), asked: None });
            }
            ("PUT", 200) | ("DELETE", 204) => {
                known.insert(id, Known { acknowledged: wanted, asked: None });
                if method == "DELETE" {
                    own.pop();
                }
            }
            other => panic!("{other:?} {text}"),
        }
    }
}

#[test]
fn a_change_is_on_the_disk_before_it_is_acknowledged() {
    if !needs("strace") {
        return;
    }
    let folder = Folder::new();
    let data = folder.join("data");
    let trace = folder.join("trace");
    let server =
        server_command(&["--bind", "127.0.0.1:0", "--workers", "1", "--access-log", "off"]);
    let mut traced = Command::new("strace");
    // -D: the server, not strace, is the child that is stopped in the end.
    traced.args([
        "-D",
        "-f",
        "-y",
        "-e",
        "trace=write,fsync,link,linkat,rename,renameat,renameat2,unlink,sendto,recvfrom",
    ]);
    traced.arg("-o").arg(&trace).arg(server.get_program()).args(server.get_args());
    traced.arg("--data").arg(&data).arg("www").current_dir(crate::support::root());
    if run(Command::new("strace").args(["-f", "true"]), b"").code != Some(0) {
        skipped("strace may not trace here");
        return;
    }
    let server = Server::run(traced);
    let mut wire = server.connect();
    assert_eq!(send(&mut wire, "POST /users", JSON, ADA).0, 201);
    assert_eq!(send(&mut wire, "PUT /users/1", JSON, ADA).0, 200);
    assert_eq!(send(&mut wire, "DELETE /users/1", "", "").0, 204);
    drop(server);
    let trace =
        eventually(|| fs::read_to_string(&trace).ok().filter(|text| text.contains("+++ exited")));
    let trace = trace.expect("a trace, to its end");
    let users = data.join("users").to_string_lossy().into_owned();
    let mut steps = Vec::new();
    for line in trace.lines() {
        let call = line.split_once(' ').map_or(line, |(_pid, call)| call.trim_start());
        let name = call.split('(').next().unwrap_or_default();
        let what = match name {
            "write" | "fsync" if call.contains(".tmp>") => "file",
            "fsync" if call.contains(&format!("<{users}>")) => "folder",
            "fsync" if call.contains("last-id>") => "last-id",
            "link" | "linkat" | "rename" | "renameat" | "renameat2"
                if call.contains("/1.json\"") =>
            {
                "name"
            }
            "unlink" if call.contains("/1.json\"") => "name",
            "recvfrom" if call.contains("HTTP/1.1") => "request",
            "sendto" if call.contains("HTTP/1.1 20") => "answer",
            _ => continue,
        };
        steps.push(format!("{} {what}", name.trim_end_matches("at").trim_end_matches("at2")));
    }
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let from = steps.iter().position(|step| step.ends_with("request")).expect("a request");
    let after_requests: Vec<&str> =
        steps[from..].iter().copied().filter(|step| !step.ends_with("request")).collect();
    assert_eq!(
        after_requests,
        [
            "write file",
            "fsync file",
            "rename name",
            "fsync folder",
            "sendto answer",
            "write file",
            "fsync file",
            "rename name",
            "fsync folder",
            "sendto answer",
            "fsync last-id",
            "unlink name",
            "fsync folder",
            "sendto answer",
        ]
    );
}
