//! Routes of a program on the library: which handler a request finds, what is around it, and what it may
//! return.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use threadbare::server::{
    ErrorResponse, Handler, HandlerError, Method, Next, Request, Response, Router, Server, Status,
};

use crate::support::{Folder, Served, Wire};

/// Sends each request, and compares status and body.
fn assert_served(routes: Router, table: &[(&str, u16, &str)]) {
    let served = Served::start(routes);
    for (request, status, body) in table {
        let answer = served.ask(request, "");
        assert_eq!((answer.status(), answer.text().as_str()), (*status, *body), "{request}");
    }
}

#[test]
fn what_wins_over_what() {
    let folder = Folder::new();
    fs::write(folder.path().join("7.txt"), "a file\n").unwrap();
    let routes = Router::new()
        .get("/{n:u64}", |request| format!("number {}\n", request.param("n")))
        .get("/users/{id}", |request| format!("user {}\n", request.param("id")))
        .get("/users/{id:u64}", |request| format!("user number {}\n", request.param("id")))
        .get("/users/me", |_| "me\n")
        .any("/any", |request| format!("any {}\n", request.head.method))
        .post("/any", |_| "posted\n")
        .files("/", folder.path());
    assert_served(
        routes,
        &[
            ("GET /7", 200, "number 7\n"),
            ("GET /18446744073709551615", 200, "number 18446744073709551615\n"),
            ("GET /7.txt", 200, "a file\n"),
            ("GET /users/7", 200, "user number 7\n"),
            ("GET /users/+7", 200, "user +7\n"),
            ("GET /users/-7", 200, "user -7\n"),
            ("GET /users/me", 200, "me\n"),
            ("GET /users/m%65", 200, "me\n"),
            ("POST /any", 200, "posted\n"),
            ("PATCH /any", 200, "any PATCH\n"),
            ("OPTIONS /any", 200, "any OPTIONS\n"),
            ("BREW /any", 200, "any BREW\n"),
        ],
    );
    let served = Served::start(Router::new().get("/a", |_| "a\n").any("/any", |_| "any\n"));
    assert_eq!(served.ask("BREW /a", "").status(), 405, "a known path");
    assert_eq!(served.ask("GET /18446744073709551616", "").status(), 404);
}

#[test]
fn the_methods_that_have_a_name() {
    let routes = Router::new()
        .get("/", |_| "get\n")
        .head("/", |_| Response::empty(200).field("X-Head", "yes"))
        .put("/", |_| "put\n")
        .patch("/", |_| "patch\n")
        .delete("/", |_| ())
        .options("/", |_| "options\n")
        .route(Method::Extension("BREW".into()), "/", |_: &mut Request| (418, "short\n"));
    let served = Served::start(routes);
    assert!(served.ask("HEAD /", "").head.contains("X-Head: yes\r\n"));
    for (method, status, body) in [
        ("GET", 200, "get\n"),
        ("PUT", 200, "put\n"),
        ("PATCH", 200, "patch\n"),
        ("DELETE", 204, ""),
        ("OPTIONS", 200, "options\n"),
        ("BREW", 418, "short\n"),
    ] {
        let answer = served.ask(&format!("{method} /"), "");
        assert_eq!((answer.status(), answer.text().as_str()), (status, body), "{method}");
    }
}

#[test]
fn a_fallback_is_for_unknown_paths_only() {
    let api = Router::new()
        .get("/", |_| "the api\n")
        .get("/notes/{id}", |request| format!("note {}\n", request.param("id")))
        .fallback(|_| (404, "no such api\n"));
    let routes = Router::new()
        .get("/a", |_| "a\n")
        .nest("/api", api)
        .nest(
            "/v2/{tenant}",
            Router::new().get("/who", |request| request.param("tenant").to_owned()),
        )
        .fallback(|request| (404, format!("{} {}?\n", request.head.method, request.head.target)));
    assert_served(
        routes,
        &[
            ("GET /a", 200, "a\n"),
            ("GET /b", 404, "GET /b?\n"),
            ("PUT /b", 404, "PUT /b?\n"),
            ("GET /../a", 404, "GET /../a?\n"),
            ("GET /api", 200, "the api\n"),
            ("GET /api/notes/7", 200, "note 7\n"),
            ("GET /api/nothing", 404, "no such api\n"),
            ("DELETE /api/x/y", 404, "no such api\n"),
            ("GET /apis", 404, "GET /apis?\n"),
            ("GET /v2/acme/who", 200, "acme"),
            ("GET /v2/acme", 404, "GET /v2/acme?\n"),
        ],
    );
    let served = Served::start(Router::new().get("/a", |_| "a\n").fallback(|_| "fallback\n"));
    let refused = served.ask("PUT /a", "");
    assert_eq!((refused.status(), refused.field("Allow")), (405, Some("GET, HEAD, OPTIONS")));
    assert_eq!(served.ask("OPTIONS /b", "").text(), "fallback\n");
}

/// The file is named by the rest of the path, and not by the whole.
#[test]
fn a_folder_below_a_prefix() {
    let folder = Folder::new();
    for (name, text) in [("a.txt", "a\n"), ("index.html", "<p>index\n"), ("sub/b.txt", "b\n")] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let routes =
        Router::new().files("/static", folder.path()).files("/deep/er/", folder.path()).route(
            Method::Get,
            "/named/{path...}",
            threadbare::server::Files::new(folder.path()).unwrap(),
        );
    let served = Served::start(routes);
    for (target, body) in [
        ("/static/a.txt", "a\n"),
        ("/static/", "<p>index\n"),
        ("/static/sub/b.txt", "b\n"),
        ("/static/./sub//b.txt", "b\n"),
        ("/deep/er/a.txt", "a\n"),
        ("/named/sub/b.txt", "b\n"),
    ] {
        let answer = served.ask(&format!("GET {target}"), "");
        assert_eq!((answer.status(), answer.text().as_str()), (200, body), "{target}");
    }
    for target in
        ["/static", "/static/nosuch", "/static/../a.txt", "/static/%2e%2e/a.txt", "/a.txt"]
    {
        assert_eq!(served.ask(&format!("GET {target}"), "").status(), 404, "{target}");
    }
    let moved = served.ask("GET /static/sub?a=b", "");
    assert_eq!((moved.status(), moved.field("Location")), (301, Some("/static/sub/?a=b")));
}

#[test]
fn mistakes_are_found_when_the_router_is_built() {
    struct NeedsAnId;
    impl Handler for NeedsAnId {
        fn params(&self) -> &'static [&'static str] {
            &["id"]
        }
        fn handle(&self, request: &mut Request) -> Response {
            Response::text(request.param("id"))
        }
    }
    let errors = Router::new()
        .get("/u/:id", |_| "")
        .get("/files/*", |_| "")
        .get("/{id:int}", |_| "")
        .route(Method::Get, "/users/{ID}", NeedsAnId)
        .route(Method::Get, "/people/{id}", NeedsAnId)
        .any("/twice", |_| "")
        .any("/twice", |_| "")
        .fallback(|_| "")
        .fallback(|_| "")
        .route(Method::Get, "/one/{name}", threadbare::server::Files::new("src").unwrap())
        .files("/static", "no/such/folder")
        .nest("api", Router::new())
        .build()
        .unwrap_err()
        .to_string();
    for want in [
        "GET /u/:id: a name stands in braces; right: /users/{id}",
        "GET /files/*: a name stands in braces; right: /users/{id} or /{path...}",
        "GET /{id:int}: a name is one or more letters, and may end with :u64",
        "GET /users/{ID}: its handler needs {id}, which the pattern does not have",
        "GET /one/{name}: its handler needs {...}, which the pattern does not have",
        "any /twice: is there twice",
        "the fallback of /: is there twice",
        "GET /static/{...}: the folder \"no/such/folder\": No such file",
        "nest api: a prefix begins with /; right: /api",
    ] {
        assert!(errors.contains(want), "{want} is not in:\n{errors}");
    }
    assert!(!errors.contains("/people"), "{errors}");
}

/// A page that asks for its data itself is sent for every path that is no file.
#[test]
fn the_fallback_takes_what_no_file_has() {
    let folder = Folder::new();
    fs::write(folder.path().join("a.txt"), "a file\n").unwrap();
    let page = |_: &mut Request| Response::html("<p>the page\n");
    let api = Router::new().get("/x", |_| "x\n").fallback(|_| (404, "no such call\n"));
    let routes = Router::new().files("/", folder.path()).nest("/api/", api).fallback(page);
    assert_served(
        routes,
        &[
            ("GET /a.txt", 200, "a file\n"),
            ("GET /app/page", 200, "<p>the page\n"),
            ("GET /", 200, "<p>the page\n"),
            ("GET /api/x", 200, "x\n"),
        ],
    );
    fs::write(folder.path().join("404.html"), "the folder's page\n").unwrap();
    let routes = Router::new().files("/", folder.path()).fallback(page);
    assert_served(routes, &[("GET /nosuch", 404, "the folder's page\n")]);
}

#[test]
fn functions_around_handlers() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let private = Router::new()
        .get("/secret", |_| "the secret\n")
        .fallback(|_| (404, "nothing private there\n"))
        .wrap(|request, next| match request.header("Authorization") {
            Some("Bearer 1234") => Ok(next.run(request)),
            _ => Err((401, "a token is missing\n")),
        });
    let routes = Router::new()
        .get("/open", |_| "open\n")
        .get("/panic", |_| -> Response { panic!("on purpose") })
        .nest("/private", private)
        .wrap(|request: &mut Request, next: Next<'_>| {
            CALLS.fetch_add(1, Ordering::Relaxed);
            next.run(request).add_field("X-Around", "outer")
        })
        .wrap(|request, next| next.run(request).add_field("X-Around", "inner"));
    let served = Served::start(routes);
    let open = served.ask("GET /open", "");
    assert_eq!((open.status(), open.text().as_str()), (200, "open\n"));
    assert!(open.head.contains("X-Around: inner\r\nX-Around: outer\r\n"), "{}", open.head);
    let refused = served.ask("GET /private/secret", "");
    assert_eq!((refused.status(), refused.field("X-Around")), (401, Some("inner")));
    let token = "Authorization: Bearer 1234";
    assert_eq!(served.ask("GET /private/secret", token).text(), "the secret\n");
    assert_eq!(served.ask("GET /private/x", "").status(), 401, "the fallback is wrapped, too");
    assert_eq!(served.ask("GET /private/x", token).text(), "nothing private there\n");
    assert_eq!(served.ask("GET /nothing", "").field("X-Around"), None, "the server's own");
    let panicked = served.ask("GET /panic", "");
    assert_eq!((panicked.status(), panicked.field("X-Around")), (500, Some("inner")));
    assert_eq!(CALLS.load(Ordering::Relaxed), 6);
}

#[test]
fn handlers_share_a_state() {
    struct Notes(Vec<&'static str>);
    fn list(notes: &Notes, _: &mut Request) -> String {
        notes.0.concat()
    }
    let routes = Router::new()
        .get("/plain", |_| "plain\n")
        .with(Notes(vec!["one\n", "two\n"]))
        .get("/notes", list)
        .wrap(|notes, request, next| {
            next.run(request).add_field("X-Notes", notes.0.len().to_string())
        })
        .streaming(Method::Post, "/notes", |notes, request| {
            let bytes = io::copy(&mut request.body, &mut io::sink())?;
            Ok::<_, io::Error>(format!("{bytes} bytes beside {}\n", notes.0.len()))
        })
        .delete("/notes", |notes, _| (403, format!("{} are kept\n", notes.0.len())))
        .fallback(|notes, _| (404, format!("not among {}\n", notes.0.len())));
    let more = Router::new().with(7_u32).get("/number", |number, _| number.to_string());
    assert_served(
        Router::new().nest("/api", routes).nest("/more", more),
        &[
            ("GET /api/plain", 200, "plain\n"),
            ("GET /api/notes", 200, "one\ntwo\n"),
            ("DELETE /api/notes", 403, "2 are kept\n"),
            ("GET /api/other", 404, "not among 2\n"),
            ("GET /more/number", 200, "7"),
            ("POST /api/notes", 200, "0 bytes beside 2\n"),
        ],
    );
}

#[test]
fn what_a_handler_may_return() {
    let absent = |_: &mut Request| Ok::<_, HandlerError>(fs::read_to_string("no/such/file")?);
    let number = |request: &mut Request| {
        let number: u8 = request.param_as("n")?;
        Ok::<_, HandlerError>(format!("{}\n", number + 1))
    };
    let refuse = |_: &mut Request| {
        let what = "there is no note 7";
        Err::<(), _>(ErrorResponse::new(Status::NOT_FOUND, "RFC 9110, 15.5.5", what, "/notes/1"))
    };
    let routes = Router::new()
        .get("/str", |_| "text\n")
        .get("/bytes", |_| vec![1_u8, 2])
        .get("/nothing", |_| ())
        .get("/status", |_| Status::ACCEPTED)
        .get("/tuple", |_| (Status::CONFLICT, "text\n"))
        .get("/response", |_| Response::redirect(303, "/str"))
        .get("/borrowed", |request| Response::text(request.header("X-Name").unwrap_or("nobody")))
        .get("/io", absent)
        .get("/full", |_| Err::<(), _>(io::Error::from(io::ErrorKind::StorageFull)))
        .get("/n/{n}", number)
        .get("/refused", refuse)
        .get("/own", |_| {
            Response::text("own\n").field("content-length", "7").field("Connection", "close")
        })
        .get("/cookies", |_| {
            Response::empty(204).add_field("Set-Cookie", "a=1").add_field("Set-Cookie", "b=2")
        })
        .get("/failed", |_| (201, Err::<String, _>(ErrorResponse::of_status(409, "it exists"))))
        .get("/teapot", |_| (418, ErrorResponse::of_status(418, "short and stout")))
        .get("/impossible", |_| (99, "x"))
        .get("/split", |_| Response::text("x").add_field("X", "a\r\nb: c"))
        .get("/file", |_| Response::file("Cargo.toml"))
        .get("/no-file", |_| Response::file("no/such/file"))
        .get("/folder", |_| Response::file("src"))
        .get("/stream", |_| Response::stream(&b"streamed\n"[..]));
    let served = Served::start(routes);
    for (path, status, body) in [
        ("/str", 200, "text\n"),
        ("/bytes", 200, "\u{1}\u{2}"),
        ("/nothing", 204, ""),
        ("/status", 202, ""),
        ("/tuple", 409, "text\n"),
        ("/response", 303, ""),
        ("/borrowed", 200, "nobody"),
        ("/n/7", 200, "8\n"),
        ("/own", 200, "own\n"),
        ("/stream", 200, "streamed\n"),
    ] {
        let answer = served.ask(&format!("GET {path}"), "");
        assert_eq!((answer.status(), answer.text().as_str()), (status, body), "{path}");
    }
    for (path, status, part) in [
        ("/io", 500, "see its log"),
        ("/full", 507, "cannot store"),
        ("/n/256", 400, "The path part n is 256: number too large to fit in target type."),
        ("/n/x", 400, "Right: n: a whole number, not negative"),
        ("/refused", 404, "There is no note 7."),
        ("/failed", 409, "It exists."),
        ("/teapot", 418, "418\n\nShort and stout."),
        ("/impossible", 500, "x"),
        ("/split", 500, "see its log"),
        ("/no-file", 404, "This file does not exist."),
        ("/folder", 500, "see its log"),
    ] {
        let answer = served.ask(&format!("GET {path}"), "");
        assert_eq!(answer.status(), status, "{path}");
        assert!(answer.text().contains(part), "{path}: {}", answer.text());
    }
    let mut wire = Wire::to(served.address);
    wire.send("GET /own HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(wire.answer().field("Connection"), None, "the connection is kept");
    let cookies = served.ask("GET /cookies", "");
    assert!(cookies.head.contains("Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"), "{}", cookies.head);
    let file = served.ask("GET /file", "Range: bytes=0-8");
    assert_eq!((file.status(), file.text().as_str()), (206, "[package]"));
    let tag = file.field("ETag").unwrap().to_owned();
    assert_eq!(served.ask("GET /file", &format!("If-None-Match: {tag}")).status(), 304);
}

#[test]
fn what_a_handler_may_ask_of_a_request() {
    let show = |request: &mut Request| {
        let all: Vec<String> =
            request.queries().map(|(name, value)| format!("{name}={value}")).collect();
        let limit: Option<u8> = request.query_as("limit")?;
        Ok::<_, ErrorResponse>(format!("{} {limit:?} {:?}\n", all.join(","), request.query("q")))
    };
    let text = |request: &mut Request| request.body_text().map(|text| text.to_uppercase());
    let json = |request: &mut Request| {
        let value: std::collections::BTreeMap<String, u32> = request.json()?;
        Response::json(&value.values().sum::<u32>())
    };
    let served = Served::start(
        Router::new()
            .get("/q", show)
            .post("/text", text)
            .post("/json", move |request| json(request)),
    );
    for (target, status, body) in [
        ("/q", 200, " None None\n"),
        ("/q?q=a+b%26&limit=7&limit=8", 200, "q=a b&,limit=7,limit=8 Some(7) Some(\"a b&\")\n"),
    ] {
        let answer = served.ask(&format!("GET {target}"), "");
        assert_eq!((answer.status(), answer.text().as_str()), (status, body), "{target}");
    }
    let wrong = served.ask("GET /q?limit=many", "");
    assert!(wrong.status() == 400 && wrong.text().contains("query parameter limit is many"));
    let post = |path: &str, body: &[u8]| {
        let mut wire = Wire::to(served.address);
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len());
        let answer = wire.send(head).send(body).answer();
        (answer.status(), answer.text())
    };
    assert_eq!(post("/text", "größe".as_bytes()), (200, "GRÖSSE".to_owned()));
    let (status, text) = post("/text", b"abc\xff");
    assert!(status == 400 && text.contains("its byte 3 is wrong"), "{text}");
    assert_eq!(post("/json", b"{\"a\": 1, \"b\": 2}"), (200, "3".to_owned()));
    let (status, text) = post("/json", b"{\"a\":\n \"x\"}");
    assert!(status == 400 && text.contains("at line 2 column 4"), "{text}");
}

/// The first event may come late; a browser wants to know at once that the connection is open.
#[test]
fn the_head_of_a_stream_does_not_wait_for_its_body() {
    struct Late(bool);
    impl io::Read for Late {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Ok(0);
            }
            std::thread::sleep(Duration::from_millis(1_500));
            room[..5].copy_from_slice(b"late\n");
            Ok(5)
        }
    }
    let served = Served::start(Router::new().get("/", |_| Response::stream(Late(false))));
    let mut wire = Wire::to(served.address);
    let begun = std::time::Instant::now();
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(wire.head().starts_with("HTTP/1.1 200 "));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(wire.take(10), b"5\r\nlate\n\r\n");
}

#[test]
fn a_server_is_started_and_stopped_by_the_program() {
    let routes = Router::new().get("/", |_| {
        std::thread::sleep(Duration::from_millis(200));
        "slept\n"
    });
    let running = Server::start_local(routes.build().unwrap()).unwrap();
    let mut wire = Wire::to(running.addresses()[0]);
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    std::thread::sleep(Duration::from_millis(100)); // until its handler runs
    let report = running.stop().unwrap();
    assert_eq!((report.finished, report.cut), (1, 0));
    assert_eq!(wire.answer().text(), "slept\n");
}
