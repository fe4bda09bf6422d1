//! The files of the system: `/etc/resolv.conf`, `/etc/hosts`, `/etc/nsswitch.conf`. Each client has its own, by
//! mounts that end with it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;

use super::name_server::{Asked, NameServer, usual};
use crate::client::fake::Fake;
use crate::support::{Finished, Folder, needs, run, skipped};

/// Starts a name server at port 53 of this address on this machine; says if the test is skipped.
fn name_server(
    last: u8,
    script: impl Fn(&mut Asked) -> std::io::Result<()> + Send + Sync + 'static,
) -> Option<NameServer> {
    let address = IpAddr::V4(Ipv4Addr::new(127, 53, 18, last));
    let server = NameServer::at(SocketAddr::new(address, 53), script);
    if server.is_none() {
        skipped("only root may use port 53");
    }
    server
}

/// Runs the client with these files instead of those in `/etc`; `None` if that is not permitted.
fn with_files(files: &[(&str, &str)], args: &[&str]) -> Option<Finished> {
    let folder = Folder::with(files);
    let mut line = String::new();
    for (file, _) in files {
        line += &format!("mount --bind {} /etc/{file}; ", folder.join(file).display());
    }
    line += "exec \"$0\" \"$@\"";
    let permitted = Command::new("unshare").args(["-m", "true"]).status();
    if !needs("unshare") || !permitted.is_ok_and(|status| status.success()) {
        skipped("only root may mount");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-ec", &line, env!("CARGO_BIN_EXE_client")]).args(args);
    for name in crate::client::WITHOUT.iter().chain(&["RES_OPTIONS", "LOCALDOMAIN", "HOSTALIASES"])
    {
        command.env_remove(name);
    }
    Some(run(&mut command, b""))
}

/// Returns the body; the run was a good one.
fn good(finished: Finished) -> String {
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    String::from_utf8(finished.stdout).unwrap()
}

#[test]
fn with_one_family_the_other_is_not_asked_for() {
    let Some(server) = name_server(1, |asked| asked.say(&usual(&asked.query))) else { return };
    let page = Fake::hello(9);
    let url = format!("http://www.example:{}/", page.port());
    let conf = "nameserver 127.53.18.1\n";
    let files = |hosts| [("resolv.conf", conf), ("nsswitch.conf", hosts)];
    let Some(finished) = with_files(&files("hosts: files dns\n"), &["-4", &url]) else { return };
    assert_eq!(good(finished), "hello");
    assert_eq!(server.questions(), ["www.example. A"]);
    let finished = with_files(&files("hosts: files dns\n"), &["-6", &url]).unwrap();
    assert_eq!(finished.code, Some(6), "{}", finished.stderr);
    assert_eq!(server.questions()[1..], ["www.example. AAAA"]);
    // The C library is to look elsewhere, too: it is asked, and asks for both.
    let finished = with_files(&files("hosts: dns files\n"), &["-4", &url]).unwrap();
    assert_eq!(good(finished), "hello");
    let plain = ["www.example. A plain", "www.example. AAAA plain"];
    assert!(plain.iter().all(|one| server.questions().iter().any(|it| it == one)));
    // Without -4 it is asked, too.
    let finished = with_files(&files("hosts: files dns\n"), &[&url]).unwrap();
    assert_eq!(good(finished), "hello");
    assert!(server.questions().len() >= 6, "{:?}", server.questions());
}

#[test]
fn the_rules_of_resolv_conf() {
    let script = |asked: &mut Asked| {
        // Silent about the first question, once.
        if asked.number == 0 { Ok(()) } else { asked.say(&usual(&asked.query)) }
    };
    let Some(silent) = name_server(2, script) else { return };
    let Some(good_one) = name_server(3, |asked| {
        let mut message = usual(&asked.query);
        if !asked.query.questions[0].name.to_string().ends_with(".two.example.") {
            message = super::name_server::coded(
                &asked.query,
                threadbare::proto::dns::ResponseCode::NO_SUCH_NAME,
            );
        }
        asked.say(&message)
    }) else {
        return;
    };
    let page = Fake::hello(9);
    let conf = "search one.example two.example\nnameserver 127.53.18.2\nnameserver 127.53.18.3\n\
                options timeout:2 attempts:1\n";
    let url = format!("http://www:{}/", page.port());
    let files = [("resolv.conf", conf), ("hosts", "127.0.0.1 here\n")];
    let args = ["-4", "--dns", "system", &url];
    let Some(finished) = with_files(&files, &args) else { return };
    // The first server is silent once, then it knows every name.
    assert_eq!(good(finished), "hello");
    assert_eq!(good_one.questions(), ["www.one.example. A"]);
    assert_eq!(silent.questions(), ["www.one.example. A", "www.two.example. A"]);
    // The hosts file comes first.
    let url = format!("http://here:{}/", page.port());
    assert_eq!(good(with_files(&files, &["--dns", "system", &url]).unwrap()), "hello");
    assert_eq!(good_one.questions().len(), 1);
    // A name with a dot is asked for as it is, then in the domains; one with a dot at its end, as it is.
    let conf = "search two.example\nnameserver 127.53.18.3\n";
    let files = [("resolv.conf", conf)];
    let url = format!("http://a.b:{}/", page.port());
    assert_eq!(good(with_files(&files, &["-4", "--dns", "system", &url]).unwrap()), "hello");
    assert_eq!(good_one.questions()[..2], ["a.b. A", "a.b.two.example. A"]);
    let finished = with_files(&files, &["-4", "--dns", "system", "http://c.d./"]).unwrap();
    assert_eq!(finished.code, Some(6));
    assert!(finished.stderr.contains("the name c.d. does not exist"), "{}", finished.stderr);
    // No server of the list answers.
    let files = [("resolv.conf", "nameserver 127.53.18.9\noptions timeout:1 attempts:1\n")];
    let finished = with_files(&files, &["-4", "--dns", "system", "a.example"]).unwrap();
    assert_eq!(finished.code, Some(6), "{}", finished.stderr);
    assert!(finished.stderr.contains("no name server answered; 127.53.18.9:53"));
}
