//! All transfers of a command line: one after the other, or several at a time (`-Z`).
//!
//! Several at a time are so many threads, each of which draws the next URL from a channel, makes its
//! transfer with plain blocking code, and gives back the exit code.

use std::thread;

use super::fetch::Fetcher;
use super::stop::Stop;
use crate::cli::client::ClientOptions;

/// Makes all transfers. One that fails does not keep the others from their turn, unless `--fail-early`
/// was said; the exit code is that of the last one, with `-Z` of the last one to fail, as with curl.
///
/// # Errors
/// What keeps all of them from being made.
pub fn run(options: &ClientOptions) -> Result<u8, Stop> {
    let fetcher = Fetcher::new(options)?;
    let done = match options.parallel.on && options.urls.len() > 1 {
        true => several(options, &fetcher),
        false => one_by_one(options, &fetcher),
    };
    match done {
        Err(Stop::BrokenPipe) => Ok(0),
        done => done,
    }
}

fn one_by_one(options: &ClientOptions, fetcher: &Fetcher<'_>) -> Result<u8, Stop> {
    let mut code = 0;
    for (number, url) in options.urls.iter().enumerate() {
        code = fetcher.fetch(number, url)?;
        if code != 0 && options.fail_early {
            break;
        }
    }
    Ok(code)
}

/// What is under way when one fails early comes to its end, and none begins.
fn several(options: &ClientOptions, fetcher: &Fetcher<'_>) -> Result<u8, Stop> {
    let (give, tasks) = crossbeam_channel::unbounded();
    for task in options.urls.iter().enumerate() {
        let _ = give.send(task); // we hold the other end
    }
    drop(give);
    let (tell, told) = crossbeam_channel::unbounded();
    thread::scope(|scope| {
        for _ in 0..options.urls.len().min(options.parallel.most.into()) {
            let (tasks, tell) = (tasks.clone(), tell.clone());
            scope.spawn(move || {
                for (number, url) in tasks {
                    if tell.send(fetcher.fetch(number, url)).is_err() {
                        break; // nobody wants to know any more
                    }
                }
            });
        }
        drop(tell);
        let mut code = 0;
        for one in told {
            match one? {
                0 => {}
                failure => code = failure,
            }
            if code != 0 && options.fail_early {
                break;
            }
        }
        Ok(code)
    })
}
