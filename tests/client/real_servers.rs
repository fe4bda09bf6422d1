//! nginx and Apache for one folder, with the routes that a client may meet there.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use threadbare::client::{Client, Event, Response};
use threadbare::command::exit_code::exit_code;

use super::{fetch, fetched};
use crate::support::{Finished, Folder, Program, eventually, run, skipped};

/// A running server. Dropping it stops the server and removes its folder.
pub(super) struct Daemon {
    _program: Program,
    pub(super) base: String,
    folder: Folder,
}

/// Returns the path of a program, if it is installed.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        skipped(&format!("{name} is not installed"));
    }
    found
}

/// Starts it by the configuration that `conf` makes of its folder and port. Another test may take the
/// port first: then it is tried again.
fn start(name: &str, args: &[&str], conf: fn(&str, u16) -> String) -> Option<Daemon> {
    let program = program(name)?;
    let folder = Folder::for_everybody();
    folder.write("www/hello.txt", "hello\n");
    folder.write("www/empty", "");
    folder.write("www/sub/page.html", "<p>".repeat(9_999));
    folder.write("www/bytes.bin", (0..=255).cycle().take(1_000_001).collect::<Vec<u8>>());
    folder.write("www/secret/file", "told\n");
    folder.write("dav/there", "before\n");
    folder.write("users", "me:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n"); // of `password`
    if is_root() {
        let path = folder.path().display();
        let all = format!("chmod -R a+rwX {path}");
        assert!(Command::new("sh").args(["-c", &all]).status().expect("a shell").success());
    }
    let path = folder.path().display().to_string();
    (0..9)
        .find_map(|_| {
            let free = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
            let address = free.local_addr().expect("it is bound");
            drop(free);
            folder.write("conf", conf(&path, address.port()));
            let args = args.iter().map(|arg| arg.replace('~', &path));
            let mut running = Program::start(Command::new(&program).args(args));
            let listens = eventually(|| match answers(address) {
                true => Some(true),
                false => running.has_ended().then_some(false),
            });
            (listens == Some(true)).then_some((running, format!("http://{address}")))
        })
        .map(|(_program, base)| Daemon { base, folder, _program })
        .or_else(|| panic!("{name} does not start"))
}

fn answers(address: SocketAddr) -> bool {
    let asked = TcpStream::connect(address).and_then(|mut stream| {
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        stream.read(&mut [0])
    });
    asked.is_ok_and(|count| count > 0)
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

pub(super) fn nginx() -> Option<Daemon> {
    start("nginx", &["-e", "stderr", "-p", "~", "-c", "~/conf"], |folder, port| {
        let user = if is_root() { "user root;" } else { "" };
        format!(
            "{user} daemon off; pid {folder}/pid; worker_processes 1; error_log stderr;
             events {{ worker_connections 64; }}
             http {{
               access_log off; default_type text/plain; keepalive_requests 3;
               client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2;
               fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4;
               scgi_temp_path {folder}/t5; gzip_types *; gzip_min_length 1;
               server {{
                 listen 127.0.0.1:{port}; root {folder}/www; client_max_body_size 1k;
                 location /sub/ {{ gzip on; }}
                 location /secret/ {{ auth_basic told; auth_basic_user_file {folder}/users; }}
                 location /slow/ {{ alias {folder}/www/; limit_rate 1k; }}
                 location = /mute {{ return 444; }}
                 location = /302 {{ return 302 /hello.txt; }}
                 location = /307 {{ return 307 hello.txt; }}
                 location = /loop {{ return 301 /loop; }}
                 location = /short {{ keepalive_timeout 1s; try_files /hello.txt =404; }}
               }}
             }}"
        )
    })
}

pub(super) fn apache() -> Option<Daemon> {
    start("apache2", &["-D", "FOREGROUND", "-f", "~/conf"], |folder, port| {
        let modules = [
            "mpm_event",
            "authz_core",
            "authn_core",
            "authn_file",
            "auth_basic",
            "authz_user",
            "filter",
            "deflate",
            "dir",
            "alias",
            "dav",
            "dav_fs",
            "dav_lock",
            "ratelimit",
            "env",
        ];
        let modules = modules.map(|name| {
            format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n")
        });
        let user = if is_root() { "User www-data\nGroup www-data\n" } else { "" };
        format!(
            "{}{user}Listen 127.0.0.1:{port}\nServerName a\nServerRoot {folder}\nPidFile {folder}/pid\n\
             DefaultRuntimeDir {folder}\nErrorLog /dev/stderr\n\
             DocumentRoot {folder}/www\nDavLockDB {folder}/locks\nMaxKeepAliveRequests 2\n\
             Alias /dav {folder}/dav\nLimitRequestBody 5000000\n\
             Redirect 302 /302 /hello.txt\nRedirect 307 /307 /hello.txt\nRedirect 301 /loop /loop\n\
             <Directory {folder}>\nRequire all granted\n</Directory>\n\
             <Directory {folder}/dav>\nDav On\n</Directory>\n\
             <Directory {folder}/www/sub>\nSetOutputFilter DEFLATE\n</Directory>\n\
             <Location /slow>\nSetOutputFilter RATE_LIMIT\nSetEnv rate-limit 4\n</Location>\n\
             Alias /slow {folder}/www\n\
             <Directory {folder}/www/secret>\nAuthType Basic\nAuthName told\n\
             AuthBasicProvider file\nAuthUserFile {folder}/users\nRequire valid-user\n</Directory>\n",
            modules.concat()
        )
    })
}

/// Requests to both, the exit code, and a part of the output, with heads. `~` stands for the server's URL.
const CASES: &[(&str, i32, &[&str])] = &[
    ("~/hello.txt", 0, &["HTTP/1.1 200 OK\r\n", "\r\nContent-Length: 6\r\n", "\r\n\r\nhello\n"]),
    ("--http1.0 ~/hello.txt", 0, &["\r\nConnection: close\r\n", "\r\n\r\nhello\n"]),
    ("-I ~/hello.txt", 0, &["\r\nContent-Length: 6\r\n"]),
    ("~/empty", 0, &["\r\nContent-Length: 0\r\n"]),
    ("~/nowhere", 0, &["HTTP/1.1 404 Not Found\r\n"]),
    ("-f ~/nowhere", 22, &[]),
    ("~/sub", 0, &["HTTP/1.1 301 Moved Permanently\r\n", "/sub/\r\n"]),
    ("~/302", 0, &["HTTP/1.1 302 ", "/hello.txt\r\n"]),
    ("~/307", 0, &["HTTP/1.1 307 Temporary Redirect\r\n"]),
    ("~/secret/file", 0, &["HTTP/1.1 401 ", "\r\nWWW-Authenticate: Basic realm=\"told\"\r\n"]),
    ("-u me:password ~/secret/file", 0, &["HTTP/1.1 200 OK\r\n", "\r\n\r\ntold\n"]),
    ("-u me:wrong ~/secret/file", 0, &["HTTP/1.1 401 "]),
    ("-r 1-3 ~/hello.txt", 0, &["HTTP/1.1 206 Partial Content\r\n", "\r\n\r\nell"]),
    ("-r 1-1,3-3 ~/hello.txt", 0, &["206 Partial Content", "multipart/byteranges", "bytes 3-3/6"]),
    ("-r 9- ~/hello.txt", 0, &["HTTP/1.1 416 "]),
    ("-H If-None-Match:* ~/hello.txt", 0, &["HTTP/1.1 304 Not Modified\r\n"]),
    ("-H If-Match:\"x\" ~/hello.txt", 0, &["HTTP/1.1 412 Precondition Failed\r\n"]),
    ("-H Accept-Encoding:gzip ~/sub/page.html", 0, &["\r\nContent-Encoding: gzip\r\n"]),
    ("-H Host: ~/hello.txt", 0, &["HTTP/1.1 400 Bad Request\r\n"]),
    ("-X DELETE ~/hello.txt", 0, &["HTTP/1.1 405 "]),
    ("-m 0.7 ~/slow/bytes.bin", 28, &["HTTP/1.1 200 OK\r\n"]),
];

fn ask(daemon: &Daemon, line: &str) -> Finished {
    let args = line.split(' ').map(|arg| arg.replace('~', &daemon.base));
    fetch(&args.collect::<Vec<_>>())
}

/// Returns the servers that are installed.
pub(super) fn both() -> impl Iterator<Item = (&'static str, Daemon)> {
    let daemons = [("nginx", nginx()), ("Apache", apache())];
    daemons.into_iter().filter_map(|(name, daemon)| Some((name, daemon?)))
}

#[test]
fn the_command_reads_the_responses_of_nginx_and_apache() {
    for (name, daemon) in both() {
        let mut wrong = Vec::new();
        for (line, code, parts) in CASES {
            let finished = ask(&daemon, &format!("-i {line}"));
            let text = String::from_utf8_lossy(&finished.stdout);
            let missing: Vec<_> = parts.iter().filter(|part| !text.contains(**part)).collect();
            if finished.code != Some(*code) || !missing.is_empty() {
                let text = text.chars().take(600).collect::<String>();
                wrong.push(format!(
                    "{name}: {line}: {} {text:?} without {missing:?}",
                    finished.stderr
                ));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let bytes: Vec<u8> = (0..=255).cycle().take(1_000_001).collect();
        assert!(ask(&daemon, "~/bytes.bin").stdout == bytes, "{name}");
        // A coding is passed on as it comes, in chunks, as its length was not known beforehand.
        let packed = ask(&daemon, "-H Accept-Encoding:gzip ~/sub/page.html");
        assert_eq!(
            run(Command::new("gzip").arg("-dc"), &packed.stdout).stdout,
            "<p>".repeat(9_999).as_bytes()
        );
        // It closes after three requests, and says so: seven cost three connections.
        let hello = format!("{}/hello.txt", daemon.base);
        let mut args = vec!["-w", "%{num_connects}"];
        args.extend([&*hello; 7]);
        let said = fetched(&args);
        assert_eq!(
            said,
            ["1", "0", "0", "1", "0", "0", "1"].map(|new| format!("hello\n{new}")).concat()
        );
    }
}

/// A truncated download is resumed where it stopped, if the file is still the same.
#[test]
fn the_command_resumes_a_download() {
    for (name, daemon) in both() {
        let file = daemon.folder.join("part");
        let path = file.to_str().expect("UTF-8");
        let url = format!("{}/bytes.bin", daemon.base);
        let bytes: Vec<u8> = (0..=255).cycle().take(1_000_001).collect();
        fetch(&["-m", "0.7", "-o", path, &format!("{}/slow/bytes.bin", daemon.base)])
            .failed(28, name);
        fetch(&["-C", "-", "-o", path, &url]).succeeded();
        assert!(std::fs::read(&file).expect("it is there") == bytes, "{name}");
        fetch(&["-C", "-", "-o", path, &url]).succeeded();
        assert!(std::fs::read(&file).expect("it is there") == bytes, "{name}: it was all there");
    }
}

#[test]
fn a_server_that_never_responds_and_one_that_refuses_bodies() {
    let Some(daemon) = nginx() else { return };
    ask(&daemon, "~/mute").failed(52, "444");
    let large = "x".repeat(2_000);
    let refused = ask(&daemon, &format!("-i -d {large} ~/hello.txt"));
    assert!(
        refused.stdout.starts_with(b"HTTP/1.1 413 Request Entity Too Large\r\n"),
        "{refused:?}"
    );
    daemon.folder.write("large", vec![b'x'; 8 << 20]);
    for more in ["", " -H Expect:", " --http1.0"] {
        let place = daemon.folder.join("large");
        let refused = ask(&daemon, &format!("-i{more} -d @{} ~/hello.txt", place.display()));
        assert!(refused.stdout.starts_with(b"HTTP/1.1 413 "), "{more}: {refused:?}");
    }
}

/// Apache stores uploads, responds 100 (Continue), and accepts chunks.
#[test]
fn the_server_receives_the_bytes_that_are_sent() {
    let Some(daemon) = apache() else { return };
    let (there, new) = (format!("{}/dav/there", daemon.base), format!("{}/dav/new", daemon.base));
    let sent: Vec<u8> = (0..=255).cycle().take(3_000_001).collect();
    daemon.folder.write("sent", &sent);
    let from = format!("@{}", daemon.folder.join("sent").display());
    let put = fetch(&["-v", "-X", "PUT", "--data-binary", &from, &new]);
    assert!(put.stderr.contains("< HTTP/1.1 100 Continue\n"), "{}", put.stderr);
    assert!(put.stderr.contains("< HTTP/1.1 201 Created\n"), "{}", put.stderr);
    assert!(fetch(&[&new]).stdout == sent);

    let client = Client::new();
    let put = client.put(&there).reader(&sent[..]);
    assert_eq!(put.send().expect("an answer").status().code(), 204);
    assert!(std::fs::read(daemon.folder.join("dav/there")).expect("it is there") == sent);
    let large = vec![b'x'; 6_000_000];
    let put = client.put(&there).sized_reader(6_000_000, &large[..]);
    assert_eq!(put.send().expect("an answer").status().code(), 413);
    assert_eq!(fetched(&["-X", "DELETE", "-w", "%{http_code}", "-o", "/dev/null", &new]), "204");
    assert_eq!(fetched(&["-w", "%{http_code}", "-o", "/dev/null", &new]), "404");
}

fn text(mut response: Response) -> String {
    let mut text = String::new();
    response.read_to_string(&mut text).expect("a text");
    text
}

#[test]
fn the_library_follows_redirects_reuses_connections_and_notices_closed_ones() {
    for (name, daemon) in both() {
        let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let connections = std::sync::Arc::clone(&count);
        let client =
            Client::new().max_time(Duration::from_secs(9)).observer(move |event: &Event<'_>| {
                if matches!(event, Event::Connected(..)) {
                    connections.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                }
            });
        let connected = || count.swap(0, std::sync::atomic::Ordering::SeqCst);
        let get = |path: &str| client.get(&format!("{}{path}", daemon.base));
        for path in ["/302", "/307"] {
            assert_eq!(text(get(path).send().expect("an answer")), "hello\n", "{name} {path}");
        }
        assert_eq!(connected(), 2, "{name}: three requests each");
        let error = get("/loop").send().expect_err("a loop");
        assert_eq!((exit_code(&error), error.to_string().contains("loop")), (47, true), "{error}");
        let secret = get("/secret/file").header("Authorization", "Basic bWU6cGFzc3dvcmQ=");
        assert_eq!(text(secret.send().expect("an answer")), "told\n", "{name}");
        if name == "nginx" {
            connected();
            let client = &client;
            assert_eq!(text(get("/short").send().expect("an answer")), "hello\n");
            connected();
            thread::sleep(Duration::from_millis(1_500));
            let post = client.post(&format!("{}/hello.txt", daemon.base)).body("x");
            assert_eq!(post.send().expect("not sent to nobody").status().code(), 405);
            assert_eq!(
                connected(),
                1,
                "what was closed meanwhile is not used, by a POST least of all"
            );
        }
    }
}
