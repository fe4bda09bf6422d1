//! A host to its addresses.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use super::exchange::{Answer, is_definite};
use super::resolv_conf::ResolvConf;
use super::{LookupError, LookupStep, Resolver, hosts};
use crate::net::resolve::{
    Family, ResolveError, loopback, resolve as ask_the_c_library, without_look_up,
};
use crate::proto::dns::{Name, Question, ResponseCode, Type};

/// How long the answer about one family is waited for after that about the other, which has addresses:
/// servers exist that never answer one of them (RFC 8305, 3, recommends 50 ms; this is as long as the
/// pause between two attempts to connect).
const RESOLUTION_DELAY: Duration = Duration::from_millis(250);
/// The most steps that are not observed yet.
const STEPS: usize = 16;

/// The addresses of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The addresses, in the order in which they should be tried.
    pub addresses: Vec<IpAddr>,
    /// For how long they are valid; `None` if that is not known.
    pub ttl: Option<Duration>,
}

/// Looks a host up.
///
/// # Errors
/// [`ResolveError`]; [`LookupError`] is in [`ResolveError::Failed`].
pub fn resolve(
    resolver: &Resolver,
    host: &str,
    family: Family,
    until: Option<Instant>,
    observe: &mut dyn FnMut(LookupStep),
) -> Result<Found, ResolveError> {
    let unlimited = |addresses| Found { addresses, ttl: None };
    if let Some(known) = without_look_up(host, family) {
        return known.map(unlimited);
    }
    // With `-4` only A is asked for: the C library asks for both.
    let is_ours = || family != Family::Any && hosts::is_files_then_dns(&read("/etc/nsswitch.conf"));
    if *resolver == Resolver::System && !is_ours() {
        observe(LookupStep::System);
        return ask_the_c_library(host, family, until).map(unlimited);
    }
    let mut listed = hosts::addresses(&read("/etc/hosts"), host);
    listed.retain(|address| family.has(address));
    if !listed.is_empty() {
        observe(LookupStep::HostsFile);
        return Ok(unlimited(listed));
    }
    if host.strip_suffix('.').unwrap_or(host).eq_ignore_ascii_case("localhost") {
        return Ok(unlimited(loopback(family)));
    }
    let found = search(configuration(resolver), host, family, until, observe);
    found.map_err(|error| match error {
        LookupError::TimedOut => ResolveError::TimedOut,
        error => ResolveError::Failed(io::Error::other(error)),
    })
}

/// Returns how the servers are asked.
pub(super) fn configuration(resolver: &Resolver) -> ResolvConf {
    let conf = ResolvConf::parse(&read("/etc/resolv.conf"));
    match resolver {
        Resolver::System | Resolver::Files => conf,
        Resolver::Servers(servers) => ResolvConf { servers: servers.clone(), ..conf },
    }
}

/// Returns a file of the system, which may be missing.
fn read(path: &str) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

/// Asks for one name after the other until one of them has an address. If none has, the error is that of
/// the first one.
fn search(
    conf: ResolvConf,
    host: &str,
    family: Family,
    until: Option<Instant>,
    observe: &mut dyn FnMut(LookupStep),
) -> Result<Found, LookupError> {
    let (names, conf, mut first) = (conf.candidates(host), Arc::new(conf), None);
    for name in names.map_err(|why| LookupError::Failed(why.to_owned()))? {
        match ask_both(&conf, &name, family, until, observe) {
            Err(LookupError::NoAddress(code, why)) if is_definite(code) => {
                first = first.or(Some(LookupError::NoAddress(code, why)));
            }
            ended => return ended,
        }
    }
    Err(first.unwrap_or(LookupError::TimedOut))
}

/// What a thread reports.
enum Report {
    Step(LookupStep),
    Ended(Result<Found, LookupError>),
}

/// Asks for the addresses of each family, at the same time.
fn ask_both(
    conf: &Arc<ResolvConf>,
    name: &Name,
    family: Family,
    until: Option<Instant>,
    observe: &mut dyn FnMut(LookupStep),
) -> Result<Found, LookupError> {
    let (report, reports) = mpsc::sync_channel(STEPS);
    for (one, record_type) in [(Family::V6, Type::AAAA), (Family::V4, Type::A)] {
        if family == Family::Any || family == one {
            start(
                Arc::clone(conf),
                Question::new(name.clone(), record_type),
                until,
                report.clone(),
            )?;
        }
    }
    drop(report);
    let (mut found, mut error, mut end) = (Found::default(), None, None::<Instant>);
    loop {
        // Each thread ends in time by itself, and what it reports until then is no reason to wait longer.
        let next = match end.map(|end| end.saturating_duration_since(Instant::now())) {
            None => reports.recv().ok(),
            Some(Duration::ZERO) => None,
            Some(left) => reports.recv_timeout(left).ok(),
        };
        match next {
            Some(Report::Step(step)) => observe(step),
            Some(Report::Ended(Ok(more))) => {
                found.addresses.extend(more.addresses);
                found.ttl = found.ttl.into_iter().chain(more.ttl).min();
                end = Some(Instant::now() + RESOLUTION_DELAY);
            }
            // A name that does not exist has no address of the other family either (RFC 8020, 2).
            Some(Report::Ended(Err(
                why @ LookupError::NoAddress(ResponseCode::NO_SUCH_NAME, _),
            ))) => return Err(why),
            // That a name has no address of one family is the weaker error.
            Some(Report::Ended(Err(why))) => match error {
                None | Some(LookupError::NoAddress(ResponseCode::NO_ERROR, _)) => error = Some(why),
                Some(_) => {}
            },
            None => break,
        }
    }
    found.addresses.sort_by_key(IpAddr::is_ipv4); // IPv6 first (RFC 6724, 6, rule 6)
    match found.addresses.is_empty() {
        true => Err(error.unwrap_or(LookupError::TimedOut)),
        false => Ok(found),
    }
}

/// Starts the thread that asks one question. It ends by itself, also if nothing is waited for any more.
fn start(
    conf: Arc<ResolvConf>,
    question: Question,
    until: Option<Instant>,
    report: SyncSender<Report>,
) -> Result<(), LookupError> {
    let run = move || {
        // Sending fails when the caller has gone: that is not an error.
        let mut observe = |step| report.send(Report::Step(step)).unwrap_or_default();
        let answer = conf.ask(&question, is_definite, until, &mut observe);
        let found = answer.and_then(|answer| addresses(&question.name, &answer));
        report.send(Report::Ended(found)).unwrap_or_default();
    };
    let started = thread::Builder::new().name("dns".to_owned()).spawn(run);
    let failed = |error| LookupError::Failed(format!("no thread for the look-up: {error}"));
    started.map(drop).map_err(failed)
}

/// Returns the addresses in an answer about this name.
fn addresses(name: &Name, answer: &Answer) -> Result<Found, LookupError> {
    let (server, code) = (answer.server, answer.message.code());
    let endless = || format!("the aliases of {name} have no end (CNAME records from {server})");
    let records = answer.records().ok_or_else(|| LookupError::Failed(endless()))?;
    let addresses: Vec<_> = records.iter().filter_map(|record| record.data.address()).collect();
    if code == ResponseCode::NO_ERROR && !addresses.is_empty() {
        let ttl = records.iter().map(|record| record.ttl).min().unwrap_or(0);
        return Ok(Found { addresses, ttl: Some(Duration::from_secs(ttl.into())) });
    }
    let why = match code {
        ResponseCode::NO_SUCH_NAME => {
            format!("the name {name} does not exist ({code} from {server})")
        }
        ResponseCode::NO_ERROR => {
            format!("the name {name} has no address of this kind ({code} from {server})")
        }
        _ => format!("the name server {server} responded {code} for {name}"),
    };
    Err(LookupError::NoAddress(code, why))
}
