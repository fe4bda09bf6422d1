//! How the client reaches a server: addresses given by hand, detours, proxies, sockets in the file system, and
//! how long each phase may take. Side by side with curl where curl has it.

use std::io::{self, Read as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use threadbare::client::{Client, Config, ConnectOptions, ConnectVia, Family, NoProxy, Proxy};

use super::beside_curl::comparable;
use super::fake::{Fake, Talk};
use super::{WITHOUT, client, fetch, fetched};
use crate::support::{Folder, PATIENCE, Program, SOON, Server, eventually, needs, run, skipped};

/// Answers every request on every connection with the request itself, so that stdout shows what was asked.
fn echo() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            thread::spawn(move || echo_on(stream));
        }
    });
    address
}

/// The same at a socket in the file system, in this folder.
fn unix_echo(folder: &Folder) -> String {
    let path = folder.join("socket");
    let listener = UnixListener::bind(&path).expect("a folder of our own");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            thread::spawn(move || echo_on(stream));
        }
    });
    path.display().to_string()
}

/// Until the client leaves, which is no error.
fn echo_on(mut stream: impl io::Read + io::Write) -> io::Result<()> {
    loop {
        let request = message(&mut stream)?;
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", request.len());
        stream.write_all(&[head.as_bytes(), &request].concat())?;
    }
}

/// Reads a head, and the body whose length it gives.
fn message(stream: &mut impl io::Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        bytes.extend(byte);
    }
    let head = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().expect("a number"))];
    stream.read_exact(&mut body)?;
    Ok([bytes, body].concat())
}

/// Variables of the environment, and arguments.
type Case<'c> = (&'c [(&'c str, &'c str)], &'c [&'c str]);

/// Beside curl, each case with variables of the environment and arguments, in which `{at}` stands for
/// the echo's address, `{port}` for its port and `{socket}` for that of the other echo. What differs.
fn differing(cases: &[Case<'_>]) -> Vec<String> {
    let address = echo();
    let port = address.rsplit(':').next().expect("a port").to_owned();
    let folder = Folder::new();
    let socket = unix_echo(&folder);
    let put = |text: &str| {
        text.replace("{port}", &port).replace("{at}", &address).replace("{socket}", &socket)
    };
    let mut differ = Vec::new();
    for (variables, args) in cases {
        let variables: Vec<_> = variables.iter().map(|(name, value)| (name, put(value))).collect();
        let args: Vec<_> = ["-A", "me"].iter().chain(*args).map(|arg| put(arg)).collect();
        let mut curl = Command::new("curl");
        curl.args(["-q", "-sS", "-g", "-m", "9"]).args(&args);
        for name in WITHOUT {
            curl.env_remove(name);
        }
        let theirs = comparable(&run(curl.envs(variables.clone()), b""));
        let ours = comparable(&run(client(&args).envs(variables.clone()), b""));
        if ours != theirs {
            differ.push(format!("{variables:?} {args:?}:\n{ours:?}\n{theirs:?}"));
        }
    }
    differ
}

#[test]
fn the_same_way_as_curl() {
    if !needs("curl") {
        return;
    }
    const HOST: &str = "http://a.example:{port}/x?y=z#f";
    let no_proxy: &[(&str, &str)] = &[];
    let mut cases: Vec<Case<'_>> = Vec::new();
    for args in [
        // Addresses given by hand.
        &["--resolve", "a.example:{port}:127.0.0.1", HOST][..],
        &["--resolve", "A.Example:{port}:127.0.0.1", HOST],
        &["--resolve", "+a.example:{port}:127.0.0.1", HOST],
        &["--resolve", "*:{port}:127.0.0.1", HOST],
        &["--resolve", "*:{port}:127.0.0.9", "--resolve", "a.example:{port}:127.0.0.1", HOST],
        &[
            "--resolve",
            "a.example:{port}:127.0.0.9",
            "--resolve",
            "a.example:{port}:127.0.0.1",
            HOST,
        ],
        &["--resolve", "a.example:{port}:[::1],127.0.0.1", "-w", "%{remote_ip}", HOST],
        &[
            "--resolve",
            "a.example:{port}:127.0.0.9,127.0.0.1",
            "-w",
            "%{remote_ip}|%{remote_port}",
            HOST,
        ],
        &[
            "--resolve",
            "127.0.0.2:{port}:127.0.0.1",
            "-w",
            "%{remote_ip}",
            "http://127.0.0.2:{port}/",
        ],
        &[
            "--resolve",
            "*:{port}:127.0.0.1",
            "-w",
            "%{local_ip} %{num_connects}",
            HOST,
            HOST,
            "http://b:{port}",
        ],
        &["--resolve", "a.example:{port}:127.0.0.9", HOST],
        &["--resolve", "a.example:1:127.0.0.1", "http://a.example:1/"],
        &["--resolve", "a.example:{port}", HOST],
        &["--resolve", "a.example:{port}:", HOST],
        &["--resolve", "a.example:*:127.0.0.1", HOST],
        &["--resolve", "a.example:x:127.0.0.1", HOST],
        &["--resolve", "a.example:{port}:nowhere", HOST],
        &["--resolve", "a.example:{port}:127.0.0.1,nowhere", HOST],
        // One family.
        &["-4", "-w", "%{remote_ip}", "http://localhost:{port}/"],
        &["-6", "-4", "-w", "%{remote_ip}", "http://localhost:{port}/"],
        &["-6", "http://127.0.0.1:{port}/"],
        &["--ipv4", "http://[::1]:{port}/"],
        &["-4", "--resolve", "a.example:{port}:[::1],127.0.0.1", HOST],
        &["-6", "--resolve", "127.0.0.1:{port}:127.0.0.1", "http://127.0.0.1:{port}/"],
        &["-6", "-x", "{at}", "http://a.example/"],
        // Detours.
        &["--connect-to", "a.example:81:127.0.0.1:{port}", "http://a.example:81/"],
        &["--connect-to", "A.EXAMPLE:81:127.0.0.1:{port}", "http://a.example:81/"],
        &["--connect-to", "::127.0.0.1:{port}", "-w", "%{remote_port}", "http://a.example/"],
        &["--connect-to", "a.example::127.0.0.1:{port}", "http://a.example:81/"],
        &["--connect-to", ":81:127.0.0.1:{port}", "http://a.example:81/"],
        &[
            "--connect-to",
            ":82:127.0.0.1:1",
            "--connect-to",
            "::127.0.0.1:{port}",
            "http://a.example/",
        ],
        &["--connect-to", "127.0.0.1:81::{port}", "http://127.0.0.1:81/"],
        &["--connect-to", "a.example:{port}:127.0.0.1:", HOST],
        &["--connect-to", "a.example:{port}:127.0.0.1", HOST],
        &[
            "--connect-to",
            "a.example:80:localhost:{port}",
            "--resolve",
            "localhost:{port}:127.0.0.1",
            "http://a.example",
        ],
        &[
            "--connect-to",
            "a.example:81:{at}",
            "--connect-to",
            "{at}:127.0.0.1:1",
            "http://a.example:81/",
        ],
        &["--connect-to", "[::2]:81:{at}", "http://[::2]:81/"],
        &["--connect-to", "a.example:81:127.0.0.1:1", "http://a.example:81/"],
        &["--connect-to", "a.example:81:127.0.0.1:x", "http://a.example:81/"],
        &["--connect-to", "a.example:81:127.0.0.1:99999", "http://a.example:81/"],
        &["--connect-to", "::2:81:{at}", "http://[::2]:81/"],
        &["--connect-to", "::{at}", "-w", "%{num_connects}", "http://a/", "http://a/", "http://b/"],
        // A socket.
        &["--unix-socket", "{socket}", "http://a.example/x"],
        &[
            "--unix-socket",
            "{socket}",
            "-w",
            "%{remote_ip} %{local_ip}|%{local_port}",
            "http://a.example:81/",
        ],
        &[
            "--unix-socket",
            "{socket}",
            "-w",
            "%{num_connects}",
            "http://a/",
            "http://a/",
            "http://b/",
        ],
        &[
            "--unix-socket",
            "{socket}",
            "-x",
            "{at}",
            "--connect-to",
            "::127.0.0.1:1",
            "http://a.example/",
        ],
        &["--unix-socket", "{socket}", "-X", "DELETE", "http://a.example/"],
        &["--unix-socket", "/no/such/socket", "http://{at}/"],
        &["--unix-socket", "/", "http://{at}/"],
        // A proxy.
        &["-x", "{at}", "http://a.example/x?y=z#f"],
        &["-x", "{at}", "http://a.example:80"],
        &["-x", "HTTP://{at}/path", "http://a.example:81/x"],
        &["--proxy", "{at}", "-X", "OPTIONS", "http://a.example/"],
        &["-x", "{at}", "-I", "http://a.example/"],
        &["-x", "{at}", "--http1.0", "http://a.example/"],
        &["-x", "{at}", "-H", "Host: b", "-H", "X: y", "http://a.example/"],
        &["-x", "{at}", "-H", "Host:", "http://a.example/"],
        &["-x", "{at}", "-H", "Proxy-Connection:", "http://a.example/"],
        &["-x", "{at}", "-H", "Proxy-Connection: close", "http://a.example/"],
        &["-x", "{at}", "-u", "a:b", "-e", "r", "-r", "0-1", "-H", "X: y", "http://a.example/"],
        &["-x", "u:p@{at}", "-u", "a:b", "http://a.example/"],
        &["-x", "http://u:p@{at}", "-U", "c:d", "http://a.example/"],
        &["-x", "http://u%20x:p%3A@{at}/", "http://a.example/"],
        &["-x", "http://u@{at}/", "http://a.example/"],
        &["-x", "http://:p@{at}/", "http://a.example/"],
        &["-x", "{at}", "-U", "c:d", "http://a.example/"],
        &["-x", "{at}", "--proxy-user", "c%20e:%40", "http://a.example/"],
        &["-U", "c:d", "http://{at}/"],
        &["-x", "", "http://{at}/"],
        &["-x", "p.example:{port}", "--resolve", "p.example:{port}:127.0.0.1", "http://a.example/"],
        &[
            "-x",
            "{at}",
            "-w",
            "%{num_connects}|%{remote_ip}",
            "http://a/",
            "http://b/",
            "http://{at}/",
        ],
        &["-x", "{at}", "--noproxy", "a.example", "http://{at}/"],
        &["-x", "127.0.0.1:1", "http://a.example/"],
        &[
            "-x",
            "127.0.0.1",
            "--connect-timeout",
            "1",
            "--resolve",
            "x:1:127.0.0.1",
            "http://{at}/",
        ],
        &["-x", "foo://{at}", "http://a.example/"],
        &["-x", "http://127.0.0.1:99999", "http://a.example/"],
        &["-x", "http://", "http://a.example/"],
        &["-x", "u:p@q@{at}", "http://a.example/"],
        &["-x", "foo://{at}", "--noproxy", "127.0.0.1", "http://{at}/"],
        // Time.
        &["--connect-timeout", "5", "-y", "5", "-Y", "1", "http://{at}/"],
    ] {
        cases.push((no_proxy, args));
    }
    // Who is asked without the proxy: shown by the form of the target, or by who answers.
    let lists = [
        "127.0.0.1",
        "127.0.0.0/8",
        "127.0.0.1/32",
        "10.0.0.0/8",
        "127.0.0.0/33",
        "127.0.0.0/",
        "127.1/8",
        "0.0.1",
        ".0.0.1",
        "127.0.0.1:80",
        "*",
        "x,*",
        "*.0.0.1",
        "x 127.0.0.0/8",
        "x, 127.0.0.1 ,y",
        "",
    ];
    let lists: Vec<[&str; 5]> =
        lists.iter().map(|list| ["-x", "{at}", "--noproxy", list, "http://{at}/"]).collect();
    cases.extend(lists.iter().map(|args| (no_proxy, &args[..])));
    let names = [
        "a.example",
        ".a.example",
        "example",
        ".example",
        "a.example.",
        "A.EXAMPLE",
        " b a.example",
        "b.example",
        "xa.example",
        "ample",
        "*.example",
        "a.example:{port}",
        "x.a.example",
        ",,a.example,",
    ];
    let known = "a.example:{port}:127.0.0.1";
    let names: Vec<[&str; 7]> = names
        .iter()
        .map(|list| ["--resolve", known, "-x", "{at}", "--noproxy", list, HOST])
        .collect();
    cases.extend(names.iter().map(|args| (no_proxy, &args[..])));
    // The environment.
    let asked = &["http://a.example/"][..];
    let here = &["http://{at}/"][..];
    let (proxy, nowhere) = ("{at}", "127.0.0.1:1");
    let variables: &[Case<'_>] = &[
        (&[("http_proxy", proxy)], asked),
        (&[("http_proxy", "http://u:p@{at}/")], asked),
        (&[("http_proxy", "http://u:p@{at}/")], &["-U", "c:d", "http://a.example/"]),
        (&[("http_proxy", proxy)], &["-U", "c:d", "http://a.example/"]),
        (&[("HTTP_PROXY", nowhere)], here),
        (&[("ALL_PROXY", proxy)], asked),
        (&[("all_proxy", proxy), ("ALL_PROXY", nowhere)], asked),
        (&[("http_proxy", proxy), ("all_proxy", nowhere)], asked),
        (&[("http_proxy", ""), ("ALL_PROXY", proxy)], asked),
        (&[("all_proxy", ""), ("ALL_PROXY", proxy)], asked),
        (&[("http_proxy", nowhere)], &["-x", "{at}", "http://a.example/"]),
        (&[("http_proxy", nowhere)], &["-x", "", "http://{at}/"]),
        (&[("http_proxy", nowhere), ("NO_PROXY", "127.0.0.1")], here),
        (&[("http_proxy", proxy), ("no_proxy", "b"), ("NO_PROXY", "127.0.0.1")], here),
        (&[("http_proxy", proxy), ("no_proxy", ""), ("NO_PROXY", "127.0.0.1")], here),
        (&[("http_proxy", proxy), ("NO_PROXY", "127.0.0.1")], &["--noproxy", "", "http://{at}/"]),
        (&[("http_proxy", proxy), ("NO_PROXY", "*")], &["--noproxy", "b", "http://{at}/"]),
        (&[("no_proxy", "127.0.0.1")], &["-x", nowhere, "http://{at}/"]),
        (&[("http_proxy", "foo://{at}")], asked),
        (&[("http_proxy", "foo://{at}"), ("no_proxy", "127.0.0.1")], here),
        (&[("http_proxy", nowhere)], &["--unix-socket", "{socket}", "http://a.example/"]),
    ];
    cases.extend(variables);
    let differ = differing(&cases);
    assert!(differ.is_empty(), "of {}, ours, and theirs: {}", cases.len(), differ.join("\n"));
}

/// Where we end another way than curl (7.88), on purpose: our code, and curl's.
#[test]
fn another_way() {
    if !needs("curl") {
        return;
    }
    let echo = echo();
    for (args, ours, theirs) in [
        // A detour for one who is asked through a proxy would need a tunnel.
        (
            &["-x", "{at}", "--connect-to", "::127.0.0.1:1", "http://a.example/"][..],
            1,
            &[1, 7, 56][..],
        ),
        // What curl takes for nothing is wrong here.
        (&["--connect-to", "127.0.0.1", "http://{at}/"], 49, &[0]),
        (&["--connect-to", "", "http://{at}/"], 49, &[0]),
        // What is given by hand is not taken back: it was not given.
        (&["--resolve", "-127.0.0.1:80", "http://{at}/"], 49, &[0]),
        (&["--resolve", "127.0.0.1:0:127.0.0.1", "http://{at}/"], 49, &[0]),
        // An IPv6 address can be given others, too.
        (&["--resolve", "[::2]:80:127.0.0.1", "http://{at}/"], 0, &[49, 0]),
        // A password is not asked for.
        (&["-x", "{at}", "-U", "c", "http://a.example/"], 2, &[0]),
        // Proxies that speak something else are refused, not tried.
        (&["-x", "socks5://127.0.0.1:1", "http://a.example/"], 7, &[7, 97]),
        (&["-x", "https://127.0.0.1:1", "http://a.example/"], 7, &[7, 4]),
        // Networks of IPv6 are networks. Port 1 is nobody's.
        (&["-x", "{at}", "--noproxy", "::/64", "http://[::1]:1/"], 7, &[0, 7]),
        // No tunnel, no https.
        (&["-x", "{at}", "https://a.example/"], 1, &[35, 56]),
        // A path that is too long for a socket is one that cannot be connected to.
        (&["--unix-socket", LONG, "http://{at}/"], 7, &[6, 7]),
    ] {
        let args: Vec<_> = args.iter().map(|arg| arg.replace("{at}", &echo)).collect();
        let mut curl = Command::new("curl");
        curl.args(["-q", "-sS", "-g", "-m", "9"]).args(&args);
        for name in WITHOUT {
            curl.env_remove(name);
        }
        let (curls, finished) = (run(&mut curl, b"").code, run(&mut client(&args), b""));
        assert_eq!(finished.code, Some(ours), "{args:?}: {}", finished.stderr);
        assert!(curls.is_some_and(|code| theirs.contains(&code)), "{args:?}: {curls:?}");
    }
}

const LONG: &str = "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

/// A proxy that forwards: it reads a request with a whole URL for a target, asks the server for it and passes
/// its answer on. It keeps what it was sent.
fn forwarding() -> Fake {
    Fake::new(|talk| {
        loop {
            let request = talk.request()?;
            let (method, rest) = request.split_once(' ').expect("a request line");
            let Some((place, rest)) =
                rest.strip_prefix("http://").and_then(|rest| rest.split_once('/'))
            else {
                return talk.say("HTTP/1.1 400 Not For A Proxy\r\nContent-Length: 0\r\n\r\n");
            };
            let (line, fields) = rest.split_once("\r\n").expect("a line end");
            let fields: Vec<_> = fields.split_inclusive("\r\n").collect();
            let fields = fields.iter().filter(|field| !field.starts_with("Proxy-"));
            let fields: String = fields.copied().collect();
            let mut server = TcpStream::connect(place)?;
            server.set_read_timeout(Some(PATIENCE))?;
            io::Write::write_all(&mut server, format!("{method} /{line}\r\n{fields}").as_bytes())?;
            let answer = message(&mut server)?;
            talk.say(answer)?;
        }
    })
}

/// RFC 6761, 6.3: a name within localhost is this machine, and no resolver is asked for it.
#[test]
fn names_within_localhost_are_this_machine() {
    let fake = Fake::hello(1);
    let port = fake.port();
    for (name, flags) in [
        ("foo.localhost", &[][..]),
        ("a.b.LOCALHOST", &["-4"]),
        ("foo.localhost.", &[]),
        ("proxied.example", &["-x", &format!("http://p.localhost:{port}")]),
    ] {
        let url = format!("http://{name}:{port}/");
        assert_eq!(
            fetched(&[flags, &["-Z", "--parallel-max", "1", &url, &url]].concat()),
            "hellohello"
        );
    }
    let finished = fetch(&["-6", "-v", &format!("http://foo.localhost:{port}/")]);
    assert_eq!(finished.code, Some(7), "the server has no IPv6 address");
    let said = finished.stderr;
    assert!(said.contains("Trying [::1]:") && !said.contains("127.0.0.1"), "{said}");
}

#[test]
fn a_proxy_is_asked_and_only_it_is_told_who_asks() {
    let (proxy, server) = (forwarding(), Fake::hello(9));
    let at_proxy = format!("http://ada:secret@{}", proxy.address());
    let (one, two) = (server.url("/one"), server.url("/two"));
    assert_eq!(fetched(&["-x", &at_proxy, &one, "-d", "a=b", &two]), "hellohello");
    assert_eq!(proxy.connections(), 1, "one connection, whoever is asked through it");
    let asked = proxy.requests();
    assert_eq!(asked.len(), 2);
    assert!(
        asked[1].starts_with(&format!("POST {two} HTTP/1.1\r\nHost: {}\r\n", server.address()))
    );
    assert!(
        asked
            .iter()
            .all(|request| request.contains("\r\nProxy-Authorization: Basic YWRhOnNlY3JldA==\r\n"))
    );
    for request in server.requests() {
        assert!(!request.contains("Proxy-"), "{request}");
    }
}

/// A redirect from a server behind the proxy to one that is asked directly, and the way back.
#[test]
fn a_redirect_may_change_the_way() {
    let (proxy, direct) = (forwarding(), echo());
    let to = format!("http://localhost:{}/there", direct.rsplit(':').next().expect("a port"));
    let answer = format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
    let server = Fake::saying(answer);
    let client = Client::with_config(Config {
        connect: ConnectOptions {
            family: Family::V4,
            via: ConnectVia::Proxy(
                Proxy::parse(&format!("u:p@{}", proxy.address())),
                NoProxy::parse("localhost"),
            ),
            ..ConnectOptions::default()
        },
        ..Config::default()
    });
    let call = client.get(&server.url("/here"));
    let mut response = call.header("Proxy-Authorization", "mine").send().expect("an answer");
    let mut text = String::new();
    response.read_to_string(&mut text).expect("text");
    assert!(text.starts_with("GET /there HTTP/1.1\r\nHost: localhost:"), "{text}");
    assert!(!text.contains("Proxy-"), "{text}");
    let asked = proxy.requests().concat();
    assert_eq!(asked.matches("Proxy-Authorization: mine\r\n").count(), 1);
    assert!(!asked.contains("Basic") && !asked.contains("Proxy-Connection"), "{asked}");
}

/// A proxy that has left while its connection waited is asked anew; one that is of no use is an error that
/// says so.
#[test]
fn a_proxy_that_leaves_and_one_that_is_none() {
    let proxy = Fake::hello(1);
    let args = ["-x", &proxy.address(), "http://a.example/", "http://b.example/"];
    assert_eq!(fetched(&args), "hellohello");
    assert_eq!(proxy.connections(), 2);
    let label_too_long = "x".repeat(64);
    for (code, args, says) in [
        (
            5,
            &["-x", &*label_too_long, "http://a/"][..],
            "could not find the address of the proxy xxx",
        ),
        (
            5,
            &["-x", "u:secret@a b", "http://a/"],
            "the proxy's address is not valid; right: http://",
        ),
        (7, &["-x", "socks5://u:secret@p", "http://a/"], "a \"socks5\" proxy"),
        (7, &["-6", "-x", "127.0.0.1", "http://a/"], "it is not an IPv6 address"),
        (7, &["-x", "127.0.0.1:1", "http://a/"], "could not connect to 127.0.0.1 port 1"),
        (
            7,
            &["--unix-socket", "/no/such", "http://a/"],
            "could not connect to the socket /no/such: No such",
        ),
        (1, &["-x", "p", "--connect-to", "a::b:", "http://a/"], "needs a tunnel (CONNECT)"),
        (
            49,
            &["--resolve", "a:80", "http://a/"],
            "--resolve: invalid value \"a:80\"; right: HOST:PORT:",
        ),
        (
            49,
            &["--connect-to", "a", "http://a/"],
            "--connect-to: invalid value \"a\"; right: HOST1:PORT1:",
        ),
    ] {
        let finished = fetch(args);
        let said = finished.failed(code, &format!("{args:?}"));
        assert!(said.contains(says) && !said.contains("secret"), "{args:?}: {said}");
    }
}

/// Each phase's time, its flag, and what is said when it is up.
#[test]
fn every_phase_has_its_time() {
    let silent = Fake::new(Talk::wait);
    let taking_nothing = Fake::new(|talk| {
        talk.head()?;
        thread::sleep(PATIENCE);
        Ok(())
    });
    let stopping = Fake::new(|talk| {
        talk.request()?;
        talk.say("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello")?;
        talk.wait()
    });
    let dripping = Fake::new(|talk| {
        talk.request()?;
        talk.say("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")?;
        talk.drip([b'x'; 5000], Duration::from_millis(20))
    });
    let folder = Folder::new();
    folder.write("large", vec![b'x'; 32 << 20]);
    let large = format!("@{}", folder.join("large").display());
    let rate = "less than 1000 bytes per second for 500ms";
    for (args, url, says) in [
        (
            &["--first-byte-timeout", "0.3"][..],
            silent.url("/"),
            "timed out after 300ms while waiting for the response",
        ),
        (
            &["--send-timeout", "0.3", "-H", "Expect:", "--data-binary", &large],
            taking_nothing.url("/"),
            "timed out after 300ms while sending the request",
        ),
        (
            &["--idle-timeout", "0.3", "-o", "/dev/null"],
            stopping.url("/"),
            "timed out after 300ms while receiving the body",
        ),
        (
            &["-m", "0.3", "-o", "/dev/null"],
            dripping.url("/"),
            "timed out after 300ms while receiving the body",
        ),
        (&["-Y", "1000", "-y", "0.5", "-o", "/dev/null"], dripping.url("/"), rate),
        (&["--speed-limit", "1000", "--speed-time", ".5"], silent.url("/"), rate),
        (
            &["-y", "0.5"],
            silent.url("/"),
            "less than 1 bytes per second for 500ms while waiting for the response",
        ),
    ] {
        let begun = Instant::now();
        let args: Vec<_> = args.iter().copied().chain([&*url]).collect();
        let finished = fetch(&args);
        assert!(begun.elapsed() < SOON, "{args:?}");
        let said = finished.failed(28, &format!("{args:?}"));
        assert!(said.contains(says), "{args:?}: {said}");
    }
    // What is slow because of us is not too slow, and what drips is not silent.
    let fine = Fake::saying(
        ["HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n", &"x".repeat(3000)].concat(),
    );
    let args = ["-Y", "3000", "-y", "0.2", "--limit-rate", "2000", &fine.url("/")];
    assert_eq!(fetched(&args).len(), 3000);
    let drop_by_drop = Fake::new(|talk| {
        talk.request()?;
        talk.say("HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n")?;
        talk.drip([b'x'; 40], Duration::from_millis(20))
    });
    assert_eq!(fetched(&["--idle-timeout", "0.6", &drop_by_drop.url("/")]).len(), 40);
}

/// What is sent, what `--offline` prints, and what the commands of `--as` send are the same bytes, to the same
/// place.
#[test]
fn the_same_way_when_it_is_not_gone() {
    let curl_is_there = needs("curl");
    let at = echo();
    let port = at.rsplit(':').next().expect("a port");
    let pin = format!("a.example:{port}:127.0.0.1");
    let at_name = format!("http://a.example:{port}/x");
    for args in [
        &["-x", &at, "http://a.example/x"][..],
        &["-x", &format!("http://u%20x:p%3A@{at}"), "-u", "a:b", "http://a.example/x?y"],
        &["-x", &at, "-U", "u:p", "-H", "Proxy-Authorization: mine", "http://a.example/"],
        &["-x", &at, "-H", "Proxy-Connection:", "http://a.example:81/"],
        &["--resolve", &pin, &at_name],
        &["-4", "--connect-to", &format!("::{at}"), "http://a.example/x"],
    ] {
        let sent = fetched(args);
        assert_eq!(fetched(&[&["--offline"], args].concat()), sent, "{args:?}");
        let shell =
            |line: &str| String::from_utf8(run(&mut Command::new("sh"), line.as_bytes()).stdout);
        let nc = fetched(&[&["--as", "nc"], args].concat());
        assert!(nc.ends_with(&format!(" 127.0.0.1 {port}\n")), "{nc}");
        assert_eq!(shell(&format!("nc() {{ cat; }}; {nc}")).as_deref(), Ok(&*sent), "{nc}");
        if curl_is_there {
            let line = fetched(&[&["--as", "curl"], args].concat());
            assert_eq!(
                shell(&line.replacen("curl", "curl -qsS", 1)).as_deref(),
                Ok(&*sent),
                "{line}"
            );
        }
    }
    let nc = fetched(&["--as", "nc", "--unix-socket", "/a b", "http://a/"]);
    assert!(nc.ends_with(" | nc -U '/a b'\n"), "{nc}");
    fetch(&["--offline", "-x", "socks5://p", "http://a/"]).failed(7, "no way");
}

/// A socket in the file system on which nobody accepts: there is a time for that, too.
#[test]
fn a_socket_that_nobody_serves() {
    let folder = Folder::new();
    let path = folder.join("socket");
    let _listener = UnixListener::bind(&path).expect("a folder of our own");
    let path = path.display().to_string();
    let finished = fetch(&["--unix-socket", &path, "--first-byte-timeout", "0.3", "http://a/"]);
    finished.failed(28, "nobody accepts");
    let own = unix_echo(&Folder::new());
    let finished = fetch(&["--unix-socket", &own, "http://a/"]);
    let said = finished.failed(7, "its folder is gone");
    assert!(said.contains("could not connect to the socket"), "{said}");
}

/// What stands between, written by others: a forward proxy of Apache's or nginx's, started by the test in
/// this folder, on this port.
fn started(mut command: Command, port: u16) -> Option<Program> {
    let mut program = Program::start(&mut command);
    let up = eventually(|| match TcpStream::connect(("127.0.0.1", port)) {
        Ok(_) => Some(true),
        Err(_) => program.has_ended().then_some(false),
    });
    (up == Some(true)).then_some(program)
}

fn free_port() -> u16 {
    let free = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    free.local_addr().expect("it is bound").port()
}

/// Several transfers through a real proxy to our server: as if it were not there.
fn transfers_through(port: u16) {
    let folder = Folder::with(&[("page", "hello\n")]);
    folder.write("bytes", (0..=255).cycle().take(300_000).collect::<Vec<u8>>());
    let server = Server::of(&folder, &[]);
    let (page, bytes) = (server.url("/page"), server.url("/bytes"));
    let proxy = format!("127.0.0.1:{port}");
    assert_eq!(fetched(&["-x", &proxy, &page, &page]), "hello\nhello\n");
    let through = fetch(&["-x", &proxy, &bytes]);
    assert!(through.stdout == fetch(&[&bytes]).stdout, "{}", through.stderr);
    let echoed = fetched(&["-x", &proxy, "-U", "u:p", "-d", "a=b", &server.url("/echo?x=y")]);
    assert!(echoed.starts_with("POST /echo?x=y HTTP/1."), "{echoed}");
    assert!(echoed.ends_with("a=b"), "{echoed}");
    let head = fetched(&["-x", &proxy, "-I", &page]);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let null = "/dev/null";
    let count = ["-o", null, "-o", null, "-w", "%{num_connects}"];
    let args = [&["-x", &proxy][..], &count, &[&page, &page]].concat();
    assert_eq!(fetched(&args), "10", "its connection is used again");
    let down = format!("http://127.0.0.1:{}/", free_port());
    let refused = fetched(&["-x", &proxy, "-i", &down]);
    assert!(refused.starts_with("HTTP/1.1 50"), "{refused}");
}

#[test]
fn apache_in_between() {
    if !needs("apache2") {
        return;
    }
    let wanted = ["mpm_event", "proxy", "proxy_http", "authz_core"];
    let built_in = Command::new("apache2").arg("-l").output().map(|output| output.stdout);
    let built_in = String::from_utf8_lossy(&built_in.unwrap_or_default()).into_owned();
    let missing = |name: &&&str| !built_in.contains(&format!("mod_{name}.c"));
    let wanted: Vec<_> = wanted.iter().filter(missing).collect();
    // Where the packages of the usual systems put them.
    let places = ["/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules"];
    let has = |place: &str, name: &str| Path::new(place).join(format!("mod_{name}.so")).exists();
    let modules = places.iter().find(|place| wanted.iter().all(|name| has(place, name)));
    let Some(modules) = modules else {
        skipped("Apache's mod_proxy is in none of the usual places");
        return;
    };
    let loads =
        wanted.iter().map(|name| format!("LoadModule {name}_module {modules}/mod_{name}.so\n"));
    let loads: String = loads.collect();
    let tried = (0..5).find_map(|_| {
        let (folder, port) = (Folder::new(), free_port());
        let place = folder.path().display();
        folder.write("conf", format!(
            "ServerRoot {place}\nServerName localhost\nListen 127.0.0.1:{port}\nPidFile {place}/pid\n{loads}\
             ErrorLog {place}/log\nMutex file:{place}\nDefaultRuntimeDir {place}\nProxyRequests On\nKeepAlive On\n"
        ));
        let mut command = Command::new("apache2");
        command.args(["-X", "-f"]).arg(folder.join("conf"));
        started(command, port).map(|program| (program, folder, port))
    });
    let Some((_apache, _folder, port)) = tried else {
        skipped("Apache does not start");
        return;
    };
    transfers_through(port);
}

#[test]
fn nginx_in_between_and_behind_a_socket() {
    if !needs("nginx") {
        return;
    }
    let tried = (0..5).find_map(|_| {
        let (folder, port) = (Folder::new(), free_port());
        let place = folder.path().display();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let temporary = temporary.map(|name| format!("{name}_temp_path {place}/{name};\n")).concat();
        folder.write("conf", format!(
            "daemon off; master_process off; pid {place}/pid; error_log {place}/log;\nevents {{}}\nhttp {{\n\
             access_log off; {temporary}\nserver {{ listen 127.0.0.1:{port}; location / {{\n\
             proxy_pass http://$http_host$request_uri; proxy_set_header Host $http_host; proxy_set_header Proxy-Authorization \"\"; }} }}\n\
             server {{ listen unix:{place}/socket; location / {{ return 200 \"socket $host$request_uri\"; }} }}\n}}\n"
        ));
        let mut command = Command::new("nginx");
        command.args(["-e", "stderr", "-p"]).arg(folder.path()).arg("-c").arg(folder.join("conf"));
        started(command, port).map(|program| (program, folder, port))
    });
    let Some((_nginx, folder, port)) = tried else {
        skipped("nginx does not start");
        return;
    };
    transfers_through(port);
    let socket = folder.join("socket").display().to_string();
    let said = fetched(&["--unix-socket", &socket, "http://a.example/b", "http://a.example/c"]);
    assert_eq!(said, "socket a.example/bsocket a.example/c");
}

/// `--interface`, `--local-port`: what the server sees of the client.
#[test]
fn connections_come_from_where_the_user_says() {
    let fake = Fake::hello(1);
    let from = |args: &[&str]| {
        fetched(
            &[args, &["-o", "/dev/null", "-w", "%{local_ip} %{local_port}", &fake.url("/")]]
                .concat(),
        )
    };
    assert!(from(&["--interface", "127.0.0.9"]).starts_with("127.0.0.9 "));
    assert!(from(&["--interface", "host!localhost"]).starts_with("127.0.0.1 "));
    assert!(from(&["--interface", "if!lo"]).starts_with("127.0.0.1 "));
    let free = TcpListener::bind("127.0.0.8:0").unwrap().local_addr().unwrap().port();
    let range = format!("{}-{free}", free.saturating_sub(30));
    let seen = from(&["--interface", "127.0.0.8", "--local-port", &range]);
    let port: u16 = seen.split(' ').nth(1).unwrap().parse().unwrap();
    assert!((free - 30..=free).contains(&port), "{seen}");
    let taken = TcpListener::bind("127.0.0.7:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let url = fake.url("/");
    let said = fetch(&["--interface", "127.0.0.7", "--local-port", &port, &url]);
    assert!(said.failed(45, "a port that is taken").contains("could not bind to the local"));
    let said = fetch(&["--interface", "no-such-one", &url]);
    assert!(said.failed(45, "no interface").contains("--interface no-such-one: there is no such"));
}

/// A zone leads to an interface, and is told to no server (RFC 6874, 3).
#[test]
fn zones_are_not_sent() {
    let Ok(listener) = TcpListener::bind("[::1]:0") else { return };
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let mut heads = String::new();
        for stream in listener.incoming().take(2) {
            let (mut stream, mut bytes) = (stream.unwrap(), [0; 4096]);
            let count = stream.read(&mut bytes).unwrap();
            heads.push_str(&String::from_utf8_lossy(&bytes[..count]));
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").unwrap();
        }
        heads
    });
    for zone in ["%25lo", "%lo"] {
        assert_eq!(fetched(&[format!("http://[::1{zone}]:{port}/")]), "hello");
    }
    let heads = server.join().unwrap();
    assert_eq!(heads.matches(&format!("\r\nHost: [::1]:{port}\r\n")).count(), 2, "{heads}");
    fetch(&["http://[::1%25no-such-one]:1/"]).failed(6, "no interface");
}

/// Fields for the proxy go to no server.
#[test]
fn proxy_fields_go_to_the_proxy_only() {
    let (proxy, server) = (Fake::hello(1), Fake::hello(1));
    let args = ["--proxy-header", "X-Secret: y", "-H", "Z: q"];
    fetched(&[&args[..], &["-x", &proxy.address(), "http://example.org/"]].concat());
    fetched(&[&args[..], &[&server.url("/")]].concat());
    assert!(
        proxy.requests()[0].contains("\r\nX-Secret: y\r\n")
            && proxy.requests()[0].contains("\r\nZ: q\r\n")
    );
    assert!(!server.requests()[0].contains("X-Secret"), "{server:?}");
}

/// `--as curl` says all of it again.
#[test]
fn the_way_as_a_command_for_curl() {
    for (args, want) in [
        (&["--interface", "lo"][..], " --interface 'if!lo' "),
        (
            &["--interface", "127.0.0.9", "--local-port", "4000-4010"],
            " --interface 'host!127.0.0.9' --local-port 4000-4010 ",
        ),
        (&["-X", "OPTIONS", "--request-target", "*"], " -X OPTIONS "),
        (&["--request-target", "*"], " --request-target '*' "),
        (&["http://[fe80::1%25lo]/"], " -g 'http://[fe80::1%25lo]/'"),
        (&["http://ada:secret@h/"], " -H 'Authorization: Basic YWRhOnNlY3JldA=='"),
    ] {
        let url: &[&str] = if args[0].starts_with("http") { &[] } else { &["http://127.0.0.1:1/"] };
        let printed = fetched(&[&["--as", "curl"], args, url].concat());
        assert!(printed.contains(want), "{printed}");
    }
}
