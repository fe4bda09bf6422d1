//! `client ping`: each kind of probe, and each thing that can become of one. The servers are here, so that they
//! lose, delay and repeat what the test says. Times are asserted coarsely.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::client::{client, fetch};
use crate::support::{Finished, Folder, Program, Server};

/// Pings, and gives the exit code and the figures.
fn figures(args: &[&str]) -> (Option<i32>, Value) {
    let Finished { code, stdout, stderr } = fetch(&[&["ping", "--json-out", "-"], args].concat());
    assert_eq!(stderr, "");
    (code, serde_json::from_slice(&stdout).expect("JSON alone"))
}

/// Pings, and gives the exit code and the lines.
fn lines(args: &[&str]) -> (Option<i32>, String) {
    let Finished { code, stdout, stderr } = fetch(&[&["ping"], args].concat());
    assert_eq!(stderr, "");
    (code, String::from_utf8(stdout).unwrap())
}

/// The outcomes of the probes, in order.
fn outcomes(figures: &Value) -> Vec<&str> {
    let probes = figures["probes"].as_array().unwrap();
    probes.iter().map(|probe| probe["outcome"].as_str().unwrap()).collect()
}

fn counts(figures: &Value) -> [u64; 7] {
    ["sent", "received", "lost", "late", "refused", "duplicates", "reordered"]
        .map(|name| figures[name].as_u64().unwrap_or_else(|| panic!("{name} in {figures}")))
}

/// Does something with each datagram that comes: its number, its bytes, and a way back. The thread ends with
/// the test program.
fn datagrams(
    address: &str,
    mut act: impl FnMut(usize, Vec<u8>, &mut dyn FnMut(&[u8])) + Send + 'static,
) -> SocketAddr {
    let socket = UdpSocket::bind(address).unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut bytes = [0; 512];
        while let Ok((length, peer)) = socket.recv_from(&mut bytes) {
            let datagram = bytes[..length].to_vec();
            let text = String::from_utf8(datagram.clone()).unwrap();
            let number = text.split(' ').nth(1).unwrap().parse().unwrap();
            act(number, datagram, &mut |answer| drop(socket.send_to(answer, peer)));
        }
    });
    address
}

/// An address where nothing listens: no other test uses this one.
fn deserted() -> SocketAddr {
    UdpSocket::bind("127.0.0.77:0").unwrap().local_addr().unwrap()
}

#[test]
fn an_echo_answers_every_probe() {
    for own in ["127.0.0.1:0", "[::1]:0"] {
        if UdpSocket::bind(own).is_err() {
            continue; // without IPv6
        }
        let address = datagrams(own, |_, datagram, send| send(&datagram)).to_string();
        let (code, text) = lines(&["--udp", "-n", "3", "-i", "0.01", "-W", "5", &address]);
        assert_eq!(code, Some(0), "{text}");
        let head = format!("ping udp://{address} ({address}): 3 probes, one every 10ms\n");
        assert!(text.starts_with(&head), "{text}");
        for seq in 1..=3 {
            assert!(text.contains(&format!("answer from {address}: seq={seq} time=")), "{text}");
        }
        let tail = "3 sent, 3 received, 0% lost; 0 duplicates, 0 reordered, 0 late, 0 refused\n";
        assert!(text.contains(&format!("--- udp://{address} ---\n{tail}rtt min/mean/max/mdev = ")));
        assert_eq!(text.lines().count(), 7, "{text}");
    }
}

/// The second is lost, the third comes too late, the fourth comes twice, the sixth before the fifth, and
/// with the seventh a stranger and an old answer. The last one is lost, so that the run waits for the late one.
#[test]
fn loss_delay_duplicates_reordering_and_strangers() {
    let mut held = Vec::new();
    let address = datagrams("127.0.0.1:0", move |number, datagram, send| match number {
        2 | 9 => {}
        3 => held = datagram,
        4 => [0, 1].iter().for_each(|_| send(&datagram)),
        5 => {
            let late = std::mem::replace(&mut held, datagram);
            held.extend(late);
        }
        6 => {
            let (fifth, third) = held.split_at(datagram.len());
            let (fifth, third) = (fifth.to_vec(), third.to_vec());
            send(&datagram);
            send(&fifth);
            held = third;
        }
        7 => {
            send(b"ping 7 0123456789abcdef\n");
            send(b"");
            send(&[b'x'; 400]);
            // Some servers answer in upper case.
            send(&datagram.to_ascii_uppercase());
        }
        8 => {
            send(&datagram);
            thread::sleep(Duration::from_millis(50));
            send(&held);
        }
        _ => send(&datagram),
    });
    let (code, got) =
        figures(&["--udp", "-n", "9", "-i", "0.15", "-W", "0.5", &address.to_string()]);
    assert_eq!(code, Some(0));
    let want = "answered lost late answered answered answered answered answered lost";
    assert_eq!(outcomes(&got).join(" "), want, "{got:#}");
    assert_eq!(counts(&got), [9, 6, 3, 1, 0, 1, 1], "{got:#}");
    assert_eq!((&got["strangers"], &got["probes"][4]["reordered"]), (&3.into(), &true.into()));
    let late = got["probes"][2]["rtt_us"].as_f64().unwrap();
    let max = got["rtt_us"]["max"].as_f64().unwrap();
    assert!(late > 500e3 && (150e3..500e3).contains(&max), "{late} {max}");
}

#[test]
fn what_is_silent_is_lost_and_what_is_closed_is_refused() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let (code, text) = lines(&["--udp", "-n", "2", "-i", "0.01", "-W", "0.05", &address]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(&format!("no answer from {address}: seq=2 within 50ms\n")), "{text}");
    assert!(!text.contains("rtt"), "{text}");

    for (flag, why) in [("--udp", "ICMP: port unreachable"), ("--tcp", "connection refused")] {
        let address = deserted().to_string();
        let (code, text) = lines(&[flag, "-n", "3", "-i", "0.02", "-W", "5", &address]);
        assert_eq!(code, Some(1), "{text}");
        for seq in 1..=3 {
            assert!(text.contains(&format!("refused by {address}: seq={seq} ({why})\n")), "{text}");
        }
        assert!(text.contains(
            "3 sent, 0 received, 100% lost; 0 duplicates, 0 reordered, 0 late, 3 refused\n"
        ));
    }
}

#[test]
fn a_server_that_stops_and_starts_again_is_seen() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let args = ["ping", "--udp", "-n", "1000", "-i", "0.02", "-W", "5", &address.to_string()];
    let program = Program::start(&mut client(&args));
    let answer = |socket: &UdpSocket| {
        let mut bytes = [0; 64];
        let (length, peer) = socket.recv_from(&mut bytes).unwrap();
        socket.send_to(&bytes[..length], peer).unwrap();
    };
    answer(&socket);
    program.stdout.until(|text| text.contains("seq=1 time="));
    drop(socket);
    program.stdout.until(|text| text.contains("refused by"));
    let socket = UdpSocket::bind(address).unwrap();
    answer(&socket);
    program.stdout.until(|text| text.matches("answer from").count() >= 2);
    // Ctrl-C ends the run, with its figures.
    program.signal("INT");
    let Finished { code, stdout, stderr } = program.finish();
    let text = String::from_utf8(stdout).unwrap();
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{text}");
    assert!(text.contains(" sent, ") && text.contains("rtt min/mean/max/mdev = "), "{text}");
}

#[test]
fn connections_and_requests() {
    let server = Server::start(&[]);
    let address = server.address().to_string();
    for (args, mode, status) in [
        (&[][..], "tcp", Value::Null),
        (&["--tcp"], "tcp", Value::Null),
        (&["--http"], "http", 200.into()),
    ] {
        let all = [args, &["-n", "4", "-i", "0.01", "-W", "5", &address]].concat();
        let (code, got) = figures(&all);
        assert_eq!(code, Some(0), "{got:#}");
        assert_eq!(counts(&got), [4, 4, 0, 0, 0, 0, 0], "{args:?}");
        assert!(got["target"].as_str().unwrap().starts_with(mode), "{got:#}");
        assert!(got["probes"].as_array().unwrap().iter().all(|probe| probe["status"] == status));
    }
    let url = server.url("/absent");
    let (code, text) = lines(&["-n", "2", "-i", "0.01", "-W", "5", &url]);
    assert_eq!(code, Some(0), "an error is an answer: {text}");
    assert!(text.contains(&format!("404 from {address}: seq=2 time=")), "{text}");
    // Probes do not wait for each other, and are late all the same.
    let slow = server.url("/sleep/400");
    let (code, got) = figures(&["--http", "-n", "5", "-i", "0.1", "-W", "0.3", &slow]);
    assert_eq!(code, Some(1), "{got:#}");
    assert!(got["late"].as_u64().unwrap() >= 1 && got["lost"] == 5, "{got:#}");
}

#[test]
fn responses_that_are_none() {
    /// Serves every connection like this, until the test ends.
    fn serve(act: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let act = Arc::new(act);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, act) = (stream.unwrap(), Arc::clone(&act));
                thread::spawn(move || {
                    let mut head = [0; 1024];
                    let length = stream.read(&mut head).unwrap();
                    assert!(head[..length].starts_with(b"HEAD / HTTP/1.1\r\n"));
                    act(&mut stream);
                });
            }
        });
        address
    }
    for (name, address, outcome, why) in [
        ("closed", serve(|_| {}), "failed", "closed without a response"),
        (
            "not HTTP",
            serve(|stream| stream.write_all(b"hello \x1b[31m\x9b\r\n\r\n").unwrap()),
            "failed",
            "hello",
        ),
        ("silent", serve(|stream| drop(stream.read(&mut [0; 64]))), "lost", ""),
        (
            "in pieces, after an interim response",
            serve(|stream| {
                for piece in ["HTTP/1.1 103 Early\r\n\r\nHTTP/", "1.1 204 N\r\nA:", " b\r\n\r\n"] {
                    stream.write_all(piece.as_bytes()).unwrap();
                    thread::sleep(Duration::from_millis(5));
                }
            }),
            "answered",
            "",
        ),
    ] {
        let (code, got) = figures(&["--http", "-n", "2", "-i", "0.01", "-W", "0.3", &address]);
        assert_eq!(code, Some(i32::from(outcome != "answered")), "{name}: {got:#}");
        assert_eq!(outcomes(&got), [outcome; 2], "{name}: {got:#}");
        let error = got["probes"][0]["error"].as_str().unwrap_or_default();
        assert!(error.contains(why) && !error.contains(char::is_control), "{name}: {error:?}");
    }
}

/// A name with two addresses, of which the server has the second one: no probe is lost for that.
#[test]
fn the_address_that_answers_is_found() {
    let udp = datagrams("127.0.0.1:0", |_, datagram, send| send(&datagram));
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    for (flag, port) in [("--udp", udp.port()), ("--tcp", tcp.local_addr().unwrap().port())] {
        let resolve = format!("a.example:{port}:127.0.0.9,127.0.0.1");
        let host = format!("a.example:{port}");
        let args = [flag, "-n", "3", "-i", "0.02", "-W", "5", "--resolve", &resolve, &host];
        let (code, text) = lines(&args);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains(&format!(", trying 127.0.0.1:{port}\n")), "{text}");
        assert!(text.contains("3 sent, 3 received, 0% lost"), "{text}");
        assert!(text.contains(&format!(" 127.0.0.1:{port}: seq=1 time=")), "{text}");
    }
}

#[test]
fn what_is_wrong_ends_with_curls_codes() {
    for (args, code, why) in [
        (&[][..], 2, "no host"),
        (&["127.0.0.1"], 2, "no port"),
        (&["--udp", "127.0.0.1:7/path"], 2, "--http"),
        (&["127.0.0.1:0"], 3, "127.0.0.1:0"),
        (&["nobody.invalid:7"], 6, "nobody.invalid"),
        (&["-6", "127.0.0.1:7"], 7, "IPv6"),
        (&["--resolve", "a:7", "a:7"], 49, "--resolve"),
    ] {
        let Finished { code: got, stdout, stderr } = fetch(&[&["ping"], args].concat());
        assert_eq!((got, stdout.len()), (Some(code), 0), "{args:?}: {stderr}");
        assert!(stderr.starts_with("client: (") && stderr.contains(why), "{args:?}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{args:?}: {stderr}");
    }
    let (folder, address) = (Folder::new(), deserted().to_string());
    let args = ["ping", "-n", "1", &address, "--json-out"];
    let missing = folder.join("missing/file").display().to_string();
    assert_eq!(fetch(&[&args[..], &[&missing]].concat()).code, Some(23));
    let file = folder.join("file").display().to_string();
    let ended = fetch(&[&args[..], &[&file]].concat());
    assert!(ended.code == Some(1) && ended.stdout.starts_with(b"ping tcp://"));
    let written: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!((&written["schema"], &written["refused"]), (&"threadbare-ping/1".into(), &1.into()));
}

#[test]
fn long_names_say_how_many_how_often_and_how_patiently() {
    let address = datagrams("127.0.0.1:0", |_, datagram, send| send(&datagram)).to_string();
    let args = ["--udp", "--count", "2", "--interval", "0.05", "--wait", "3", &address];
    let (code, got) = figures(&args);
    assert_eq!((code, counts(&got)), (Some(0), [2, 2, 0, 0, 0, 0, 0]), "{got}");
    assert_eq!((got["interval_s"].as_f64(), got["wait_s"].as_f64()), (Some(0.05), Some(3.0)));
}
