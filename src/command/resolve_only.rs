//! `client where URL…`: the queries to name servers and their answers, the addresses, which of them was
//! tried when, how long each took to connect or to fail, and between which addresses the connection is.
//! Nothing is sent on it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::error::CommandError;
use super::error::print_stdout;
use super::network;
use crate::cli::client::ClientOptions;
use crate::client::{Endpoints, Error, ErrorKind, Event, LookupStep, Url, in_one_line};
use crate::proto::http::url::without_user;
use crate::sync::lock;

/// Says it of each URL, on stdout; the exit code is that of the last one, as when it is fetched.
///
/// # Errors
/// What keeps all of them from being looked for.
pub fn run(options: &ClientOptions) -> Result<u8, CommandError> {
    let mut code = 0;
    for url in &options.urls {
        let found = Arc::new(Mutex::new(LookupRecord::new()));
        let teller = Arc::clone(&found);
        let client = network::client(options)?.observer(move |event: &Event<'_>| {
            lock(&teller).observe(event);
        });
        let reached = Url::parse(url)
            .map_err(|error| ErrorKind::Url(error).into())
            .and_then(|url| client.probe(&url));
        let text = lock(&found).text(url, &reached);
        print_stdout(text.as_bytes())?;
        code = match reached {
            Ok(_) => 0,
            Err(error) => {
                let stop = CommandError::from(error);
                stop.print();
                stop.exit_code()
            }
        };
    }
    Ok(code)
}

/// The most bytes of text about queries, before messages that were dropped are no longer shown.
const MAX_STEPS: usize = 10_000;

/// What the events said, with their times.
struct LookupRecord {
    begun: Instant,
    host: Option<String>,
    /// Where the addresses come from, if they are looked up.
    source: &'static str,
    /// The queries, and what came of them: lines.
    steps: String,
    resolved: Option<(Duration, Vec<SocketAddr>)>,
    tries: Vec<Try>,
}

/// One address.
struct Try {
    address: SocketAddr,
    began: Duration,
    /// When it was over, and what came of it; `None` while it is under way.
    end: Option<(Duration, String)>,
}

impl LookupRecord {
    fn new() -> LookupRecord {
        LookupRecord {
            begun: Instant::now(),
            host: None,
            source: "",
            steps: String::new(),
            resolved: None,
            tries: Vec::new(),
        }
    }

    fn observe(&mut self, event: &Event<'_>) {
        let now = self.begun.elapsed();
        let mut end = |of: &SocketAddr, what: String| {
            let open =
                self.tries.iter_mut().find(|tried| tried.address == *of && tried.end.is_none());
            if let Some(tried) = open {
                tried.end = Some((now, what));
            }
        };
        match event {
            Event::Resolving(host) => self.host = Some((*host).to_owned()),
            Event::Lookup(step) => self.look_up(now, step),
            Event::Resolved(_, addresses) => self.resolved = Some((now, addresses.to_vec())),
            Event::Trying(address) => {
                self.tries.push(Try { address: *address, began: now, end: None });
            }
            Event::Failed(address, error) => end(address, in_one_line(*error)),
            Event::Abandoned(address) => {
                end(address, "given up: another one was faster".to_owned())
            }
            _ => {}
        }
    }

    fn look_up(&mut self, now: Duration, step: &LookupStep) {
        self.source = match step {
            LookupStep::System => ", from the C library",
            LookupStep::HostsFile => ", from /etc/hosts",
            _ => ", from name servers",
        };
        if matches!(step, LookupStep::Dropped(..)) && self.steps.len() > MAX_STEPS {
            return;
        }
        if !matches!(step, LookupStep::System | LookupStep::HostsFile) {
            self.steps.push_str(&format!("    at {}  {step}\n", ms(now)));
        }
        if let LookupStep::Answered(answer) = step {
            for record in answer.records().unwrap_or_default() {
                let record = record.to_string().replace('\t', " ");
                self.steps.push_str(&format!("    {:17}{record}\n", ""));
            }
        }
    }

    /// Returns the report, after the end of the attempt.
    fn text(&self, url: &str, reached: &Result<Endpoints, Error>) -> String {
        let (now, mut text) = (self.begun.elapsed(), format!("{}\n", without_user(url)));
        let Some(host) = &self.host else {
            if let Ok(ends) = reached {
                text.push_str(&format!("  connected to {ends} in {}\n", ms(now).trim_start()));
            }
            return text;
        };
        if !self.steps.is_empty() {
            text.push_str(&format!("  asked name servers about {host}\n{}", self.steps));
        }
        let Some((took, addresses)) = &self.resolved else {
            text.push_str(&format!("  could not resolve {host} after {}\n", ms(now).trim_start()));
            return text;
        };
        let (took, source) = (ms(*took), self.source);
        text.push_str(&format!("  looked up {host} in {}{source}\n", took.trim_start()));
        for address in addresses {
            text.push_str(&format!("    {}\n", address.ip()));
        }
        text.push_str("  tried, and how long that took\n");
        let width = addresses.iter().map(|address| address.to_string().len()).max().unwrap_or(0);
        for Try { address, began, end } in &self.tries {
            let address = address.to_string();
            let (until, what) = match end {
                Some((until, what)) => (*until, what.as_str()),
                None if reached.is_ok() => (now, "connected"),
                None => (now, "no answer"),
            };
            let (began_at, took) = (ms(*began), ms(until.saturating_sub(*began)));
            text.push_str(&format!("    at {began_at}  {address:<width$}  {took}  {what}\n"));
        }
        let untried = |address: &&SocketAddr| !self.tries.iter().any(|it| it.address == **address);
        for address in addresses.iter().filter(untried) {
            let address = address.to_string();
            text.push_str(&format!("    {:15}{address:<width$}  {:12}not tried\n", "", ""));
        }
        if let Ok(Endpoints::Tcp { local, remote }) = reached {
            text.push_str(&format!("  from {local}\n  to   {remote}\n"));
        }
        text
    }
}

/// Returns `  12.3 ms`.
fn ms(time: Duration) -> String {
    format!("{:7.1} ms", time.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    /// What is said, every time as `T`, and rows of spaces as one.
    fn said(events: &[Event<'_>], reached: &Result<Endpoints, Error>) -> String {
        let mut found = LookupRecord::new();
        events.iter().for_each(|event| found.observe(event));
        let text = found.text("http://a/", reached);
        let words = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let is_time = |word: &&str| word.contains('.') && word.parse::<f64>().is_ok();
            words
                .iter()
                .map(|word| if is_time(word) { "T" } else { word })
                .collect::<Vec<_>>()
                .join(" ")
        };
        text.lines().map(words).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn what_is_said() {
        let [six, four, other]: [SocketAddr; 3] =
            ["[::1]:80", "127.0.0.1:80", "10.0.0.1:80"].map(|address| address.parse().unwrap());
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let ends = || Ok(Endpoints::Tcp { local: "127.0.0.1:5".parse().unwrap(), remote: four });
        for (events, reached, want) in [
            (
                &[
                    Event::Resolving("a"),
                    Event::Resolved("a", &[six, four, other]),
                    Event::Trying(six),
                    Event::Failed(six, &refused),
                    Event::Trying(four),
                ][..],
                ends(),
                "http://a/|looked up a in T ms|::1|127.0.0.1|10.0.0.1|tried, and how long that took|\
                 at T ms [::1]:80 T ms connection refused|at T ms 127.0.0.1:80 T ms connected|\
                 10.0.0.1:80 not tried|from 127.0.0.1:5|to 127.0.0.1:80",
            ),
            (
                &[
                    Event::Resolving("a"),
                    Event::Resolved("a", &[six, four]),
                    Event::Trying(six),
                    Event::Trying(four),
                    Event::Abandoned(six),
                ],
                ends(),
                "http://a/|looked up a in T ms|::1|127.0.0.1|tried, and how long that took|\
                 at T ms [::1]:80 T ms given up: another one was faster|\
                 at T ms 127.0.0.1:80 T ms connected|from 127.0.0.1:5|to 127.0.0.1:80",
            ),
            (
                &[Event::Resolving("a")],
                Err(ErrorKind::NoResponse.into()),
                "http://a/|could not resolve a after T ms",
            ),
            (&[], Ok(Endpoints::Unix("/s".into())), "http://a/|connected to /s in T ms"),
            (&[], Err(ErrorKind::Trace.into()), "http://a/"),
        ] {
            assert_eq!(said(events, &reached), want);
        }
    }
}
