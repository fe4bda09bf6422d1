//! Forms of other sites, and names that are made to point here: what a browser would send for them.

use threadbare::server::{AllowedHosts, Config, Request, Response, Router, Server as Library};

use crate::support::{Server, Wire};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 18\r\n\r\n";

/// Returns the status of a request with these fields, for a form.
fn send(server: &Server, request: &str, host: &str, origin: &str) -> u16 {
    let origin = match origin {
        "" => String::new(),
        origin => format!("Origin: {origin}\r\n"),
    };
    let head = format!("{request} HTTP/1.1\r\nHost: {host}\r\n{origin}{FORM}");
    server.connect().send(head + "name=Ada&email=a@b").answer().status()
}

#[test]
fn the_form_of_another_site_changes_nothing() {
    let server = Server::start(&[]);
    let here = server.address().to_string();
    let port = server.address().port();
    for origin in [
        "http://evil.example",
        "https://evil.example",
        "null",
        "http://127.0.0.1",
        "http://1.2.3.4:80",
    ] {
        assert_eq!(send(&server, "POST /users", &here, origin), 403, "{origin}");
        assert_eq!(send(&server, "DELETE /users/1", &here, origin), 403, "{origin}");
        assert_eq!(send(&server, "GET /echo", &here, origin), 200, "{origin}: it changes nothing");
    }
    // DNS rebinding: the page is of the same origin as this server.
    let evil = format!("evil.example:{port}");
    assert_eq!(send(&server, "POST /users", &evil, &format!("http://{evil}")), 403);
    assert_eq!(server.get("/users").text(), "{\"users\":[]}");
    let said = server.stderr_until(|text| text.contains("evil.example:"));
    assert!(said.contains("refused: 403: a page of http://evil.example sent this POST"), "{said}");
    // The server's own page, and a person who types.
    assert_eq!(send(&server, "POST /users", &here, &format!("http://{here}")), 201);
    let localhost = format!("localhost:{port}");
    assert_eq!(send(&server, "POST /users", &localhost, &format!("http://{localhost}")), 201);
    assert_eq!(send(&server, "POST /users", "anything", ""), 201);
}

#[test]
fn a_name_that_points_here_does_not_read_what_is_for_loopback() {
    let server = Server::start(&["--allow-host", "example.org"]);
    let status = |host: &str| {
        let request = format!("GET /-/metrics HTTP/1.1\r\n{host}\r\n");
        server.connect().send(request).answer().status()
    };
    let port = server.address().port();
    for (host, want) in [
        (format!("Host: 127.0.0.1:{port}\r\n"), 200),
        (format!("Host: localhost:{port}\r\n"), 200),
        ("Host: Example.org\r\n".to_owned(), 200),
        ("Host:\r\n".to_owned(), 200),
        (format!("Host: evil.example:{port}\r\n"), 403),
        ("Host: sub.example.org\r\n".to_owned(), 403),
        ("Host: 127.0.0.1.evil.example\r\n".to_owned(), 403),
    ] {
        assert_eq!(status(&host), want, "{host}");
    }
    let mut wire = server.connect();
    wire.send("GET http://evil.example/-/metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    assert_eq!(wire.answer().status(), 403, "the target names the host (RFC 9112, 3.2.2)");
    assert_eq!(server.connect().send("GET /-/metrics HTTP/1.0\r\n\r\n").answer().status(), 200);
    let open = Server::start(&["--metrics", "everyone"]);
    let request = "GET /-/metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    assert_eq!(open.connect().send(request).answer().status(), 200, "it is for everyone");
}

#[test]
fn a_name_that_is_allowed_may_act_under_any_scheme_and_port() {
    let server = Server::start(&["--allow-host", "example.org", "--allow-host", "Intra"]);
    let here = server.address().to_string();
    for origin in ["https://example.org", "http://example.org:8080", "http://intra"] {
        assert_eq!(send(&server, "POST /users", &here, origin), 201, "{origin}");
    }
    for origin in ["https://example.org.evil.example", "http://evil.example", "null"] {
        assert_eq!(send(&server, "POST /users", &here, origin), 403, "{origin}");
    }
}

/// A program with checks of its own turns these off.
#[test]
fn a_program_chooses_its_hosts() {
    let mut named = AllowedHosts::default();
    named.allow("example.org");
    for (hosts, want) in [
        (AllowedHosts::Any, [200, 200]),
        (named, [200, 403]),
        (AllowedHosts::default(), [403, 403]),
    ] {
        let routes = Router::new().post("/", |_: &mut Request| Response::text("done"));
        let config = Config { allowed_hosts: hosts, workers: 1, ..Config::default() };
        let routes = routes.build().unwrap();
        let server = Library::with_config(["127.0.0.1:0"], routes, config).unwrap();
        let (address, stop) = (server.addresses()[0], server.stop_signal());
        let running = std::thread::spawn(|| server.run().unwrap());
        for (origin, want) in ["http://example.org", "http://evil.example"].into_iter().zip(want) {
            let request = format!(
                "POST / HTTP/1.1\r\nHost: a\r\nOrigin: {origin}\r\nContent-Length: 0\r\n\r\n"
            );
            assert_eq!(Wire::to(address).send(request).answer().status(), want, "{origin}");
        }
        stop.request(std::time::Duration::ZERO);
        running.join().unwrap();
    }
}
