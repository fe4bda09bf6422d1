//! All transfers of a command line: one after the other, or several at a time (`-Z`).
//!
//! In parallel, each thread receives the next URL from a channel, makes its transfer with plain
//! blocking code, and returns the exit code.

use std::sync::Arc;
use std::thread;

use super::error::CommandError;
use super::fetch::{Fetcher, is_parallel};
use super::misbehave;
use crate::cli::client::ClientOptions;

/// The exit code of [`CommandError::Write`].
const LOST_OUTPUT: u8 = 23;

/// Makes all transfers. A failed one does not stop the others, unless `--fail-early` is set. Returns
/// the exit code of the last one, with `-Z` of the last one that failed, as with curl; but not 0 if an
/// output was lost, because an earlier one cannot be seen to be missing (curl: 0).
///
/// # Errors
/// When no transfer can be made.
pub fn run(options: &ClientOptions) -> Result<u8, CommandError> {
    if let Some(how) = options.misbehave {
        return misbehave::run(options, how);
    }
    let fetcher = Fetcher::new(options.clone())?;
    let fetcher = Arc::new(fetcher);
    let code = match is_parallel(options) {
        true => several(options, &fetcher),
        false => one_by_one(options, &fetcher),
    };
    fetcher.save_cookies().and(code)
}

fn one_by_one(options: &ClientOptions, fetcher: &Fetcher) -> Result<u8, CommandError> {
    let is_pipelined = options.pipeline && options.dry_run.is_none();
    let requests = if is_pipelined { fetcher.requests()? } else { Vec::new() };
    let mut pipelined = is_pipelined.then(|| fetcher.pipeline(&requests)).transpose()?;
    let (mut code, mut lost) = (0, 0);
    for (number, url) in options.urls.iter().enumerate() {
        code = fetcher.fetch(number, url, pipelined.as_mut());
        if code == LOST_OUTPUT {
            lost = code;
        }
        if code != 0 && options.fail_early {
            break;
        }
    }
    Ok(if code == 0 { lost } else { code })
}

/// Runs the transfers in parallel. After an early failure, those still running end with the program.
fn several(options: &ClientOptions, fetcher: &Arc<Fetcher>) -> Result<u8, CommandError> {
    let (give, tasks) = crossbeam_channel::unbounded();
    let (tell, told) = crossbeam_channel::unbounded();
    for (number, url) in options.urls.iter().enumerate() {
        let _ = give.send((number, url.clone())); // we hold the other end
    }
    drop(give);
    for _ in 0..options.urls.len().min(options.parallel.most.into()) {
        let (fetcher, tasks, tell) = (Arc::clone(fetcher), tasks.clone(), tell.clone());
        let work = move || {
            for (number, url) in tasks {
                if tell.send(fetcher.fetch(number, &url, None)).is_err() {
                    break; // the receiver has left
                }
            }
        };
        let worker = thread::Builder::new().name("transfer".to_owned()).spawn(work);
        worker.map_err(|error| CommandError::Failed(27, format!("no thread for -Z: {error}")))?;
    }
    drop(tell);
    let mut code = 0;
    for (at, one) in told.into_iter().enumerate() {
        fetcher.over(options.urls.len() - 1 - at);
        match one {
            0 => {}
            failure => code = failure,
        }
        if code != 0 && options.fail_early {
            break;
        }
    }
    Ok(code)
}
