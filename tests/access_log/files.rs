//! The file of the access log: renamed, removed, truncated, full.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::support::{Folder, Server, eventually, needs, run};

fn start(log: &Path) -> Server {
    Server::start(&["--access-log", log.to_str().unwrap()])
}

/// Waits until the log tells of this target.
fn wait_for(log: &Path, target: &str) {
    let tells = |text: String| text.contains(&format!("GET {target} ")).then_some(());
    let found = eventually(|| fs::read_to_string(log).ok().and_then(tells));
    assert!(found.is_some(), "{target} is not in {log:?}");
}

fn get(server: &Server, log: &Path, target: &str) {
    server.get(target);
    wait_for(log, target);
}

#[test]
fn a_file_that_is_renamed_is_opened_anew() {
    let folder = Folder::new();
    let (log, old) = (folder.join("access.log"), folder.join("access.log.1"));
    let server = start(&log);
    get(&server, &log, "/one");
    fs::rename(&log, &old).unwrap();
    get(&server, &log, "/two");
    wait_for(&old, "/one");
    assert!(!fs::read_to_string(&old).unwrap().contains("/two"));
    assert_eq!(server.program.stderr.text(), "");
}

#[test]
fn a_file_that_is_removed_is_created_anew() {
    let folder = Folder::new();
    let log = folder.join("access.log");
    let server = start(&log);
    for target in ["/one", "/two", "/three"] {
        get(&server, &log, target);
        fs::remove_file(&log).unwrap();
    }
    assert_eq!(server.program.stderr.text(), "");
}

/// As with logrotate's `copytruncate`: no hole of zeros comes before the next line.
#[test]
fn a_file_that_is_truncated_goes_on_at_its_start() {
    let folder = Folder::new();
    let log = folder.join("access.log");
    let server = start(&log);
    get(&server, &log, "/one");
    fs::copy(&log, folder.join("copy")).unwrap();
    fs::File::options().write(true).open(&log).unwrap().set_len(0).unwrap();
    get(&server, &log, "/two");
    let text = fs::read_to_string(&log).unwrap();
    assert!(text.starts_with("127.0.0.1 ") && text.lines().count() == 1, "{text:?}");
}

#[test]
fn logrotate_with_create_and_with_copytruncate() {
    if !needs("logrotate") {
        return;
    }
    for how in ["create 0640", "copytruncate", "nocreate"] {
        let folder = Folder::new();
        let log = folder.join("access.log");
        let server = start(&log);
        get(&server, &log, "/one");
        let config = format!("{} {{\n rotate 3\n {how}\n}}\n", log.display());
        folder.write("rotate.conf", config);
        let mut command = Command::new("logrotate");
        command.arg("-f").arg("-s").arg(folder.join("state")).arg(folder.join("rotate.conf"));
        let found = run(&mut command, b"");
        assert_eq!(found.code, Some(0), "{how}: {}", found.stderr);
        get(&server, &log, "/two");
        wait_for(&folder.join("access.log.1"), "/one");
        let text = fs::read_to_string(&log).unwrap();
        assert_eq!(text.lines().count(), 1, "{how}: {text:?}");
        assert_eq!(server.program.stderr.text(), "", "{how}");
    }
}

/// A link stands for the log, so that the full disk can be taken away.
#[test]
fn a_full_disk_stops_nothing_and_is_reported_at_its_beginning_and_its_end() {
    let folder = Folder::new();
    let (log, real) = (folder.join("access.log"), folder.join("real.log"));
    symlink("/dev/full", &log).unwrap();
    let server = start(&log);
    for _ in 0..3 {
        assert_eq!(server.get("/echo").status(), 200);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    symlink(&real, folder.join("next")).unwrap();
    fs::rename(folder.join("next"), &log).unwrap();
    get(&server, &log, "/two");
    let said = server.stderr_until(|text| text.contains("can be written again"));
    assert_eq!(said.matches("cannot be written").count(), 1, "{said}");
    assert_eq!(said.lines().count(), 2, "{said}");
    let metrics = server.get("/-/metrics").text();
    let lost =
        metrics.lines().find_map(|line| line.strip_prefix("threadbare_log_lines_lost_total "));
    assert!(lost.unwrap().parse::<u64>().unwrap() >= 3, "{metrics}");
}

/// A folder that is gone: the old file takes the lines, which is said once.
#[test]
fn a_file_that_cannot_be_opened_anew_is_reported_once() {
    let folder = Folder::new();
    let (inner, moved) = (folder.join("logs"), folder.join("moved"));
    fs::create_dir(&inner).unwrap();
    let log = inner.join("access.log");
    let server = start(&log);
    get(&server, &log, "/one");
    fs::rename(&inner, &moved).unwrap();
    get(&server, &moved.join("access.log"), "/two");
    get(&server, &moved.join("access.log"), "/three");
    fs::create_dir(&inner).unwrap();
    get(&server, &log, "/four");
    let said = server.stderr_until(|text| text.contains("is open again"));
    assert_eq!(said.matches("cannot be opened").count(), 1, "{said}");
}
