//! The routes to learn and measure with.

use std::time::{Duration, Instant};

use crate::support::Server;

#[test]
fn echo_gives_back_the_head_exactly_as_it_came() {
    let server = Server::start(&[]);
    let head = "GET  HTTP/1.1\r\n".replace("GET ", "GET /echo?a=%41&b")
        + "hOST: a\nX-Odd:   spaces \t\r\nX-Odd: twice\r\nX-Empty:\r\nX-Byte: \u{e9}\r\n\r\n";
    let mut wire = server.connect();
    assert_eq!(wire.send(&head).answer().text(), head);
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let request = format!("{method} /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
        assert_eq!(wire.send(&request).answer().text(), request);
    }
}

#[test]
fn echo_is_never_taken_for_html() {
    let answer = Server::start(&[]).get("/echo?%3Cscript%3E");
    assert_eq!(answer.field("Content-Type"), Some("text/plain; charset=utf-8"));
    assert_eq!(answer.field("X-Content-Type-Options"), Some("nosniff"));
}

#[test]
fn sleep_responds_after_its_time() {
    let server = Server::start(&[]);
    let begun = Instant::now();
    let answer = server.get("/sleep/200");
    assert!(begun.elapsed() >= Duration::from_millis(200));
    assert_eq!(answer.text(), "slept 200 ms\n");
}

/// Decimals have a digit on both sides of the point; the answer has as many as the time needs.
#[test]
fn sleep_and_spin_take_milliseconds_with_decimals() {
    let server = Server::start(&[]);
    for (route, told) in [("sleep", "slept"), ("spin", "spun")] {
        for (time, in_words) in
            [("0", "0"), ("0.5", "0.5"), ("2.50", "2.5"), ("010", "10"), ("0.000001", "0.000001")]
        {
            let begun = Instant::now();
            let answer = server.get(&format!("/{route}/{time}"));
            let least = Duration::from_secs_f64(time.parse::<f64>().unwrap() / 1e3);
            assert!(begun.elapsed() >= least, "/{route}/{time}");
            assert_eq!(answer.text(), format!("{told} {in_words} ms\n"));
        }
        for time in [
            "60000.1",
            "60000.000001",
            "60001",
            "99999999999999999999",
            "1e3",
            "-1",
            "+1",
            ".5",
            "5.",
            ".",
            "1.2.3",
            "1,5",
            "0.1234567",
            "soon",
            "",
        ] {
            let answer = server.exchange(format!("GET /{route}/{time} HTTP/1.0\r\n\r\n"));
            assert!(answer.starts_with("HTTP/1.1 404 "), "/{route}/{time}: {answer}");
        }
    }
    let teaches = "The last part of this path must be a number of milliseconds, at most 60000, \
                   with up to 6 decimals.\n";
    assert!(server.get("/spin/.5").text().contains(teaches), "{}", server.get("/spin/.5").text());
}

/// The longest one is taken, too: the answer has not come when the next request is answered.
#[test]
fn sleep_and_spin_take_a_minute_at_most() {
    let server = Server::start(&["--workers", "4"]);
    for target in ["/sleep/60000", "/spin/60000.0"] {
        let mut wire = server.connect();
        wire.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(wire.is_silent_for(Duration::from_millis(100)), "{target} is no error");
    }
}

#[test]
fn spin_uses_the_processor_and_sleep_does_not() {
    let server = Server::start(&["--access-log", "off"]);
    let cpu = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.program.id())).unwrap();
        let fields: Vec<u64> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .skip(1)
            .map(|field| field.parse().unwrap_or_default())
            .collect();
        Duration::from_millis(10 * (fields[10] + fields[11]))
    };
    for (target, range) in [("/spin/300", 250..400), ("/sleep/300", 0..100)] {
        let before = cpu();
        server.get(target);
        let used = (cpu() - before).as_millis();
        assert!(range.contains(&used), "{target} used {used} ms");
    }
}

#[test]
fn sleepers_sleep_side_by_side() {
    let server = Server::start(&["--workers", "8"]);
    let begun = Instant::now();
    let mut wires: Vec<_> = (0..8).map(|_| server.connect()).collect();
    for wire in &mut wires {
        wire.send("GET /sleep/500 HTTP/1.0\r\n\r\n");
    }
    for wire in &mut wires {
        assert_eq!(wire.answer().status(), 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(3), "one after the other would be 4 s");
}

#[test]
fn bytes_are_exactly_as_many() {
    let server = Server::start(&[]);
    let line = b"abcdefghijklmnopqrstuvwxyz\n";
    for count in [0, 1, 26, 27, 1000, 65_536, 1_000_000] {
        let answer = server.get(&format!("/bytes/{count}"));
        assert_eq!(answer.field("Content-Length"), Some(count.to_string().as_str()));
        assert!(answer.body.iter().eq(line.iter().cycle().take(count)), "{count}");
    }
    let head = server.exchange("HEAD /bytes/10000000000 HTTP/1.0\r\n\r\n");
    assert!(head.contains("\r\nContent-Length: 10000000000\r\n"), "{head}");
}

#[test]
fn what_is_no_number_within_the_limit_is_404() {
    let server = Server::start(&[]);
    for target in [
        "/bytes/10000000001",
        "/bytes/99999999999999999999999",
        "/bytes/-1",
        "/bytes/+1",
        "/bytes/1.5",
        "/bytes/0x10",
        "/bytes/%201",
        "/bytes/ten",
        "/bytes/",
        "/bytes",
        "/bytes/1/2",
        "/sleep/60001",
        "/sleep/-1",
        "/sleep/soon",
        "/sleep/",
    ] {
        let answer = server.exchange(format!("GET {} HTTP/1.0\r\n\r\n", target));
        assert!(answer.starts_with("HTTP/1.1 404 "), "{target}: {answer}");
    }
    let teaches = "The last part of this path must be a decimal number of at most 10000000000.\n";
    assert!(server.get("/bytes/ten").text().contains(teaches));
}

#[test]
fn health_is_ok() {
    let answer = Server::start(&[]).get("/-/health");
    assert_eq!((answer.status(), answer.text().as_str()), (200, "ok\n"));
}
