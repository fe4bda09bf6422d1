//! Name servers that no one here wrote: NSD, dnsmasq and unbound; their answers as `client dns` and as dig
//! print them.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::client::fake::Fake;
use crate::client::{client, fetched};
use crate::support::{Folder, Program, eventually, needs, run};

/// The zone of example.org.
const ZONE: &str = r#"$TTL 300
@ IN SOA ns root 1 3600 600 86400 60
@ NS ns
@ MX 10 mail
@ MX 20 mail.example.net.
@ TXT "v=spf1 -all" "two \"words\""
ns A 127.0.0.1
page A 127.0.0.1
www CNAME web
web CNAME page
out CNAME www.example.net.
Mixed A 192.0.2.7
v6 AAAA 2001:db8::1
both A 192.0.2.1
both A 192.0.2.2
both AAAA 2001:db8::2
_http._tcp SRV 1 2 80 page
*.wild A 192.0.2.9
odd\.name A 192.0.2.10
other TYPE65280 \# 3 0a0b0c
sub NS ns.sub
ns.sub A 192.0.2.53
1.2.0.192.in-addr PTR page
"#;

/// The questions: names without a dot at the end are in the zone.
const QUESTIONS: &[(&str, &str)] = &[
    ("page", "A"),
    ("page", "AAAA"),
    ("www", "A"),
    ("www", "AAAA"),
    ("www", "CNAME"),
    ("web", "A"),
    ("out", "CNAME"),
    ("mixed", "A"),
    ("MIXED", "A"),
    ("v6", "AAAA"),
    ("v6", "A"),
    ("both", "A"),
    ("both", "AAAA"),
    ("both", "MX"),
    ("example.org.", "SOA"),
    ("example.org.", "NS"),
    ("example.org.", "MX"),
    ("example.org.", "TXT"),
    ("_http._tcp", "SRV"),
    ("a.wild", "A"),
    ("a.b.wild", "A"),
    ("a.wild", "AAAA"),
    (r"odd\.name", "A"),
    ("other", "TYPE65280"),
    ("1.2.0.192.in-addr", "PTR"),
    ("nobody", "A"),
    ("nobody", "AAAA"),
    ("a.b.nobody", "TXT"),
    ("long", "TXT"),
];

/// Returns a port that is free over UDP and TCP.
fn free_port() -> u16 {
    let free = (0..100).find_map(|_| {
        let udp = UdpSocket::bind(("127.0.0.1", 0)).ok()?;
        TcpListener::bind(udp.local_addr().ok()?).ok()?;
        udp.local_addr().ok().map(|address| address.port())
    });
    free.expect("a free port")
}

/// Starts a name server and waits until it answers.
fn start(command: &mut Command, port: u16, name: &str) -> Program {
    let program = Program::start(command);
    let server = format!("@127.0.0.1:{port}");
    let answers = || {
        let asked = run(&mut client(&["dns", "-m", "1", name, &server]), b"");
        let is_there = String::from_utf8_lossy(&asked.stdout).contains("status: NOERROR");
        is_there.then_some(()).or_else(|| {
            thread::sleep(Duration::from_millis(100));
            None
        })
    };
    assert!(eventually(answers).is_some(), "{command:?}: {}", program.stderr.text());
    program
}

/// Starts NSD with the zone in this folder.
fn nsd(folder: &Folder, port: u16) -> Program {
    let long: Vec<String> = (10..30).map(|at| format!("\"{at}{}\"", "x".repeat(200))).collect();
    let path = |file: &str| folder.join(file).display().to_string();
    fs::write(folder.join("zone"), format!("{ZONE}long TXT {}\n", long.join(" "))).unwrap();
    let (zones, list, state) = (path("."), path("zone.list"), path("xfrd.state"));
    let conf = format!(
        "server:\n ip-address: 127.0.0.1@{port}\n username: \"\"\n chroot: \"\"\n zonesdir: \"{zones}\"\n \
         pidfile: \"\"\n zonelistfile: \"{list}\"\n xfrdfile: \"{state}\"\n xfrdir: \"{zones}\"\n \
         server-count: 1\nremote-control:\n control-enable: no\nzone:\n name: example.org\n zonefile: zone\n"
    );
    fs::write(folder.join("nsd.conf"), conf).unwrap();
    start(Command::new("nsd").args(["-d", "-c", &path("nsd.conf")]), port, "page.example.org")
}

/// Starts unbound, which asks the server at this port about the zone.
fn unbound(folder: &Folder, port: u16, authority: u16) -> Program {
    let path = |file: &str| folder.join(file).display().to_string();
    let conf = format!(
        "server:\n interface: 127.0.0.1@{port}\n do-daemonize: no\n use-syslog: no\n username: \"\"\n \
         chroot: \"\"\n directory: \"{}\"\n pidfile: \"\"\n access-control: 127.0.0.0/8 allow\n \
         do-not-query-localhost: no\n module-config: \"iterator\"\n num-threads: 1\n\
         stub-zone:\n name: \"example.org\"\n stub-addr: 127.0.0.1@{authority}\n",
        path(".")
    );
    fs::write(folder.join("unbound.conf"), conf).unwrap();
    start(
        Command::new("unbound").args(["-d", "-c", &path("unbound.conf")]),
        port,
        "page.example.org",
    )
}

/// Starts dnsmasq with some names of the zone.
fn dnsmasq(port: u16) -> Program {
    let mut command = Command::new("dnsmasq");
    command.args([
        "-k",
        "--listen-address=127.0.0.1",
        "--bind-interfaces",
        "--no-resolv",
        "--no-hosts",
    ]);
    command.args(["--conf-file=/dev/null", "--pid-file", "--user=root", "--local=/example.org/"]);
    command.args(["--local-ttl=300", "--host-record=page.example.org,127.0.0.1"]);
    command.args([
        "--cname=web.example.org,page.example.org",
        "--cname=www.example.org,web.example.org",
    ]);
    command.args(["--host-record=both.example.org,192.0.2.1,2001:db8::2"]);
    command.args(["--mx-host=example.org,mail.example.org,10", "--txt-record=example.org,text"]);
    command.args(["--srv-host=_http._tcp.example.org,page.example.org,80,1,2"]);
    start(command.arg(format!("--port={port}")), port, "page.example.org")
}

/// Returns what an output of dig's form says: the status, and the records of each section, sorted. `with_ttl`
/// says whether times to live count.
fn said(output: &str, with_ttl: bool) -> Vec<String> {
    let mut section = "";
    let mut said = Vec::new();
    for line in output.lines() {
        if let Some((_, status)) = line.split_once("status: ") {
            said.push(status.split(',').next().unwrap().to_owned());
        } else if let Some(title) = line.strip_suffix(" SECTION:") {
            section = title;
        } else if !line.starts_with(';') && !line.is_empty() {
            let mut words: Vec<&str> = line.split_whitespace().collect();
            if !with_ttl {
                words.remove(1);
            }
            said.push(format!("{section} {}", words.join(" ")));
        }
    }
    said.sort();
    said
}

/// Asks the questions with both programs. Returns what differs.
fn differing(port: u16, with_ttl: bool) -> Vec<String> {
    let (server, port) = (format!("@127.0.0.1:{port}"), port.to_string());
    let mut differing = Vec::new();
    for (name, record_type) in QUESTIONS {
        let name =
            if name.ends_with('.') { (*name).to_owned() } else { format!("{name}.example.org") };
        let ours = fetched(&["dns", &name, record_type, &server]);
        let mut dig = Command::new("dig");
        dig.args(["@127.0.0.1", "-p", &port, "+tries=2", "+time=5", "-r", &name, record_type]);
        let dig = String::from_utf8(run(&mut dig, b"").stdout).unwrap();
        let (ours, dig) = (said(&ours, with_ttl), said(&dig, with_ttl));
        if ours != dig || ours.is_empty() {
            differing.push(format!("{name} {record_type}: {ours:#?} {dig:#?}"));
        }
    }
    differing
}

/// Fetches a page from a name that has aliases.
fn fetches_a_page(port: u16) {
    let page = Fake::hello(1);
    let url = format!("http://www.example.org:{}/", page.port());
    assert_eq!(fetched(&["--dns", &format!("127.0.0.1:{port}"), &url]), "hello");
}

#[test]
fn nsd_and_unbound_answer_as_dig_shows_it() {
    if !["nsd", "unbound", "dig"].into_iter().all(needs) {
        return;
    }
    let (folder, authority, cache) = (Folder::new(), free_port(), free_port());
    let _nsd = nsd(&folder, authority);
    let _unbound = unbound(&folder, cache, authority);
    for (port, with_ttl) in [(authority, true), (cache, false)] {
        let wrong = differing(port, with_ttl);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        fetches_a_page(port);
    }
    // What only the authority says alike each time: a referral, and that other zones are not its own.
    let server = format!("@127.0.0.1:{authority}");
    let referral = fetched(&["dns", "www.sub.example.org", &server]);
    assert!(referral.contains("ns.sub.example.org.\t300\tIN\tA\t192.0.2.53"), "{referral}");
    assert!(fetched(&["dns", "example.net", &server]).contains("status: REFUSED"));
    let reverse = fetched(&["dns", "-x", "192.0.2.1", &server]);
    assert!(reverse.contains(";1.2.0.192.in-addr.arpa.\tIN\tPTR\n"), "{reverse}");
}

#[test]
fn dnsmasq_answers_as_dig_shows_it() {
    if !["dnsmasq", "dig"].into_iter().all(needs) {
        return;
    }
    let port = free_port();
    let _dnsmasq = dnsmasq(port);
    let wrong = differing(port, true);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    fetches_a_page(port);
}
