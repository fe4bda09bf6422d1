//! What is told about a transfer, and about a request that is not sent; what JSON looks like.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use super::fake::Fake;
use super::{client, fetch, fetched};
use crate::support::{Folder, Server, run};

#[test]
fn a_line_of_json_about_each_transfer() {
    let server = Server::start(&[]);
    let folder = Folder::new();
    let lines = folder.join("lines");
    let (page, lost) = (server.url("/bytes/5"), server.url("/nowhere"));
    let args = ["-sf", "--json-out", lines.to_str().expect("UTF-8"), &page, &lost];
    assert_eq!(fetch(&args).code, Some(22));
    let text = fs::read_to_string(&lines).expect("it is there");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let [first, second] = &lines[..] else { panic!("two lines: {text}") };
    assert_eq!((&first["url"], &first["http_code"]), (&page.clone().into(), &200.into()));
    assert_eq!((&first["size_download"], &first["num_connects"]), (&5.into(), &1.into()));
    assert_eq!((&first["exitcode"], first["errormsg"].is_null()), (&0.into(), true));
    assert_eq!((&second["exitcode"], &second["num_connects"]), (&22.into(), &0.into()));
    assert!(second["errormsg"].as_str().expect("a text").contains("404"), "{second}");
    let times: Vec<f64> = ["namelookup", "connect", "pretransfer", "starttransfer", "total"]
        .iter()
        .map(|name| first[format!("time_{name}")].as_f64().expect("a number"))
        .collect();
    assert!(times.is_sorted() && times[4] > 0.0, "{times:?}");
    assert_eq!(
        fetched(&["-w", "%{json}", "--json-out", "-", &page]).matches("\"url\":").count(),
        2
    );
}

/// Cases for [`the_same_request_three_ways`]: the arguments, `~` being a URL.
const REQUESTS: &[&[&str]] = &[
    &["~/"],
    &["~/a?b=c&d='e'#f"],
    &["~/{a,b}/../[c]"],
    &["-I", "~/"],
    &["-X", "DELETE", "~/"],
    &["-X", "POST", "~/"],
    &["--http1.0", "~/"],
    &["-A", "it's me", "~/"],
    &["-A", "", "~/"],
    &["-H", "Accept:", "-H", "X: %d \\n $HOME `x` \"y\" ü!", "~/"],
    &["-H", "Host: other", "-u", "a:b", "-e", "x", "~/"],
    &["-H", "Accept: a/b", "~/"],
    &["-d", "a=1&b='2'", "~/"],
    &["-d", "", "~/"],
    &["-d", "@-", "~/"],
    &["-X", "GET", "-d", "x", "~/"],
    &["-d", "x", "-H", "Content-Type:", "~/"],
    &["--json", "{\"a\": \"%s\\\\\"}", "~/"],
    &["--data-raw", "@x\r\ny\\", "~/"],
    &["--data-binary", "@~bytes", "~/"],
    &["-d", "@~over_a_megabyte", "~/"],
    &["--http1.0", "-d", "@~over_a_megabyte", "~/"],
    &["-X", "PATCH", "--data-raw", "-x", "-r", "0-4", "~/"],
];

/// What is sent, what `--offline` prints, and what the commands of `--as` send are the same bytes.
#[test]
fn the_same_request_three_ways() {
    let folder = Folder::new();
    folder.write("bytes", (0..=255).chain(*b"-\\0%%\r\n").collect::<Vec<u8>>());
    folder.write("over_a_megabyte", vec![b'x'; (1 << 20) + 1]);
    let has_curl = crate::support::needs("curl");
    let mut differ = Vec::new();
    for args in REQUESTS {
        let fake = Fake::hello(1);
        let place = folder.path().display();
        let put = |arg: &&str| match (arg.strip_prefix('~'), arg.strip_prefix("@~")) {
            (Some(path), _) => fake.url(path),
            (_, Some(file)) => format!("@{place}/{file}"),
            (None, None) => (*arg).to_owned(),
        };
        let args: Vec<String> = args.iter().map(put).collect();
        let with = |more: &[&str]| {
            let args: Vec<&str> =
                more.iter().copied().chain(args.iter().map(String::as_str)).collect();
            run(&mut client(&args), b"from 'stdin'\n\0")
        };
        let printed = String::from_utf8_lossy(&with(&["--offline"]).stdout).into_owned();
        let (as_nc, as_curl) =
            (with(&["--as", "nc"]).succeeded(), with(&["--as", "curl"]).succeeded());
        with(&["-s"]);
        // nc is not everywhere; what it is given is all that matters.
        let as_nc = run(&mut Command::new("sh"), format!("nc() {{ cat; }}; {as_nc}").as_bytes());
        let as_nc = String::from_utf8_lossy(&as_nc.stdout).into_owned();
        if has_curl {
            let line = format!("curl() {{ command curl -q -s --noproxy '*' \"$@\"; }}; {as_curl}");
            run(&mut Command::new("sh"), line.as_bytes());
        }
        for (way, bytes) in [
            Some(("nc", &as_nc)),
            Some(("sent", &fake.requests()[0])),
            fake.requests().get(1).map(|it| ("curl", it)),
        ]
        .into_iter()
        .flatten()
        {
            if *bytes != printed {
                let short = |text: &str| text.chars().take(600).collect::<String>();
                differ.push(format!(
                    "{way} {args:?}: {as_curl}\n{:?}\n{:?}",
                    short(bytes),
                    short(&printed)
                ));
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn json_is_made_pretty_when_asked_for() {
    let json = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"a\": [1,{}]}";
    let lines = "{\n  \"a\": [\n    1,\n    {}\n  ]\n}\n";
    let asked = |args: &[&str], colours: Option<&str>| {
        let fake = Fake::saying(json);
        let url = fake.url("/");
        let mut command = client(&[args, &[&url]].concat());
        command.env_remove("NO_COLOR");
        if let Some(value) = colours {
            command.env("NO_COLOR", value);
        }
        run(&mut command, b"").succeeded()
    };
    assert_eq!(asked(&[], None), "{\"a\": [1,{}]}", "no terminal, no change");
    assert_eq!(asked(&["--pretty", "never"], None), "{\"a\": [1,{}]}");
    assert_eq!(asked(&["--pretty", "always"], Some("1")), lines);
    assert!(asked(&["--pretty", "always"], Some("")).contains("\x1b[1;34m\"a\"\x1b[0m: ["));
    let with_head = asked(&["-i", "--pretty", "always"], Some("1"));
    assert!(
        with_head.starts_with("HTTP/1.1 200 OK\r\n") && with_head.ends_with(lines),
        "{with_head}"
    );
    let cut = Fake::saying(json.replace("13", "14"));
    let finished = fetch(&["--pretty", "always", &cut.url("/")]);
    finished.failed(18, "the body is incomplete");
    assert_eq!(finished.stdout, b"{\"a\": [1,{}]}", "what came, as it came");
}

#[test]
fn a_body_is_held_back() {
    let server = Server::start(&[]);
    let begun = Instant::now();
    assert_eq!(fetched(&["--limit-rate", "1k", &server.url("/bytes/600")]).len(), 600);
    assert!(begun.elapsed() > Duration::from_millis(500), "{:?}", begun.elapsed());
    fetch(&["--limit-rate", "1", "-m", "0.5", &server.url("/bytes/10000000")])
        .failed(28, "-m holds");
}
