//! The client asks name servers itself: `--dns`.
//!
//! | file | who is at the other end |
//! |---|---|
//! | `command` | the scripted server: `client dns`, `client where` |
//! | `hostile` | name servers that do their worst: one table |
//! | `name_server` | (the scripted server) |
//! | `real_servers` | NSD, dnsmasq and unbound, beside dig |
//! | `system` | the servers of `/etc/resolv.conf`, and what is asked for with `-4` |

mod command;
mod hostile;
mod name_server;
mod real_servers;
mod system;

use self::name_server::NameServer;
use crate::client::fake::Fake;
use crate::client::{client, fetched};
use crate::support::run;

#[test]
fn a_name_is_looked_up_once_and_in_both_families() {
    let (server, page) = (NameServer::usual(), Fake::hello(1));
    let other = Fake::hello(1);
    let dns = server.address();
    let urls = [&page, &other].map(|page| format!("http://www.example:{}/", page.port()));
    assert_eq!(fetched(&["--dns", &dns, &urls[0], &urls[1]]), "hellohello");
    assert_eq!(server.questions(), ["www.example. A", "www.example. AAAA"]);

    for (flag, want) in [("-4", "b.example. A"), ("-6", "b.example. AAAA")] {
        let server = NameServer::usual();
        let finished =
            run(&mut client(&[flag, "--dns-servers", &server.address(), "b.example"]), b"");
        assert_ne!(finished.code, Some(28), "{}", finished.stderr);
        assert_eq!(server.questions(), [want]);
    }
}

#[test]
fn every_command_asks_the_server() {
    let (server, page) = (NameServer::usual(), Fake::hello(9));
    let (dns, address) = (server.address(), format!("www.example:{}", page.port()));
    for args in [
        &[][..],
        &["where"],
        &["bench", "-n", "1", "-c", "1"],
        &["ping", "-n", "1"],
        &["ping", "-n", "1", "--http"],
    ] {
        let before = server.questions().len();
        let finished = run(&mut client(&[args, &["-4", "--dns", &dns, &address]].concat()), b"");
        assert_eq!(finished.code, Some(0), "{args:?}: {}", finished.stderr);
        assert_eq!(server.questions().len() - before, 1, "{args:?}");
    }
    let curl = fetched(&["--as", "curl", "--dns", &dns, "--dns", "::1", &address]);
    assert!(curl.contains(&format!(" --dns-servers '{dns},[::1]:53'")), "{curl}");
}

#[test]
fn names_that_need_no_server() {
    let (server, page) = (NameServer::usual(), Fake::hello(9));
    for host in ["127.0.0.1", "localhost", "a.localhost", "LOCALHOST."] {
        let url = format!("http://{host}:{}/", page.port());
        assert_eq!(fetched(&["--dns", &server.address(), &url]), "hello", "{host}");
    }
    assert!(server.questions().is_empty());
}

#[test]
fn verbose_shows_each_step() {
    let server = NameServer::new(|asked| {
        let mut other = name_server::usual(&asked.query);
        other.id ^= 1;
        asked.say(&other)?;
        asked.say(&name_server::usual(&asked.query))
    });
    let page = Fake::hello(1);
    let (dns, url) = (server.address(), format!("http://www.example:{}/", page.port()));
    let finished = run(&mut client(&["-v4", "--dns", &dns, &url]), b"");
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    for line in [
        format!("* Asking {dns}: www.example. IN A\n"),
        format!("* Dropped a message from {dns}: its id is "),
        format!("* {dns} answered NOERROR, 1 records: www.example. IN A\n"),
        "* Host www.example is at 127.0.0.1\n".to_owned(),
    ] {
        assert!(finished.stderr.contains(&line), "no {line:?} in {}", finished.stderr);
    }
}

#[test]
fn wrong_values_of_the_flag() {
    for wrong in ["", "a.example", "1.2.3", "127.0.0.1:0", "127.0.0.1:65536", "::1:x", "127.0.0.1,"]
    {
        let finished = run(&mut client(&["--dns", wrong, "a.example"]), b"");
        finished.failed(2, wrong);
    }
    // The last one of `system` and servers counts; servers are added.
    let (dead, good) = (NameServer::usual(), NameServer::usual());
    let page = Fake::hello(1);
    let url = format!("http://www.example:{}/", page.port());
    let args = ["-4", "--dns", &dead.address(), "--dns", "system", "--dns", &good.address(), &url];
    assert_eq!(fetched(&args), "hello");
    assert!(dead.questions().is_empty());
}
