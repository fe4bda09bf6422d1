//! Files of flags: `-K`, and the usual flags of a user.

use super::fake::Fake;
use super::{client, fetch, fetched};
use crate::support::{Folder, run};

#[test]
fn flags_come_from_a_file_and_from_stdin() {
    let (fake, folder) = (Fake::hello(9), Folder::new());
    let file = folder.join("flags").display().to_string();
    let (a, b) = (fake.url("/a"), fake.url("/b"));
    folder.write("flags", format!("# two\nurl = {a}\ndata: \"x y\"\n\nnext\nurl = \"{b}\"\n"));
    assert_eq!(fetched(&["-K", &file]), "hellohello");
    let requests = fake.requests();
    assert!(requests[0].starts_with("POST /a ") && requests[0].ends_with("\r\n\r\nx y"));
    assert!(requests[1].starts_with("GET /b "), "{requests:?}");
    let finished = run(&mut client(&["--config", "-", &a]), b"user-agent = me");
    assert_eq!(finished.stdout, b"hello");
    assert!(fake.requests()[2].contains("\r\nUser-Agent: me\r\n"));
}

#[test]
fn what_is_wrong_is_said_with_file_and_line() {
    let folder = Folder::new();
    let file = folder.join("flags").display().to_string();
    folder.write("flags", "silent\n\nuser = \"ada:secret\" more\n");
    let said = fetch(&["-K", &file, "http://127.0.0.1:1/"]);
    assert!(
        said.failed(2, "a value").starts_with(&format!("{file}:3: something follows the value"))
    );
    assert!(!said.stderr.contains("secret"), "{}", said.stderr);
    folder.write("flags", format!("config = \"{file}\""));
    let said = fetch(&["-K", &file, "http://127.0.0.1:1/"]);
    assert!(said.failed(2, "a circle").contains("more than 5 files deep"), "{}", said.stderr);
    let said = fetch(&["-K", "no such file", "http://127.0.0.1:1/"]);
    assert!(said.failed(26, "no file").contains("could not read no such file"), "{}", said.stderr);
}

#[test]
fn usual_flags_are_those_of_the_user_and_q_leaves_them_out() {
    let (fake, folder) = (Fake::hello(9), Folder::new());
    let url = fake.url("/");
    folder.write("home/.threadbarerc", "user-agent = home");
    folder.write("xdg/.threadbarerc", "user-agent = xdg");
    folder.write("home/.curlrc", "nonsense");
    let agent = |args: &[&str], xdg: bool| {
        let mut command = client(args);
        command.env("HOME", folder.join("home"));
        if xdg {
            command.env("XDG_CONFIG_HOME", folder.join("xdg"));
        }
        assert_eq!(run(&mut command, b"").succeeded(), "hello", "{args:?}");
        let last = fake.requests().pop().unwrap();
        let agent = last.lines().find_map(|line| line.strip_prefix("User-Agent: "));
        agent.unwrap_or_default().to_owned()
    };
    assert_eq!(agent(&[&url], false), "home");
    assert_eq!(agent(&[&url], true), "xdg");
    assert_eq!(agent(&["-A", "typed", &url], true), "typed");
    for without in [&["-q", &url][..], &["-sq", &url], &[&url, "--disable"]] {
        assert!(agent(without, true).starts_with("threadbare/"), "{without:?}");
    }
    folder.write("home/.threadbarerc", "\nnonsense");
    let said = run(client(&[&url]).env("HOME", folder.join("home")), b"");
    assert!(said.failed(2, "usual").contains(".threadbarerc:2: unknown flag"), "{}", said.stderr);
}

#[test]
fn help_is_short_or_a_group_or_everything() {
    let (short, all) = (fetched(&["--help"]), fetched(&["--help", "all"]));
    assert!(short.lines().count() <= 40 && all.lines().count() > 150, "{short}");
    let group = fetched(&["-h", "cookies"]);
    assert!(group.starts_with("Cookies:\n  -b, --cookie ") && all.contains(&group), "{group}");
    let said = fetch(&["--help", "nonsense"]);
    assert!(said.failed(2, "no group").contains("right: all, request, "), "{}", said.stderr);
    assert_eq!(fetched(&["bench", "--help"]), fetched(&["bench", "--help", "all"]));
}
