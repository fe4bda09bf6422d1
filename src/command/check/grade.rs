//! One server, from the command line to a report: it is started if there is a command for that, its page is looked at,
//! and the checks are run.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use super::facts::Facts;
use super::outcome::{Outcome, Report};
use super::root::Root;
use super::run::Run;
use super::sample::Sample;
use super::select::Selected;
use super::talk::Way;
use super::watch::{Watch, look};
use crate::cli::client::check::CheckOptions;
use crate::client::{ErrorKind, Url};
use crate::command::error::CommandError;
use crate::command::network;
use crate::command::server_process::{Process, free_port};
use crate::net::connect::connect;

/// How long a server may take until it accepts connections.
const READY: Duration = Duration::from_secs(10);

/// Checks a server. `tell` hears of each check as soon as it is done.
///
/// # Errors
/// When nothing can be checked.
pub fn grade(
    options: &CheckOptions,
    checks: Vec<Selected>,
    tell: &mut dyn FnMut(&Outcome),
) -> Result<Report, CommandError> {
    let failed = |code: u8, what: String| CommandError::Failed(code, what);
    let io_failed = |error: std::io::Error| failed(7, format!("--server: {error}"));
    let mut typed = options.client.urls.first().cloned().unwrap_or_default();
    let mut root = options.root.clone();
    let (mut sample, mut process) = (None, None);
    if let Some(command) = &options.server {
        let port = free_port().map_err(io_failed)?;
        if root.is_none() && command.contains("{root}") {
            let made = Sample::new().map_err(io_failed)?;
            root = Some(made.path().to_owned());
            sample = Some(made);
        }
        let folder = root.as_ref().map(|root| quoted(root)).unwrap_or_default();
        let command = command
            .replace("{port}", &port.to_string())
            .replace("{root}", &folder)
            .replace("{workers}", &options.workers.to_string());
        typed = typed.replace("{port}", &port.to_string());
        process = Some(Process::start(command, port, READY).map_err(|what| failed(7, what))?);
    }
    let url =
        Url::parse(&typed).map_err(|error| CommandError::Fetch(ErrorKind::Url(error).into()))?;
    let files = root.map(|folder| {
        Root::read(&folder)
            .map_err(|error| CommandError::ReadData(folder.display().to_string(), error))
    });
    let mut facts = Facts::new(options, &url, files.transpose()?);
    let is_of_a_proxy =
        |check: &Selected| ["proxy.", "cache."].iter().any(|group| check.name.starts_with(group));
    if checks.iter().any(is_of_a_proxy) {
        facts.through_a_proxy().map_err(|error| failed(7, format!("no origin server: {error}")))?;
    }
    let way = way(options, &url)?;
    let addresses = way.addresses.clone();
    let mut run = Run::new(way, facts, process, tell);
    if run.learn().is_err()
        && let Err(error) =
            connect(&addresses, Some(Instant::now() + options.max_time), &mut |_| {})
    {
        let kind = ErrorKind::Connect(url.host().to_owned(), url.port(), error);
        return Err(CommandError::Fetch(kind.into()));
    }
    let report = run.run(checks);
    drop(sample);
    Ok(report)
}

/// Returns a path for the shell, in quotes.
fn quoted(path: &std::path::Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}

/// Returns how the server is reached.
///
/// # Errors
/// When its name cannot be looked up.
fn way(options: &CheckOptions, url: &Url) -> Result<Way, CommandError> {
    let addresses = network::client(&network::direct(&options.client))?.addresses(url)?;
    let form = options.wire.then(|| look(options.explain));
    let watch = Watch::new(form, options.transcript.as_deref()).map_err(|error| {
        let name = options.transcript.as_ref().map(|path| path.display().to_string());
        CommandError::Write(name.unwrap_or_default(), error)
    })?;
    Ok(Way { addresses, max_time: options.max_time, watch: Arc::new(watch) })
}
