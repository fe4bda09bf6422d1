//! `client experiment`: that each combination is measured, with a server of its own, and what is written.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::client::client;
use crate::support::{Finished, Folder, Program, Server, eventually};

/// Runs an experiment with short measurements into a folder.
fn experiment(folder: &Folder, args: &[&str]) -> Finished {
    let output = folder.path().display().to_string();
    let short = ["experiment", "-t", "0.1", "--warm-up", "0", "--pause", "0", "-o", &output];
    // It starts a server for each measurement, which takes longer than other commands are given.
    let done = client(&[&short, args].concat()).output().unwrap();
    let stderr = String::from_utf8(done.stderr).unwrap();
    Finished { code: done.status.code(), stdout: done.stdout, stderr }
}

/// Returns the command of a server that is started for each measurement.
fn server_command(data: &Folder) -> String {
    format!(
        "exec {{threadbare}} --bind 127.0.0.1:{{port}} --workers {{workers}} --access-log off --data {} www",
        data.path().display()
    )
}

fn read(folder: &Folder, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn each_combination_is_measured_and_a_broken_off_one_is_continued() {
    let (folder, data) = (Folder::new(), Folder::new());
    let command = server_command(&data);
    let all = |more: &[&str]| {
        let args = [
            "--server",
            &command,
            "--workers",
            "1,2",
            "-c",
            "2",
            "--vary",
            "ms=5,20",
            "--repeat",
            "2",
        ];
        let ideal =
            ["--ideal", "min(workers,connections)*1000/ms", "-H", "Authorization: Basic c2VjcmV0"];
        let url = ["--title", "Sleep & wake", "http://127.0.0.1:{port}/sleep/{ms}"];
        experiment(&folder, &[&args[..], &ideal, more, &url].concat())
    };
    let Finished { code, stdout, stderr } = all(&[]);
    assert_eq!(code, Some(0), "{stderr}");
    let chart = String::from_utf8(stdout).unwrap();
    assert!(chart.starts_with("requests per second, by workers") && chart.contains('█'), "{chart}");
    assert!(chart.lines().all(|line| line.chars().count() <= 80), "{chart}");
    assert!(stderr.contains("8 of 8: "), "{stderr}");

    let runs = read(&folder, "runs.csv");
    assert_eq!(runs.lines().count(), 1 + 8, "{runs}");
    assert!(runs.starts_with("when,workers,connections,ms,repeat,seconds,answers,"), "{runs}");
    let rate = |workers: &str, ms: &str| {
        let summary = read(&folder, "summary.csv");
        let mut lines =
            summary.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
        let head = lines.next().unwrap();
        let column = head.iter().position(|name| name == "requests_per_s").unwrap();
        let row = lines.find(|row| row[..4] == [workers, "2", ms, "2"]).unwrap();
        row[column].parse::<f64>().unwrap()
    };
    // Twice the workers, and a quarter of the time: coarsely.
    assert!(rate("2", "20") > 1.3 * rate("1", "20"), "{runs}");
    assert!(rate("1", "5") > 1.5 * rate("1", "20"), "{runs}");
    for name in ["requests_per_s-workers-ms.svg", "p99_ms-workers-ms.svg"] {
        let svg = read(&folder, name);
        assert!(svg.contains("Sleep &amp; wake") && svg.ends_with("</svg>\n"), "{svg}");
        assert!(svg.contains("class=\"ideal\"") == name.starts_with("requests"), "{svg}");
    }
    let report = read(&folder, "report.md");
    assert!(report.contains("| workers | connections | ms | n | requests/s |"), "{report}");
    assert!(read(&folder, "machine.json").contains("\"cores\""));
    for name in ["report.md", "machine.json", "requests_per_s-workers-ms.svg"] {
        assert!(!read(&folder, name).contains("c2VjcmV0"), "{name} has a secret in it");
    }

    // As if it had been stopped within a line.
    let cut = runs.len() - 20;
    folder.write("runs.csv", &runs[..cut]);
    let Finished { code, stderr, .. } = all(&["--resume"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("1 of 1: "), "{stderr}");
    let resumed = read(&folder, "runs.csv");
    assert_eq!(resumed.lines().count(), 1 + 8);
    assert!(resumed.starts_with(&runs[..runs.trim_end().rfind('\n').unwrap()]));
}

#[test]
fn the_plan_is_printed_and_nothing_is_sent() {
    let folder = Folder::new();
    let args = ["--dry-run", "-c", "1..4x2", "--repeat", "3", "http://127.0.0.1:1/"];
    let Finished { code, stdout, stderr } = experiment(&folder, &args);
    let plan = String::from_utf8(stdout).unwrap();
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(
        plan.starts_with("3 combinations, 3 times each: 9 measurements, at least 0:01\n"),
        "{plan}"
    );
    assert!(plan.ends_with("connections 1\nconnections 2\nconnections 4\n"), "{plan}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_goes_wrong_is_said() {
    let server = Server::start(&["--access-log", "off"]);
    let (health, missing) = (server.url("/-/health"), server.url("/missing"));
    let once = ["-s", "--repeat", "1"];
    for (args, code, said) in [
        (
            &["--plot", "speed:connections", "-c", "1,2", &health][..],
            2,
            "speed is no figure; right: one of seconds",
        ),
        (
            &["--ideal", "cores*2", "-c", "1,2", &health],
            2,
            "cores is no number, and no list of numbers, at byte 0",
        ),
        (
            &["--server", "exit 3", "http://127.0.0.1:{port}/"],
            7,
            "it ended at once, with exit code 3",
        ),
        (
            &["--server", "sleep 9", "--ready", "0.1", "http://127.0.0.1:{port}/"],
            7,
            "nothing listens on port ",
        ),
        (&[&missing], 22, "all requests failed"),
        (&["--fail-if", "p50>0.001us", &health], 99, "p50 is "),
    ] {
        let Finished { code: got, stderr, .. } =
            experiment(&Folder::new(), &[&once, args].concat());
        assert_eq!(got, Some(code), "{args:?}: {stderr}");
        assert!(stderr.contains(said) && stderr.lines().count() == 1, "{args:?}: {stderr}");
    }
    let folder = Folder::with(&[("runs.csv", "when,other\n")]);
    let Finished { code, stderr, .. } = experiment(&folder, &["--resume", &health]);
    assert!(code == Some(26) && stderr.contains("of another experiment"), "{stderr}");
    let Finished { code, .. } =
        experiment(&Folder::new(), &["-s", "--repeat", "1", "--fail-if", "rps<1", &health]);
    assert_eq!(code, Some(0));
}

#[test]
fn a_second_signal_ends_the_server_as_well() {
    let (folder, data) = (Folder::new(), Folder::new());
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = format!(
        "{{threadbare}} --bind {address} --access-log off --data {} www; true",
        data.path().display()
    );
    let (output, url) = (folder.path().display().to_string(), format!("http://{address}/"));
    let args = ["experiment", "-t", "60", "--server", &server, "-o", &output, &url];
    let mut program = Program::start(&mut client(&args));
    assert!(eventually(|| TcpStream::connect(address).ok()).is_some());
    for _ in 0..2 {
        program.signal("INT");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(program.exit_code(), Some(130));
    assert!(eventually(|| TcpStream::connect(address).err()).is_some(), "the server has ended");
}

/// The combinations of everything that can vary, in the order of the lists.
#[test]
fn what_varies_is_measured_in_the_order_that_was_given() {
    let (folder, server) = (Folder::new(), Server::start(&["--access-log", "off"]));
    let url = server.url("/-/health");
    let varied = ["-c", "2", "--keep-alive", "on,off", "--rate", "100,200", "--pipeline", "1"];
    let rest = ["--order", "given", "--seed", "7", "--threads", "1", "--log", "x", "--repeat", "1"];
    let Finished { code, stderr, .. } =
        experiment(&folder, &[&varied[..], &rest, &["--silent", &url]].concat());
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let runs = read(&folder, "runs.csv");
    let combinations =
        runs.lines().skip(1).map(|row| row.split(',').collect::<Vec<_>>()[2..5].join(","));
    let wanted = ["on,100,1", "on,200,1", "off,100,1", "off,200,1"];
    assert_eq!(combinations.collect::<Vec<_>>(), wanted, "{runs}");
}
