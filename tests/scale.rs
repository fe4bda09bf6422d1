//! Three servers on one data folder behind HAProxy, with the configuration of the manual: one server is
//! stopped and one is killed while clients send requests. `make scale` is the same for longer.

use std::collections::HashMap;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::client;
use crate::manual::blocks;
use crate::support::{Folder, Program, Server, Wire, eventually, needs};

/// How much load. SCALE, in the environment, is the length of each of the three phases in seconds.
struct Size {
    phase: Duration,
    connections: usize,
    posters: usize,
}

/// The outcome of one POST.
#[derive(Debug)]
struct Posted {
    /// The last name of the user.
    name: String,
    begun: Instant,
    ended: Instant,
    /// `None` if the connection ended without an answer.
    status: Option<u16>,
}

impl Size {
    fn wanted() -> Size {
        match std::env::var("SCALE").ok().and_then(|text| text.parse().ok()) {
            Some(seconds) => {
                Size { phase: Duration::from_secs(seconds), connections: 64, posters: 16 }
            }
            None => Size { phase: Duration::from_secs(1), connections: 8, posters: 4 },
        }
    }
}

/// Starts HAProxy with the configuration of the manual, in front of these servers.
fn balancer(folder: &Folder, servers: &[Server]) -> (Program, SocketAddr) {
    let mut text = blocks("scale.md", "haproxy").concat();
    let front = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (port, server) in (8081..).zip(servers) {
        let (from, to) = (format!("127.0.0.1:{port}\n"), format!("{}\n", server.address()));
        assert!(text.contains(&from), "{text}");
        text = text.replace(&from, &to);
    }
    text = text.replace("bind 127.0.0.1:8080\n", &format!("bind {front}\n"));
    folder.write("haproxy.cfg", text);
    let config = folder.join("haproxy.cfg");
    let program = Program::start(Command::new("haproxy").args(["-db", "-f"]).arg(config));
    let serves = || {
        let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let stream = std::net::TcpStream::connect(front).ok()?;
        Wire::over(stream).try_exchange(request).filter(|(status, _)| *status == 200)
    };
    assert!(eventually(serves).is_some(), "haproxy: {}", program.stderr.text());
    (program, front)
}

fn three_servers(data: &Folder) -> Vec<Server> {
    let data = data.path().to_str().unwrap();
    let args = ["--data", data, "--drain-time", "1", "--access-log", "off"];
    (0..3).map(|_| Server::start(&args)).collect()
}

/// Posts one user after the other until `leave`, each with a name of its own.
fn post(front: SocketAddr, poster: usize, leave: &AtomicBool) -> Vec<Posted> {
    let mut wire = Wire::to(front);
    let mut all = Vec::new();
    while !leave.load(Ordering::Relaxed) {
        let name = format!("{poster}-{}", all.len());
        let body = format!("{{\"name\":\"User {name}\",\"email\":\"a@example.org\"}}");
        let request = format!(
            "POST /users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let begun = Instant::now();
        let status = wire.try_exchange(&request).map(|(status, _)| status);
        if status != Some(201) {
            wire = Wire::to(front);
        }
        all.push(Posted { name, begun, ended: Instant::now(), status });
    }
    all
}

/// Lets the posters leave when it is dropped, also by a failure.
struct Leaving<'a>(&'a AtomicBool);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Posts and measures while `act` stops servers. Returns all that was posted, and the report of the load generator.
fn load(size: &Size, front: SocketAddr, act: impl FnOnce()) -> (Vec<Posted>, Value) {
    let leave = AtomicBool::new(false);
    thread::scope(|scope| {
        let posters: Vec<_> = (0..size.posters)
            .map(|poster| {
                let leave = &leave;
                scope.spawn(move || post(front, poster, leave))
            })
            .collect();
        let (leaving, begun) = (Leaving(&leave), Instant::now());
        let (time, connections) =
            ((size.phase * 3).as_secs().to_string(), size.connections.to_string());
        let url = format!("http://{front}/");
        let args = ["bench", "-s", "--json-out", "-", "-t", &time, "-c", &connections, &url];
        let bench = Program::start(&mut client(&args));
        act();
        thread::sleep((size.phase * 3).saturating_sub(begun.elapsed()));
        let bench = bench.finish();
        drop(leaving);
        let posted = posters.into_iter().flat_map(|poster| poster.join().unwrap()).collect();
        (posted, serde_json::from_slice(&bench.stdout).expect("figures"))
    })
}

#[test]
fn a_stop_costs_no_request_and_a_kill_only_those_in_flight() {
    if !needs("haproxy") {
        return;
    }
    let (size, data, folder) = (Size::wanted(), Folder::for_everybody(), Folder::new());
    let mut servers = three_servers(&data);
    let (_haproxy, front) = balancer(&folder, &servers);
    let mut killed = None;
    let (posted, bench) = load(&size, front, || {
        let begun = Instant::now();
        thread::sleep(size.phase / 2);
        servers[0].program.signal("TERM");
        assert_eq!(servers[0].program.exit_code(), Some(0), "it is stopped cleanly");
        thread::sleep((size.phase * 2).saturating_sub(begun.elapsed()));
        let before = Instant::now();
        servers[1].program.signal("KILL");
        // Its sockets are closed as it ends, and not yet when the signal has been sent.
        assert_eq!(servers[1].program.exit_code(), None, "it is killed");
        killed = Some((before, Instant::now()));
    });
    let (failed, stored): (Vec<&Posted>, _) =
        (posted.iter().filter(|it| it.status != Some(201)).collect(), stored(&data));
    eprintln!("{} GET, {} errors", bench["answers"], bench["errors"]);
    eprintln!("{} POST, {} failed, {} users stored", posted.len(), failed.len(), stored.len());

    assert_eq!(bench["errors"], 0, "a GET failed: {bench}");
    assert!(posted.len() > 10 * size.posters, "{} users", posted.len());
    let (before, after) = killed.unwrap();
    let in_flight = |it: &&Posted| it.begun <= after && it.ended >= before;
    assert!(failed.iter().all(in_flight), "failed without a kill: {failed:?}");
    // A client whose POST was cut may have sent another one while the server was ending.
    assert!(failed.len() <= 2 * size.posters, "more failed than were in flight: {failed:?}");
    // Each user that was acknowledged is there once, and another one at most once.
    for it in &posted {
        let times = stored.get(&it.name).copied().unwrap_or_default();
        let is_right = if it.status == Some(201) { times == 1 } else { times <= 1 };
        assert!(is_right, "{it:?} is stored {times} times");
    }
    assert_eq!(stored.values().filter(|&&times| times > 1).count(), 0, "stored twice");
}

/// Returns how many times each last name is stored.
fn stored(data: &Folder) -> HashMap<String, usize> {
    let mut stored = HashMap::new();
    for entry in fs::read_dir(data.join("users")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        if let Ok(user) = serde_json::from_str::<Value>(&text)
            && let Some(name) = user["lastName"].as_str()
        {
            *stored.entry(name.to_owned()).or_default() += 1;
        }
    }
    stored
}

/// Members and messages of a room meet at one server, whichever connection they come by.
#[test]
fn the_members_of_a_room_meet_behind_the_balancer() {
    if !needs("haproxy") {
        return;
    }
    let (data, folder) = (Folder::for_everybody(), Folder::new());
    let servers = three_servers(&data);
    let (_haproxy, front) = balancer(&folder, &servers);
    for room in 0..10 {
        let mut members = [(); 2].map(|()| Wire::to(front));
        for member in &mut members {
            let fields = "Host: a\r\nAccept: text/event-stream\r\n";
            member.send(format!("GET /rooms/r{room}?after=0 HTTP/1.1\r\n{fields}\r\n"));
            assert!(member.head().starts_with("HTTP/1.1 200 "));
        }
        let post =
            format!("POST /rooms/r{room} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
        assert_eq!(Wire::to(front).send(post).answer().status(), 201);
        for member in &mut members {
            let mut text = String::new();
            while !text.ends_with("\n\n") {
                text.push(char::from(member.take(1)[0]));
            }
            assert!(text.ends_with("id: 1\ndata: hello\n\n"), "{text}");
        }
    }
    let used = servers.iter().filter(|server| {
        let metrics = server.get("/-/metrics").text();
        let waiting = metrics.lines().find(|line| line.contains("phase=\"push\""));
        !waiting.is_some_and(|line| line.ends_with(" 0"))
    });
    assert!(used.count() > 1, "the rooms are on several servers");
}
