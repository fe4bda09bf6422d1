//! The name server: `server --dns ADDR:PORT --zone FILE`, beside NSD and dnsmasq, and with the clients that
//! people use.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

use threadbare::proto::dns::{
    Class, Edns, Flags, Message, Name, Question, Record, ResponseCode, Type,
};

use crate::support::{
    Folder, PATIENCE, Program, Server, eventually, needs, run, server_command, skipped,
};

/// All that a zone can have, and what the names in [`QUESTIONS`] are asked for.
const ZONE: &str = include_str!("dns_server/example.org.zone");

/// Names and types. The names are within `example.org`, but for those with a dot at the end.
const QUESTIONS: &str = include_str!("dns_server/questions");

/// The questions, as a name and a type each.
fn questions() -> impl Iterator<Item = (String, &'static str)> {
    let lines = QUESTIONS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| {
        let (name, record_type) = line.split_once(' ').unwrap();
        let name = match name {
            "@" => "example.org.".to_owned(),
            name if name.ends_with('.') => name.to_owned(),
            name => format!("{name}.example.org."),
        };
        (name, record_type)
    })
}

fn query(name: &str, record_type: &str) -> Message {
    let (name, record_type) = (Name::parse(name).unwrap(), Type::parse(record_type).unwrap());
    let questions = vec![Question { name, record_type, class: Class::IN }];
    Message { id: 4711, flags: Flags::RECURSION_DESIRED, questions, ..Message::default() }
}

/// Starts a server with this zone, and returns the folder of its file, too.
fn serve(zone: &str, args: &[&str]) -> (Server, Folder) {
    let folder = Folder::with(&[("zone", zone)]);
    let path = folder.join("zone");
    let mut all = vec!["--zone", path.to_str().unwrap()];
    if !args.contains(&"--dns") {
        all.extend(["--dns", "127.0.0.1:0"]);
    }
    all.extend(args);
    (Server::start(&all), folder)
}

/// Where a server answers queries: the address in its ready line.
fn dns(server: &Server) -> SocketAddr {
    let mut words = server.ready.split(' ');
    let address = words.find_map(|word| word.strip_prefix("dns://"));
    address.expect("the ready line names it").parse().unwrap()
}

/// Sends octets, and returns what comes back; `None` if nothing does.
fn udp(address: SocketAddr, octets: &[u8]) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    socket.send_to(octets, address).unwrap();
    let mut buffer = [0; 65_535];
    let length = socket.recv(&mut buffer).ok()?;
    Some(buffer[..length].to_vec())
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn framed(octets: &[u8]) -> Vec<u8> {
    [&u16::try_from(octets.len()).unwrap().to_be_bytes(), octets].concat()
}

/// Reads a message after its length.
fn receive(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut octets = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut octets)?;
    Ok(octets)
}

fn tcp(address: SocketAddr, octets: &[u8]) -> Vec<u8> {
    let mut stream = connect(address);
    stream.write_all(&framed(octets)).unwrap();
    receive(&mut stream).unwrap()
}

fn ask(address: SocketAddr, name: &str, record_type: &str) -> Message {
    let octets = udp(address, &query(name, record_type).encode(512)).expect("an answer");
    Message::decode(&octets).unwrap()
}

/// A port that is free for UDP and TCP at this moment.
fn free_port() -> u16 {
    let free = || {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
        let address = listener.local_addr().ok()?;
        UdpSocket::bind(address).ok().map(|_| address.port())
    };
    eventually(free).expect("a port")
}

/// A name server from another house, with its address.
struct Other {
    _program: Program,
    _folder: Folder,
    address: SocketAddr,
}

impl Other {
    /// Waits until it answers this question.
    fn start(mut command: Command, folder: Folder, port: u16, name: &str) -> Other {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let program = Program::start(&mut command);
        let octets = query(name, "SOA").encode(512);
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let answered = eventually(|| {
            socket.send_to(&octets, address).ok()?;
            socket.recv(&mut [0; 512]).ok()
        });
        assert!(answered.is_some(), "{}", program.stderr.text());
        Other { _program: program, _folder: folder, address }
    }

    /// NSD, with its defaults.
    fn nsd() -> Other {
        let (port, folder) = (free_port(), Folder::with(&[("zone", ZONE)]));
        let at = |name: &str| folder.join(name).display().to_string();
        let mut config = format!("server:\n  server-count: 1\n  ip-address: 127.0.0.1@{port}\n");
        let _ =
            writeln!(config, "  username: \"\"\n  zonesdir: {:?}\n  xfrdir: {:?}", at(""), at(""));
        for file in ["zonelistfile", "logfile", "pidfile", "xfrdfile", "cookie-secret-file"] {
            let _ = writeln!(config, "  {file}: {:?}", at(file));
        }
        config += "remote-control:\n  control-enable: no\nzone:\n  name: example.org\n";
        let _ = writeln!(config, "  zonefile: {:?}", at("zone"));
        folder.write("nsd.conf", config);
        let mut command = Command::new("nsd");
        command.arg("-d").arg("-c").arg(folder.join("nsd.conf"));
        Other::start(command, folder, port, "example.org")
    }

    /// dnsmasq, with this file of hosts, whose names are all within `lab`.
    fn dnsmasq(hosts: &str) -> Other {
        let (port, folder) = (free_port(), Folder::with(&[("hosts", hosts)]));
        let mut command = Command::new("dnsmasq");
        command.args(["--keep-in-foreground", "--no-resolv", "--no-hosts", "--bind-interfaces"]);
        command.args(["--listen-address=127.0.0.1", "--conf-file=/dev/null", "--pid-file="]);
        command.args(["--local=/lab/", "--local-ttl=60", "--log-facility=-", "--user="]);
        command.arg(format!("--port={port}"));
        command.arg(format!("--addn-hosts={}", folder.join("hosts").display()));
        Other::start(command, folder, port, "lab")
    }
}

/// The records of a section in one order: the RFCs leave the order open.
fn sorted(section: &[Record]) -> Vec<String> {
    let mut lines: Vec<_> =
        section.iter().map(|record| record.to_string().to_ascii_lowercase()).collect();
    lines.sort();
    lines
}

/// The RFCs leave open in which order records are, and which names are compressed. All other octets after
/// the id have to be the same: the flags and the counts, the question, the records, the OPT record.
#[test]
fn answers_are_those_of_nsd() {
    if !needs("nsd") {
        return;
    }
    let ((server, _folder), nsd) = (serve(ZONE, &[]), Other::nsd());
    let ours = dns(&server);
    assert!(questions().count() >= 60);
    for (name, record_type) in questions() {
        let query = query(&name, record_type);
        let plain = query.encode(512);
        let edns = Message { edns: Some(Edns { flags: 0x8000, ..Edns::new(1232) }), ..query };
        let edns = edns.encode(512);
        for (over, octets) in [("UDP", &plain), ("UDP, EDNS", &edns), ("TCP", &plain)] {
            let exchange = |address| match over {
                "TCP" => tcp(address, octets),
                _ => udp(address, octets).unwrap(),
            };
            let (our, their) = (exchange(ours), exchange(nsd.address));
            let what = format!("{name} {record_type} over {over}");
            let question_end = plain.len();
            assert_eq!(our[2..question_end], their[2..question_end], "{what}");
            let (our, their) = (Message::decode(&our).unwrap(), Message::decode(&their).unwrap());
            let sections = |message: &Message| {
                [&message.answers, &message.authorities, &message.additionals]
                    .map(|one| sorted(one))
            };
            assert_eq!(sections(&our), sections(&their), "{what}");
            assert_eq!(our.edns, their.edns, "{what}");
            // The case of the question (draft-vixie-dnsext-dns0x20).
            let owner = our.answers.iter().find(|record| record.name == our.questions[0].name);
            let asked = name.clone();
            assert!(owner.is_none_or(|record| record.name.to_string() == asked), "{what}");
        }
    }
}

/// What a client prints, without the time, the id, and the order of records.
fn printed(output: &str) -> String {
    const CHANGES: [&str; 11] = [
        // Why a query is refused (RFC 8914), which a server may say.
        "; EDE",
        ";; EDE",
        ";; Query time",
        ";; SERVER",
        ";; WHEN",
        ";; MSG SIZE",
        "; <<>>",
        ";; Received",
        ";; Time",
        ";; From",
        "Address:",
    ];
    let mut blocks: Vec<Vec<String>> = vec![Vec::new()];
    for line in output.lines().filter(|line| !CHANGES.iter().any(|word| line.starts_with(word))) {
        let line = line.split("id: ").next().unwrap();
        match line {
            "" => blocks.push(Vec::new()),
            // A wildcard in a name that the client asked for twice is one block for each question.
            line => blocks.last_mut().unwrap().push(line.to_ascii_lowercase()),
        }
    }
    blocks.iter_mut().for_each(|block| block.sort());
    blocks.concat().join("\n")
}

#[test]
fn dig_and_kdig_and_host_print_what_they_print_of_nsd() {
    if !["nsd", "dig", "kdig", "host"].into_iter().all(needs) {
        return;
    }
    let ((server, folder), nsd) = (serve(ZONE, &[]), Other::nsd());
    let lines: Vec<String> = questions().map(|(name, kind)| format!("{name} {kind}")).collect();
    folder.write("questions", lines.join("\n") + "\n");
    let dig = |address: SocketAddr| {
        let mut dig = Command::new("dig");
        dig.args(["@127.0.0.1", "-p", &address.port().to_string(), "+norec", "+nocookie", "-f"]);
        dig.arg(folder.join("questions"));
        dig
    };
    let kdig = |address: SocketAddr| {
        let mut kdig = Command::new("kdig");
        kdig.args(["@127.0.0.1", "-p", &address.port().to_string(), "+norec", "+edns", "+tcp"]);
        kdig.args(lines.iter().flat_map(|line| line.split(' ')));
        kdig
    };
    for client in [&dig as &dyn Fn(SocketAddr) -> Command, &kdig] {
        let [our, their] = [dns(&server), nsd.address].map(|address| {
            let finished = run(&mut client(address), b"");
            printed(&String::from_utf8_lossy(&finished.stdout))
        });
        assert!(our.matches("status: noerror").count() > 50, "{our}");
        assert_eq!(our, their);
    }
    for line in lines.iter().step_by(3) {
        let (name, kind) = line.split_once(' ').unwrap();
        let [our, their] = [dns(&server), nsd.address].map(|address| {
            let mut host = Command::new("host");
            host.args(["-r", "-t", kind, "-p", &address.port().to_string(), name, "127.0.0.1"]);
            let finished = run(&mut host, b"");
            (printed(&String::from_utf8_lossy(&finished.stdout)), finished.code)
        });
        assert_eq!(our, their, "{line}");
    }
}

/// The answers are the same; dnsmasq has no SOA record, and says that it asks other servers.
#[test]
fn a_file_of_hosts_is_served_as_by_dnsmasq() {
    if !needs("dnsmasq") {
        return;
    }
    let hosts = "# the lab\n192.0.2.1 www.lab web.lab\n192.0.2.1 third.lab\n192.0.2.2 ftp.lab\n\
                 2001:db8::1 www.lab v6.lab\n192.0.2.3 WWW.lab\n";
    let ((server, _folder), dnsmasq) = (serve(hosts, &[]), Other::dnsmasq(hosts));
    let nibbles = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
    for (name, kind) in [
        ("www.lab", "A"),
        ("WWW.LAB", "A"),
        ("www.lab", "AAAA"),
        ("web.lab", "A"),
        ("web.lab", "AAAA"),
        ("third.lab", "A"),
        ("ftp.lab", "A"),
        ("ftp.lab", "AAAA"),
        ("ftp.lab", "MX"),
        ("v6.lab", "AAAA"),
        ("lab", "A"),
        ("nope.lab", "A"),
        ("x.www.lab", "A"),
        ("1.2.0.192.in-addr.arpa", "PTR"),
        ("2.2.0.192.in-addr.arpa", "PTR"),
        ("3.2.0.192.in-addr.arpa", "PTR"),
        (nibbles, "PTR"),
        ("9.2.0.192.in-addr.arpa", "PTR"),
        ("example.org", "A"),
    ] {
        let [our, their] = [dns(&server), dnsmasq.address].map(|address| ask(address, name, kind));
        assert_eq!(our.code(), their.code(), "{name} {kind}");
        assert_eq!(sorted(&our.answers), sorted(&their.answers), "{name} {kind}");
    }
}

const SMALL: &str =
    "$ORIGIN example.org.\n$TTL 60\n@ SOA ns root 1 2 3 4 5\n@ NS ns\nns A 127.0.0.1\n";

#[test]
fn a_changed_file_is_read_again_and_a_faulty_one_is_not_served() {
    let (server, folder) = serve(SMALL, &[]);
    let address = dns(&server);
    let code = |name: &str| ask(address, name, "A").code();
    assert_eq!(code("www.example.org"), ResponseCode::NO_SUCH_NAME);
    let larger = format!("{SMALL}www A 192.0.2.1\n");
    folder.write("zone", &larger);
    let is_there = || (code("www.example.org") == ResponseCode::NO_ERROR).then_some(());
    assert!(eventually(is_there).is_some());
    folder.write("zone", format!("{larger}more A 192.0.2\n"));
    let logged = server.stderr_until(|text| text.contains("line 7"));
    assert!(logged.contains("ERROR") && logged.contains("the zones stay as they were"), "{logged}");
    assert_eq!(code("www.example.org"), ResponseCode::NO_ERROR);
    folder.write("zone", format!("{larger}more A 192.0.2.9\n"));
    let is_there = || (code("more.example.org") == ResponseCode::NO_ERROR).then_some(());
    assert!(eventually(is_there).is_some());
    let logged = server.program.stderr.text();
    assert_eq!(logged.matches("line 7").count(), 1, "logged once: {logged}");
}

#[test]
fn what_cannot_be_served_is_said_at_the_start() {
    let folder = Folder::with(&[
        ("wrong", &format!("{SMALL}www A 192.0.2.1\nwww CNAME ns\n")),
        ("right", SMALL),
    ]);
    let at = |name: &str| folder.join(name).display().to_string();
    let (wrong, right, missing) = (at("wrong"), at("right"), at("missing"));
    for (args, code, want) in [
        (
            &["--dns", "127.0.0.1:0", "--zone", &wrong][..],
            1,
            "wrong in line 7: www.example.org. owns a CNAME",
        ),
        (&["--dns", "127.0.0.1:0", "--zone", &missing], 1, "cannot be read"),
        (&["--dns", "127.0.0.1:0", "--zone", &right, "--zone", &right], 1, "another file"),
        (&["--dns", "127.0.0.1:0"], 2, "--dns requires a zone"),
        (&["--zone", &right], 2, "--zone requires an address"),
        (&["--dns", "53", "--zone", &right], 2, "an address and a port"),
        (&["--dns-rate", "0"], 2, "a number of at least 1"),
    ] {
        let finished = run(server_command(args).args(["--bind", "127.0.0.1:0"]), b"");
        assert_eq!(finished.code, Some(code), "{args:?} {}", finished.stderr);
        assert!(finished.stderr.contains(want), "{args:?} {}", finished.stderr);
    }
}

#[test]
fn several_zones_at_several_addresses() {
    let other = SMALL.replace("example.org", "example.net");
    let folder = Folder::with(&[("other", &other)]);
    let other = folder.join("other");
    let args = ["--dns", "127.0.0.1:0", "--dns", "127.0.0.1:0", "--zone", other.to_str().unwrap()];
    let (server, _folder) = serve(SMALL, &args);
    let addresses: Vec<SocketAddr> = server
        .ready
        .split(' ')
        .filter_map(|word| word.strip_prefix("dns://")?.parse().ok())
        .collect();
    assert_eq!(addresses.len(), 2, "{}", server.ready);
    for &address in &addresses {
        for name in ["ns.example.org", "ns.example.net"] {
            assert_eq!(ask(address, name, "A").answers.len(), 1);
            // The same port over TCP.
            let octets = tcp(address, &query(name, "A").encode(512));
            assert_eq!(Message::decode(&octets).unwrap().answers.len(), 1);
        }
    }
    let metrics = server.get("/-/metrics").text();
    assert!(metrics.contains("threadbare_dns_answers_total{code=\"NOERROR\"} 8\n"), "{metrics}");
}

/// Queries over one connection are answered in their order, whether they come at once or in pieces, with
/// either driver.
#[test]
fn queries_over_tcp_come_in_any_pieces() {
    for lobby in ["on", "off"] {
        let (server, _folder) = serve(ZONE, &["--lobby", lobby]);
        let mut stream = connect(dns(&server));
        let octets = |id| framed(&Message { id, ..query("www.example.org", "A") }.encode(512));
        let many: Vec<u8> = (0..1000).flat_map(octets).collect();
        let mut writer = stream.try_clone().unwrap();
        let sender = std::thread::spawn(move || writer.write_all(&many));
        for id in 0..1000 {
            assert_eq!(Message::decode(&receive(&mut stream).unwrap()).unwrap().id, id);
        }
        sender.join().unwrap().unwrap();
        for byte in octets(7) {
            stream.write_all(&[byte]).unwrap();
            std::thread::sleep(Duration::from_millis(2));
        }
        assert_eq!(Message::decode(&receive(&mut stream).unwrap()).unwrap().id, 7);
        // A message without a header: what follows may be anything.
        stream.write_all(&[octets(8), vec![0, 3, 1, 2, 3], octets(9)].concat()).unwrap();
        assert_eq!(Message::decode(&receive(&mut stream).unwrap()).unwrap().id, 8);
        assert!(receive(&mut stream).is_err(), "closed");
    }
}

#[test]
fn a_connection_ends_when_its_time_is_up() {
    for lobby in ["on", "off"] {
        let args = ["--lobby", lobby, "--idle-time", "0.3", "--head-time", "0.3"];
        let (server, _folder) = serve(ZONE, &args);
        let octets = framed(&query("www.example.org", "A").encode(512));
        for (what, sent) in
            [("nothing", &[][..]), ("half a query", &octets[..9]), ("half a length", &octets[..1])]
        {
            let (mut stream, start) = (connect(dns(&server)), Instant::now());
            stream.write_all(sent).unwrap();
            assert!(receive(&mut stream).is_err());
            assert!(start.elapsed() < Duration::from_secs(10), "{what}");
        }
        // Bytes that drip do not extend it.
        let mut stream = connect(dns(&server));
        let dripping = octets.iter().take_while(|byte| {
            std::thread::sleep(Duration::from_millis(50));
            stream.write_all(&[**byte]).is_ok()
        });
        assert!(dripping.count() < octets.len() || receive(&mut stream).is_err());
        let mut stream = connect(dns(&server));
        stream.write_all(&octets).unwrap();
        receive(&mut stream).unwrap();
        assert!(receive(&mut stream).is_err(), "idle");
    }
}

/// Idle connections hold no worker.
#[test]
fn many_connections_are_open_at_once() {
    let (server, _folder) = serve(ZONE, &["--workers", "2"]);
    let mut streams: Vec<TcpStream> = (0..300).map(|_| connect(dns(&server))).collect();
    let octets = framed(&query("www.example.org", "A").encode(512));
    for stream in &mut streams {
        stream.write_all(&octets[..5]).unwrap();
    }
    assert_eq!(ask(dns(&server), "www.example.org", "A").answers.len(), 2);
    for stream in streams.iter_mut().rev() {
        stream.write_all(&octets[5..]).unwrap();
        assert_eq!(Message::decode(&receive(stream).unwrap()).unwrap().answers.len(), 2);
    }
}

/// Random octets, and queries with some octets changed.
#[test]
fn nonsense_does_not_stop_it() {
    for lobby in ["on", "off"] {
        let (mut server, _folder) = serve(ZONE, &["--lobby", lobby]);
        let address = dns(&server);
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut state = 18_u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(state >> 33).unwrap()
        };
        for number in 0..3000 {
            let mut octets = query("www.example.org", "A").encode(512);
            if number % 2 == 0 {
                octets = (0..random() % 600).map(|_| random().to_le_bytes()[0]).collect();
            } else {
                let at = random() % octets.len();
                octets[at] = random().to_le_bytes()[0];
            }
            socket.send_to(&octets, address).unwrap();
        }
        // It may be busy for a moment, and drop a query.
        let octets = query("www.example.org", "A").encode(512);
        let answered = eventually(|| udp(address, &octets)).expect("an answer");
        assert_eq!(Message::decode(&answered).unwrap().answers.len(), 2);
        assert!(!server.program.has_ended());
    }
}

/// An address of this machine that is not a loopback address: from it, the limit counts.
fn address_of_this_machine() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_loopback())
}

#[test]
fn one_address_gets_so_many_responses_a_second() {
    let Some(own) = address_of_this_machine() else {
        skipped("this machine has a loopback address only");
        return;
    };
    let (server, _folder) = serve(ZONE, &["--dns", &format!("{own}:0"), "--dns-rate", "10"]);
    let socket = UdpSocket::bind((own, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let octets = query("www.example.org", "A").encode(512);
    let (mut whole, mut truncated) = (0, 0);
    for _ in 0..4 {
        (0..50).for_each(|_| drop(socket.send_to(&octets, dns(&server))));
        let mut buffer = [0; 512];
        while let Ok(length) = socket.recv(&mut buffer) {
            let answer = Message::decode(&buffer[..length]).unwrap();
            match answer.flags.has(Flags::TRUNCATED) {
                true => truncated += usize::from(answer.answers.is_empty()),
                false => whole += 1,
            }
        }
    }
    assert!((10..100).contains(&whole), "{whole}");
    assert!((40..100).contains(&truncated), "{truncated}");
    // A connection's address is not forged.
    let mut stream = connect(dns(&server));
    for _ in 0..50 {
        stream.write_all(&framed(&octets)).unwrap();
        assert_eq!(Message::decode(&receive(&mut stream).unwrap()).unwrap().answers.len(), 2);
    }
    let metrics = server.get("/-/metrics").text();
    assert!(!metrics.contains("dns_limited_total{response=\"dropped\"} 0\n"), "{metrics}");
}
