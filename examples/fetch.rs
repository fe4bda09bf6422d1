//! A download with progress: follows redirects, and tries again after errors that may be temporary.
//! Run `cargo run --example fetch http://example.org/ page.html`. The file appears when it is complete.

use std::error::Error;
use std::fs::{self, File};
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use threadbare::client::{self, Client, ErrorKind, Event, Retries};

fn fetch(url: &str, file: &str) -> Result<(), Box<dyn Error>> {
    let total = AtomicU64::new(0);
    let show = move |event: &Event<'_>| match event {
        Event::Redirected(status, url) => eprintln!("{}, to {url}", status.code()),
        Event::Retry(number, pause) => eprintln!("try {} in {pause:?}", number + 1),
        Event::Head(head) => {
            let length = head.headers.text("Content-Length").and_then(|text| text.parse().ok());
            total.store(length.unwrap_or(0), Relaxed);
        }
        Event::Received(count) => match total.load(Relaxed) {
            0 => eprint!("\r{count} bytes"),
            total => eprint!("\r{count} of {total} bytes, {} %", count * 100 / total),
        },
        Event::Ended(_) => eprintln!(),
        _ => {}
    };
    let client = Client::new().retries(Retries { max: 3, ..Retries::default() }).observer(show);
    let mut response = client.get(url).send()?.error_for_status()?;
    let part = format!("{file}.part");
    let mut out = File::create(&part)?;
    while let Some(piece) = response.piece()? {
        out.write_all(piece)?;
    }
    Ok(fs::rename(part, file)?)
}

/// Returns the exit code for an error, as curl does.
fn exit_code(error: &client::Error) -> u8 {
    match error.kind() {
        ErrorKind::Url(_) => 3,
        ErrorKind::Resolve(..) => 6,
        ErrorKind::Connect(..) => 7,
        ErrorKind::CutShort { .. } => 18,
        ErrorKind::Status(_) => 22,
        ErrorKind::Timeout { .. } | ErrorKind::TooSlow { .. } => 28,
        _ => 1,
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, file] = &args[..] else {
        eprintln!("usage: fetch URL FILE");
        return ExitCode::from(2);
    };
    let Err(error) = fetch(url, file) else { return ExitCode::SUCCESS };
    eprintln!("{error}");
    ExitCode::from(error.downcast_ref().map_or(1, exit_code))
}
