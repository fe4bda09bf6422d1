//! The library as programs use it that are not ours: errors in a program's own form.

use std::time::Duration;

use threadbare::server::{
    Body, Config, ErrorPage, ErrorResponse, Limits, Response, Router, Running, Server,
};

use crate::support::{Answer, Wire, ask};

fn start(routes: Router, page: ErrorPage) -> Running {
    let limits = Limits {
        head_time: Duration::from_millis(200),
        transfer_grace: Duration::from_millis(200),
        body: 100,
        ..Limits::default()
    };
    let config = Config { error_page: Some(page), limits, ..Config::default() };
    let routes = routes.build().unwrap();
    Server::with_config(["127.0.0.1:0"], routes, config).unwrap().start().unwrap()
}

fn connect(server: &Running) -> Wire {
    Wire::to(server.addresses()[0])
}

fn exchange(server: &Running, request: &str) -> Answer {
    connect(server).send(request).answer()
}

fn gone() -> ErrorResponse {
    ErrorResponse::of_status(404, "there is no note 7")
}

/// Its parts are the status, what was wrong, and the path as far as the server knows it.
fn page() -> ErrorPage {
    ErrorPage::new(|error, head| {
        let path = head.map_or("-", |head| head.target.path());
        let text = format!("{}: {}; {path}", error.status.code(), error.what);
        Response::bytes("text/x-error", text).status(200).field("X-Own", "yes")
    })
}

#[test]
fn every_error_has_the_form_of_the_program() {
    let routes = Router::new()
        .get("/ok", |_| "ok\n")
        .post("/ok", |_| "ok\n")
        .get("/panics", |_| -> Response { panic!("on purpose") })
        .get("/notes/7", |_| gone())
        .get("/gone", |_| (410, gone()))
        .get("/own", |_| gone().problem())
        .get("/replaced", |request| {
            let response = gone().response(Some(&request.head));
            response.body(Body::Bytes(b"mine".into()))
        })
        .get("/teapot", |_| (418, "short and stout"))
        .wrap(|request, next| next.run(request).field("Access-Control-Allow-Origin", "*"));
    let server = start(routes, page());
    let long = format!("GET /ok HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n", "x".repeat(20_000));
    for (request, status, text, field) in [
        ("garbage\r\n", 400, "400: ", ""),
        ("GET / HTTP/1.1\r\nHost : a\r\n", 400, "400: there is a space", ""),
        (
            "GET /nosuch HTTP/1.1\r\nHost: a\r\n\r\n",
            404,
            "404: nothing exists at /nosuch; /nosuch",
            "",
        ),
        (
            "PUT /ok HTTP/1.1\r\nHost: a\r\n\r\n",
            405,
            "405: PUT is not allowed for /ok; /ok",
            "Allow: GET, HEAD, POST, OPTIONS",
        ),
        ("GET /ok HTTP/1.1\r\nHo", 408, "408: the head was not complete", ""),
        (
            "POST /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel",
            408,
            "408: the body arrived too slowly",
            "",
        ),
        (
            "POST /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n",
            413,
            "413: the body is larger",
            "",
        ),
        (
            "POST /ok HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\n",
            415,
            "415: the body has a Content-Encoding",
            "Accept-Encoding: identity",
        ),
        (&long, 431, "431: a field line is longer", ""),
        ("MAKE /ok HTTP/1.1\r\nHost: a\r\n\r\n", 501, "501: the server does not know", ""),
        ("GET /panics HTTP/1.1\r\nHost: a\r\n\r\n", 500, "500: the server failed to process", ""),
        (
            "GET /notes/7 HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n",
            404,
            "404: there is no note 7; /notes/7",
            "Access-Control-Allow-Origin: *",
        ),
        ("GET /gone HTTP/1.1\r\nHost: a\r\n\r\n", 410, "410: there is no note 7; /gone", ""),
    ] {
        let answer = exchange(&server, request);
        assert_eq!(answer.status(), status, "{request:.50?}: {}", answer.text());
        assert!(answer.text().starts_with(text), "{request:.50?}: {}", answer.text());
        let lines = ["Content-Type: text/x-error", "X-Own: yes", "Vary: Accept", field];
        for line in lines.iter().filter(|line| !line.is_empty()) {
            let held = answer.head.matches(&format!("\r\n{line}\r\n")).count();
            assert_eq!(held, 1, "{request:.50?}: {line}: {}", answer.head);
        }
        assert_eq!(answer.head.matches("Content-Type").count(), 1, "{}", answer.head);
    }
    // What a handler says itself stays as it is.
    for (path, status, text) in [
        ("/ok", 200, "ok\n"),
        ("/teapot", 418, "short and stout"),
        ("/replaced", 404, "mine"),
        (
            "/own",
            404,
            "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,\"detail\":\"There is no note 7.\"}\n",
        ),
    ] {
        let answer = ask(&mut connect(&server), &format!("GET {path}"), "");
        assert_eq!((answer.status(), &*answer.text()), (status, text), "{path}");
        assert_eq!(answer.field("X-Own"), None, "{path}");
    }
    // Without a body, and as long as it would be; the connection stays.
    let mut wire = connect(&server);
    let head = ask(&mut wire, "HEAD /nosuch", "");
    assert!(head.head.contains("\r\nContent-Length: 39\r\n"), "{}", head.head);
    assert_eq!(ask(&mut wire, "GET /ok", "").status(), 200);
}

#[test]
fn a_page_that_panics_leaves_the_built_in_one() {
    let panics = ErrorPage::new(|error, _| match error.status.code() {
        404 => panic!("on purpose"),
        _ => error.problem(),
    });
    let server = start(Router::new().get("/ok", |_| "ok\n"), panics);
    let mut wire = connect(&server);
    let lost = ask(&mut wire, "GET /nosuch", "");
    assert_eq!(lost.status(), 404);
    assert!(
        lost.text().starts_with("404 Not Found\n\nNothing exists at /nosuch."),
        "{}",
        lost.text()
    );
    let refused = ask(&mut wire, "DELETE /ok", "");
    assert_eq!((refused.status(), refused.field("Allow")), (405, Some("GET, HEAD, OPTIONS")));
    assert_eq!(refused.field("Content-Type"), Some("application/problem+json"));
    assert_eq!(ask(&mut wire, "GET /ok", "").text(), "ok\n");
    let report = server.stop().unwrap();
    assert_eq!(report.workers.panics, 0, "no panic came as far as the pool");
}
