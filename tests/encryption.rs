//! `server --tls`, in a program that is built with the feature `tls`.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Folder, Server, needs, run, server_command};

/// A folder with files, and the certificates of `a.test` (and this machine) and of `b.test`.
fn place() -> Folder {
    let bytes: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
    let folder = Folder::with(&[("www/index.html", "<h1>Hello</h1>\n")]);
    folder.write("www/bytes", &bytes[..]);
    certify(&folder, "a", "DNS:a.test,DNS:localhost,IP:127.0.0.1");
    certify(&folder, "b", "DNS:b.test");
    folder
}

/// Makes a certificate that is its own issuer.
fn certify(folder: &Folder, name: &str, names: &str) {
    let path = |end: &str| folder.join(&format!("{name}.{end}")).display().to_string();
    let mut openssl = Command::new("openssl");
    openssl.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ]);
    openssl.args(["-keyout", &path("key"), "-out", &path("pem"), "-days", "2"]);
    openssl.args(["-subj", &format!("/CN={name}.test"), "-addext"]);
    assert_eq!(run(openssl.arg(format!("subjectAltName={names}")), b"").code, Some(0));
}

fn start(place: &Folder, flags: &[&str]) -> (Server, SocketAddr) {
    let path = |name: &str| place.join(name).display().to_string();
    let mut args = vec!["--tls".to_owned(), "127.0.0.1:0".into()];
    for name in ["a", "b"] {
        args.extend(["--cert".into(), path(&format!("{name}.pem"))]);
        args.extend(["--key".into(), path(&format!("{name}.key"))]);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).chain(flags.iter().copied()).collect();
    let server = Server::of(&place.join("www"), &args);
    let https = server.ready.split(' ').find_map(|word| word.strip_prefix("https://"));
    let address = https.and_then(|url| url.strip_suffix('/')).expect("an address of https");
    let address = address.parse().expect("an address and a port");
    (server, address)
}

/// curl, which knows the certificate of `a.test`.
fn curl(place: &Folder, address: SocketAddr, args: &[&str], path: &str) -> Vec<u8> {
    let mut command = Command::new("curl");
    command.args(["-q", "-sS", "-m", "20", "--noproxy", "*", "--cacert"]).arg(place.join("a.pem"));
    let finished = run(command.args(args).arg(format!("https://{address}{path}")), b"");
    assert_eq!(finished.code, Some(0), "{path}: {}", finished.stderr);
    finished.stdout
}

const DRIVERS: [&[&str]; 2] = [&["--lobby", "on"], &["--lobby", "off"]];

#[test]
fn files_and_uploads_by_curl_in_both_versions() {
    if !needs("curl") || !needs("openssl") {
        return;
    }
    let place = place();
    let bytes = std::fs::read(place.join("www/bytes")).unwrap();
    for driver in DRIVERS {
        let (_server, address) = start(&place, &[driver, &["--write"]].concat());
        for version in [&["--tlsv1.3"][..], &["--tls-max", "1.2"]] {
            let get = |path: &str| curl(&place, address, version, path);
            assert_eq!(get("/"), b"<h1>Hello</h1>\n", "{driver:?} {version:?}");
            assert!(get("/bytes") == bytes, "{driver:?} {version:?}: another file");
            let part = curl(&place, address, &[version, &["-r", "5000000-"]].concat(), "/bytes");
            assert!(part == bytes[5_000_000..], "{driver:?} {version:?}: another range");
            let sent = place.join("www/bytes").display().to_string();
            let upload = [version, &["-T", &sent, "-w", "%{http_code}"]].concat();
            assert_eq!(curl(&place, address, &upload, "/up"), b"201", "{driver:?} {version:?}");
            assert!(std::fs::read(place.join("www/up")).unwrap() == bytes, "{driver:?}: uploaded");
            std::fs::remove_file(place.join("www/up")).unwrap();
            // A handler that reads the body as it arrives.
            let body = format!("@{sent}");
            let count = [version, &["--data-binary", &body]].concat();
            let counted = String::from_utf8(curl(&place, address, &count, "/count")).unwrap();
            assert!(counted.starts_with("12000000 bytes"), "{driver:?} {version:?}: {counted}");
        }
    }
}

#[test]
fn a_client_that_reads_slowly_gets_all() {
    if !needs("curl") || !needs("openssl") {
        return;
    }
    let place = place();
    let bytes = std::fs::read(place.join("www/bytes")).unwrap();
    for driver in DRIVERS {
        let (_server, address) = start(&place, driver);
        let got = curl(&place, address, &["--limit-rate", "6M"], "/bytes");
        assert!(got == bytes, "{driver:?}: another file");
    }
}

/// Two connections: the second one resumes the session. Python fails when an end comes without a word.
#[test]
fn python_sees_the_certificate_of_the_name_a_proper_end_and_a_session_resumed() {
    if !needs("python3") || !needs("openssl") {
        return;
    }
    let place = place();
    let (_server, address) = start(&place, &[]);
    let program = r#"
import socket, ssl, sys
host, port, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
def ask(name, session=None, version=ssl.TLSVersion.TLSv1_3):
    context = contexts.setdefault((name, version), ssl.create_default_context(cafile=f"{folder}/{name[0]}.pem"))
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["http/1.1"])
    raw = socket.create_connection((host, port), 5)
    s = context.wrap_socket(raw, server_hostname=name, suppress_ragged_eofs=False, session=session)
    s.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    answer = b""
    while piece := s.recv(9999): answer += piece
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer
    print(name, s.version(), s.selected_alpn_protocol(), s.session_reused)
    return s.session
contexts = {}
for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
    for name in "a.test", "b.test":
        ask(name, ask(name, version=version), version)
"#;
    let port = address.port().to_string();
    let mut python = Command::new("python3");
    python.args(["-c", program, "127.0.0.1", &port]).arg(place.path());
    let said = run(&mut python, b"").succeeded();
    let mut want = String::new();
    for version in ["TLSv1.2", "TLSv1.3"] {
        for name in ["a", "b"] {
            want += &format!("{name}.test {version} http/1.1 False\n");
            want += &format!("{name}.test {version} http/1.1 True\n");
        }
    }
    assert_eq!(said, want);
}

#[test]
fn a_request_without_encryption_is_told_the_scheme() {
    if !needs("openssl") {
        return;
    }
    let place = place();
    for driver in DRIVERS {
        let (server, address) = start(&place, driver);
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        assert!(answer.contains("https:// in place of http://"), "{answer}");
        server.stderr_until(|text| text.contains("without encryption"));
    }
}

/// Silence, half a hello, one byte after the other, and garbage: each ends, and a worker is free meanwhile.
#[test]
fn a_handshake_that_does_not_end_is_ended() {
    if !needs("openssl") || !needs("curl") {
        return;
    }
    const HELLO: &[u8] = &[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];
    let place = place();
    let (_server, address) = start(&place, &["--workers", "1", "--handshake-time", "1"]);
    let begun = Instant::now();
    let open = || {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(9))).unwrap();
        stream
    };
    let (mut silent, mut half, mut dripping) = (open(), open(), open());
    half.write_all(HELLO).unwrap();
    let drip = thread::spawn(move || {
        for byte in HELLO.iter().chain(&[0; 200]) {
            if dripping.write_all(&[*byte]).is_err() {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
        begun.elapsed()
    });
    assert_eq!(curl(&place, address, &[], "/"), b"<h1>Hello</h1>\n", "the worker is free");
    for stream in [&mut silent, &mut half] {
        assert_eq!(stream.read(&mut [0; 99]).unwrap_or_default(), 0);
    }
    let ended = begun.elapsed();
    assert!(ended > Duration::from_millis(900) && ended < Duration::from_secs(6), "{ended:?}");
    assert!(drip.join().unwrap() < Duration::from_secs(6), "it may drip for ever");
    let mut garbage = open();
    garbage.write_all(&[23, 3, 1, 0, 5, 9, 9, 9, 9, 9]).unwrap();
    let mut alert = Vec::new();
    garbage.read_to_end(&mut alert).unwrap();
    assert_eq!(alert.first(), Some(&21), "an alert: {alert:?}");
}

/// The certificate stays the same one when the server starts again, and its key is nobody else's.
#[test]
fn a_certificate_of_its_own() {
    if !needs("curl") || !needs("openssl") {
        return;
    }
    let (place, data) = (place(), Folder::new());
    let folder = data.path().display().to_string();
    let flags = ["--tls", "127.0.0.1:0", "--tls-self-signed", "--data", &folder];
    let fingerprints: Vec<String> = (0..2)
        .map(|_| {
            let server = Server::of(&place.join("www"), &flags);
            let said = server.stderr_until(|text| text.contains("SHA-256 "));
            let said = said.split("SHA-256 ").nth(1).unwrap_or_default().to_owned();
            let url = server.ready.split(' ').find(|word| word.starts_with("https://")).unwrap();
            let port = url.trim_end_matches('/').rsplit(':').next().unwrap();
            for name in ["localhost", "127.0.0.1"] {
                let mut curl = Command::new("curl");
                curl.args(["-q", "-sS", "-m", "9", "--noproxy", "*", "--cacert"]);
                curl.arg(data.join("tls/self-signed.pem"));
                let finished = run(curl.arg(format!("https://{name}:{port}/")), b"");
                let got = (finished.code, finished.stdout.as_slice());
                assert_eq!(got, (Some(0), &b"<h1>Hello</h1>\n"[..]), "{}", finished.stderr);
            }
            said.lines().next().unwrap_or_default().to_owned()
        })
        .collect();
    assert_eq!(fingerprints[0], fingerprints[1]);
    let mut openssl = Command::new("openssl");
    openssl.args(["x509", "-noout", "-fingerprint", "-sha256", "-in"]);
    let shown = run(openssl.arg(data.join("tls/self-signed.pem")), b"").stdout;
    assert!(String::from_utf8(shown).unwrap().contains(&fingerprints[0]), "{fingerprints:?}");
    let mode = std::fs::metadata(data.join("tls/self-signed.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// A faulty pair is in the log, and the one before stays.
#[test]
fn certificates_that_change_are_read_again() {
    if !needs("openssl") || !needs("curl") {
        return;
    }
    let place = place();
    let (server, address) = start(&place, &[]);
    assert_eq!(curl(&place, address, &[], "/"), b"<h1>Hello</h1>\n");
    let before = std::fs::read(place.join("a.pem")).unwrap();
    place.write("a.pem", "nonsense");
    server.stderr_until(|text| text.contains("read before stay in use"));
    place.write("old.pem", before);
    let with = |ca: &str| {
        let mut curl = Command::new("curl");
        curl.args(["-q", "-sS", "-m", "9", "--noproxy", "*", "--cacert"]).arg(place.join(ca));
        run(curl.arg(format!("https://{address}/")), b"").code
    };
    assert_eq!(with("old.pem"), Some(0), "the one before");
    certify(&place, "a", "DNS:a.test,IP:127.0.0.1");
    server.stderr_until(|text| text.contains("have been read again"));
    assert_eq!((with("old.pem"), with("a.pem")), (Some(60), Some(0)), "the new one");
}

#[test]
fn what_cannot_be_used_is_explained() {
    if !needs("openssl") {
        return;
    }
    let place = place();
    let path = |name: &str| place.join(name).display().to_string();
    let (a, b, key, page) = (path("a.pem"), path("b.key"), path("a.key"), path("www/index.html"));
    for (args, want) in [
        (&["--tls", "127.0.0.1:0"][..], "--tls needs a certificate; right: --cert"),
        (&["--cert", &a, "--key", &key], "certificates are for https; right: --tls 127.0.0.1:8443"),
        (&["--tls", "127.0.0.1:0", "--cert", &a], "1 --cert and 0 --key"),
        (&["--tls", "127.0.0.1:0", "--cert", &a, "--key", &b], "not the key of the certificate in"),
        (&["--tls", "127.0.0.1:0", "--cert", &key, "--key", &key], "no certificate in it; right:"),
        (&["--tls", "127.0.0.1:0", "--cert", &a, "--key", &a], "no private key in it"),
        (&["--tls", "127.0.0.1:0", "--cert", &page, "--key", &key], "no certificate in it; right:"),
        (&["--tls", "127.0.0.1:0", "--cert", "/none", "--key", &key], "/none: "),
    ] {
        let mut command = server_command(&["--bind", "127.0.0.1:0", "--data", "off"]);
        let finished = run(command.args(args), b"");
        assert_eq!(finished.code, Some(1), "{args:?}: {}", finished.stderr);
        assert!(finished.stderr.contains(want), "{args:?}: {}", finished.stderr);
    }
}
