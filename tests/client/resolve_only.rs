//! `client where`: where a URL leads; nothing is sent.

use std::net::TcpListener;

use super::fake::Fake;
use super::{client, fetch};
use crate::support::run;

#[test]
fn the_way_to_a_server_and_to_none() {
    let fake = Fake::new(|talk| {
        let heard = talk.rest()?;
        talk.keep(String::from_utf8_lossy(&heard));
        Ok(())
    });
    let port = fake.address().rsplit(':').next().unwrap().to_owned();
    let text = fetch(&["where", &fake.url("/a")]).succeeded();
    for line in ["  looked up 127.0.0.1 in ", "    127.0.0.1\n", "  from 127.0.0.1:"] {
        assert!(text.contains(line), "no {line:?} in {text}");
    }
    assert!(
        text.contains(&format!("  127.0.0.1:{port}  ")) && text.contains(" ms  connected\n"),
        "{text}"
    );
    assert!(text.ends_with(&format!("  to   127.0.0.1:{port}\n")), "{text}");
    assert!(crate::support::eventually(|| (fake.requests() == [""]).then_some(())).is_some());

    let deserted = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dead = format!("a.example:{}", deserted.port());
    let pin = format!("{dead}:127.0.0.1");
    let finished = run(&mut client(&["where", "--resolve", &pin, &dead]), b"");
    finished.failed(7, "nobody listens");
    let text = String::from_utf8(finished.stdout).unwrap();
    assert!(
        text.contains("looked up a.example in") && text.contains("onnection refused\n"),
        "{text}"
    );

    // Two addresses, the first of which is dead: both are told.
    let both = format!("b.example:{port}:127.0.0.9,127.0.0.1");
    let text = fetch(&["where", "--resolve", &both, &format!("b.example:{port}")]).succeeded();
    let (dead, alive) = (text.find("127.0.0.9:").unwrap(), text.find(" connected\n").unwrap());
    assert!(dead < alive && text.contains("onnection refused\n"), "{text}");

    run(&mut client(&["where", "nobody.invalid"]), b"").failed(6, "no such name");
    run(&mut client(&["where", "a b"]), b"").failed(3, "no URL");
    run(&mut client(&["where"]), b"").failed(2, "nothing asked");
}
