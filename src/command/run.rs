//! All transfers of a command line: one after the other, or several at a time (`-Z`).
//!
//! In parallel, each thread receives the next URL from a channel, makes its transfer with plain
//! blocking code, and returns the exit code.

use std::io;
use std::sync::Arc;
use std::thread;

use crossbeam_channel::Sender;

use super::error::CommandError;
use super::fetch::Fetcher;
use super::fetch_list::{FetchItem, FetchList};
use super::misbehave;
use super::session::Session;
use super::standard_stream::redirect_stderr;
use crate::cli::client::ClientOptions;

/// The exit code of [`CommandError::Write`].
const LOST_OUTPUT: u8 = 23;

/// Makes all transfers of all operations. A failed one does not stop the others, unless `--fail-early` is set. Returns
/// the exit code of the last one, with `-Z` of the last one that failed, as with curl; but not 0 if an
/// output was lost, because an earlier one cannot be seen to be missing (curl: 0).
///
/// # Errors
/// When no transfer can be made: what the operations send and write is looked at before the first one begins.
pub fn run(operations: &[ClientOptions]) -> Result<u8, CommandError> {
    if let Some(path) = operations.first().and_then(|first| first.global.stderr.as_deref()) {
        let redirected = redirect_stderr(path);
        redirected.map_err(|error| CommandError::Write(path.display().to_string(), error))?;
    }
    if let [options] = operations
        && let Some(how) = options.misbehave
    {
        return misbehave::run(options, how);
    }
    let lists = operations.iter().map(FetchList::of).collect::<Result<Vec<_>, _>>()?;
    let transfers = lists.iter().map(FetchList::count).fold(0, usize::saturating_add);
    let session = Arc::new(Session::new(operations, transfers)?);
    let mut fetchers = Vec::with_capacity(operations.len());
    for (options, list) in operations.iter().zip(lists) {
        fetchers.push(Fetcher::new(options, list, &session, &fetchers)?);
    }
    match session.is_parallel() {
        true => several(&session, fetchers),
        false => one_by_one(&session, &fetchers),
    }
}

fn one_by_one(session: &Session, fetchers: &[Fetcher]) -> Result<u8, CommandError> {
    let (mut code, mut lost, mut unsaved) = (0, 0, Ok(()));
    for fetcher in fetchers {
        let options = fetcher.options();
        fetcher.read_cookies();
        let is_pipelined = options.pipeline && options.dry_run.is_none();
        let requests = if is_pipelined { fetcher.requests()? } else { Vec::new() };
        let mut pipelined = is_pipelined.then(|| fetcher.pipeline(&requests)).transpose()?;
        for item in fetcher.list().iter() {
            code = fetcher.fetch(&item, pipelined.as_mut());
            if code == LOST_OUTPUT {
                lost = code;
            }
            if code != 0 && session.global.fail_early {
                break;
            }
        }
        unsaved = unsaved.and(fetcher.save_cookies());
        if code != 0 && session.global.fail_early {
            break;
        }
    }
    unsaved.map(|()| if code == 0 { lost } else { code })
}

/// Runs the transfers in parallel. After an early failure, those still running end with the program.
fn several(session: &Session, fetchers: Vec<Fetcher>) -> Result<u8, CommandError> {
    // A glob may stand for a billion URLs, so the channel does not hold them all.
    let workers = session.transfers.min(session.global.parallel.most.into());
    let (give, tasks) = crossbeam_channel::bounded::<(Arc<Fetcher>, FetchItem)>(workers);
    let (tell, told) = crossbeam_channel::unbounded();
    let fetchers: Vec<Arc<Fetcher>> = fetchers.into_iter().map(Arc::new).collect();
    for fetcher in &fetchers {
        fetcher.read_cookies();
    }
    for _ in 0..workers {
        let (tasks, tell) = (tasks.clone(), tell.clone());
        let work = move || {
            for (fetcher, item) in tasks {
                if tell.send(fetcher.fetch(&item, None)).is_err() {
                    break; // the receiver has left
                }
            }
        };
        let worker = thread::Builder::new().name("transfer".to_owned()).spawn(work);
        worker.map_err(no_thread)?;
    }
    drop(tell);
    feed(fetchers.clone(), give)?;
    let mut code = 0;
    for (at, one) in told.into_iter().enumerate() {
        session.over(session.transfers - 1 - at);
        match one {
            0 => {}
            failure => code = failure,
        }
        if code != 0 && session.global.fail_early {
            break;
        }
    }
    let mut saved = Ok(());
    for fetcher in &fetchers {
        saved = saved.and(fetcher.save_cookies());
    }
    saved.map(|()| code)
}

/// Puts all transfers into the channel, in a thread of its own, until the workers have left.
fn feed(
    fetchers: Vec<Arc<Fetcher>>,
    give: Sender<(Arc<Fetcher>, FetchItem)>,
) -> Result<(), CommandError> {
    let work = move || {
        for fetcher in fetchers {
            for item in fetcher.list().iter() {
                if give.send((Arc::clone(&fetcher), item)).is_err() {
                    return;
                }
            }
        }
    };
    let feeder = thread::Builder::new().name("transfers".to_owned()).spawn(work);
    feeder.map(drop).map_err(no_thread)
}

fn no_thread(error: io::Error) -> CommandError {
    CommandError::Failed(27, format!("no thread for -Z: {error}"))
}
