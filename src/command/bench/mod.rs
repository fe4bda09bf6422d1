//! `client bench URL`: from flags to a plan, from the plan to a report and an exit code.
//!
//! | file | what it does |
//! |---|---|
//! | [`load`] | sends the requests and times them |
//! | [`report`] | the result as text and JSON, and its verdict |
//! | `urls` | several URLs with weights, from a file |

pub mod load;
pub mod report;
pub mod urls;

use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use self::load::{LoadProgress, Pace, Plan, order, run};
use self::report::compare::Baseline;
use self::report::{Summary, fail_if, json, text};
use self::urls::WeightedUrl;
use super::build_request::{Content, OutgoingRequest, build_request, read_data};
use super::error::{CommandError, print_stderr, print_stdout};
use super::fetch_list::FetchItem;
use super::machine::{machine, now};
use super::network::connect_options;
use crate::cli::bench::BenchOptions;
use crate::client::{ConnectOptions, Request};
use crate::text::{grouped, number};

/// Measures, prints the report, and applies the conditions.
///
/// # Errors
/// When the measurement cannot be made, or requests or conditions failed.
pub fn run_bench(options: &BenchOptions, stop: &AtomicBool) -> Result<u8, CommandError> {
    let conditions = options.fail_if.as_deref().map(fail_if::parse).transpose();
    let conditions = conditions.map_err(CommandError::Usage)?.unwrap_or_default();
    let baseline = options.baseline.as_deref().map(baseline).transpose()?;
    let summary = measure(options, stop)?;

    let occasion = [
        ("when", now().into()),
        ("command", options.command_line.as_str().into()),
        ("machine", machine()),
    ];
    let occasion = occasion.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
    let in_json = json::json(&summary, occasion);
    let to_stdout = options.json_out.as_deref() == Some(Path::new("-"));
    let mut page = if to_stdout { in_json.clone() } else { text(&summary) };
    if let Some(path) = options.json_out.as_deref().filter(|_| !to_stdout) {
        let name = path.display().to_string();
        fs::write(path, in_json).map_err(|error| CommandError::Write(name, error))?;
    }
    if let (Some((name, baseline)), false) = (&baseline, to_stdout) {
        page += &format!("\n{}", baseline.table(name, &summary));
    }
    match print_stdout(page.as_bytes()) {
        Ok(()) | Err(CommandError::BrokenPipe) => {}
        Err(error) => return Err(error),
    }
    let good = summary.answers - summary.not_2xx;
    let tolerated = conditions.iter().any(|condition| condition.is_about_errors());
    if good == 0 || summary.errors() > 0 && !tolerated {
        let (errors, all) = (summary.errors(), summary.answers + summary.failed());
        return Err(CommandError::Failed(22, format!("{errors} of {all} requests failed")));
    }
    let held: Vec<String> = conditions.iter().filter_map(|one| one.holds(&summary)).collect();
    match &held[..] {
        [] => Ok(0),
        held => Err(CommandError::Failed(99, format!("--fail-if: {}", held.join("; ")))),
    }
}

/// Measures.
///
/// # Errors
/// When the measurement cannot be made.
pub(super) fn measure(options: &BenchOptions, stop: &AtomicBool) -> Result<Summary, CommandError> {
    let plan = plan(options)?;
    let watched = !options.silent && io::stderr().is_terminal();
    let outcome = run(&plan, stop, |after, so_far| {
        if watched {
            print_stderr(format!("\r\x1b[K{}", progress(after, so_far)));
        }
    });
    if watched {
        print_stderr("\r\x1b[K");
    }
    Ok(Summary::new(&plan, &outcome.map_err(CommandError::Fetch)?))
}

fn plan(options: &BenchOptions) -> Result<Plan, CommandError> {
    let content = Content::new(&options.client)?;
    // The environment's proxy is not measured.
    let connect = connect_options(&options.client.network, |_| None);
    let connect = connect.map_err(|what| CommandError::Failed(49, what))?;
    let urls = urls(options)?;
    let turns = urls.iter().map(|url| turn(options, url, &content));
    let turns = turns.collect::<Result<Vec<_>, _>>()?;
    check_routes(&turns, &connect)?;
    let weights: Vec<u32> = urls.iter().map(|url| url.weight).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Plan {
        turns,
        order: order(&weights).map_err(CommandError::Usage)?,
        weights,
        connections: options.connections,
        threads: options.threads.unwrap_or((cores / 2).max(1)),
        pace: options.rate.map_or(Pace::Closed, Pace::Rate),
        requests: options.requests,
        duration: options.time(),
        warm_up: options.warm_up,
        per_connection: options.per_connection,
        pipeline: options.pipeline,
        patience: options.max_time,
        connect,
    })
}

/// Returns the URLs of the command line, and then those of the file.
fn urls(options: &BenchOptions) -> Result<Vec<WeightedUrl>, CommandError> {
    let mut urls: Vec<_> = options.client.urls.iter().map(|url| WeightedUrl::typed(url)).collect();
    if let Some(path) = &options.urls {
        let name =
            if path == Path::new("-") { "stdin".to_owned() } else { path.display().to_string() };
        let parsed = urls::parse(&name, &read_data(path)?).map_err(CommandError::Usage)?;
        urls.extend(parsed);
    }
    Ok(urls)
}

/// Returns the request for a URL.
fn turn(
    options: &BenchOptions,
    url: &WeightedUrl,
    content: &Content,
) -> Result<Request, CommandError> {
    let item = FetchItem::of_url(&options.client, &url.url);
    let request = build_request(&options.client, &item, content);
    let request = request.and_then(OutgoingRequest::in_memory);
    request.map_err(|error| match &url.place {
        Some(place) => CommandError::Failed(error.exit_code(), format!("{place}: {error}")),
        None => error,
    })
}

/// Checks that all requests can share connections.
fn check_routes(turns: &[Request], connect: &ConnectOptions) -> Result<(), CommandError> {
    let routes: Vec<_> = turns.iter().map(|request| connect.route(request.url()).ok()).collect();
    match routes.windows(2).all(|two| two[0] == two[1]) {
        true => Ok(()),
        false => {
            let what = "the URLs are of several servers; right: URLs of one server";
            Err(CommandError::Usage(what.to_owned()))
        }
    }
}

fn baseline(path: &Path) -> Result<(String, Baseline), CommandError> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path);
    let text = text.map_err(|error| CommandError::ReadData(name.clone(), error))?;
    match Baseline::parse(&text) {
        Ok(baseline) => Ok((name, baseline)),
        Err(why) => Err(CommandError::ReadData(name, io::Error::other(why))),
    }
}

/// Returns the progress line.
fn progress(after: Duration, progress: &LoadProgress) -> String {
    let rate = progress.answers() as f64 / after.as_secs_f64().max(1e-9);
    format!(
        "{:.1} s: {} responses, {}/s, {} failed",
        after.as_secs_f64(),
        grouped(progress.answers()),
        number(rate),
        grouped(progress.failures()),
    )
}
