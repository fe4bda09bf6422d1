//! One transfer: the options to a request, the request to an answer, the answer to its output.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use super::ask::{Content, request};
use super::deliver::Delivery;
use super::dry::{as_curl, as_nc, wire};
use super::part::{self, remote_name};
use super::resume::{AtHand, Came, Rest};
use super::stop::{Stop, complain};
use super::terminal;
use super::trace::{Opened, Tracer};
use super::transfer::{Asked, Transfer, Watch};
use crate::cli::client::{ClientOptions, Dry, Fail, Output, Resume};
use crate::client::output::{Parts, Verbose};
use crate::client::{Client, Config, Event, Observer as _, Redirects, Request, Timeouts};

/// What all transfers have in common.
pub struct Fetcher<'o> {
    options: &'o ClientOptions,
    content: Content,
    client: Client,
    watch: Arc<Watch>,
    /// For `--trace`.
    opened: Opened,
}

impl<'o> Fetcher<'o> {
    /// Reads what there is to be sent.
    ///
    /// # Errors
    /// A file that cannot be read, or that is not what the options say.
    pub fn new(options: &'o ClientOptions) -> Result<Fetcher<'o>, Stop> {
        let watch = Arc::new(Watch::default());
        let (client, opened) = (client(options), Opened::default());
        Ok(Fetcher { options, content: Content::new(options)?, client, watch, opened })
    }

    /// Makes this transfer, and notes in it what there is to tell.
    ///
    /// # Errors
    /// Why it came to nothing; [`Stop::BrokenPipe`]: nobody wants to know.
    pub fn fetch(&self, transfer: &mut Transfer) -> Result<(), Stop> {
        self.watch.begin();
        let tracer = self.options.trace.then(|| Arc::new(Tracer::new(&self.opened)));
        let fetched = self.transfer(transfer, &self.observed(tracer.as_ref()));
        if let Some(tracer) = tracer {
            draw(&tracer);
        }
        (transfer.seen, transfer.total) = self.watch.end();
        if let Err(stop) = &fetched {
            transfer.end = Err((stop.exit_code(), stop.to_string()));
        }
        fetched
    }

    /// The client that tells a transfer's events to who wants to know them.
    fn observed(&self, tracer: Option<&Arc<Tracer>>) -> Client {
        let (watch, verbose) = (Arc::clone(&self.watch), self.options.verbose);
        let tracer = tracer.cloned();
        self.client.clone().observer(move |event: &Event<'_>| {
            watch.observe(event);
            if let Some(tracer) = &tracer {
                tracer.observe(event);
            }
            if verbose {
                Verbose.observe(event);
            }
        })
    }

    fn transfer(&self, transfer: &mut Transfer, client: &Client) -> Result<(), Stop> {
        let options = self.options;
        let mut request = request(options, &transfer.url, &self.content)?;
        let target = match options.outputs.get(transfer.number) {
            Some(Output::File(path)) => Some(path.clone()),
            Some(Output::RemoteName) => Some(own_name(&request)?.into()),
            Some(Output::Stdout) | None => None,
        };
        let name = target.as_deref().map(|path| path.display().to_string());
        let at_hand = match (options.resume, &target) {
            (Some(Resume::AtHand), Some(path)) => {
                AtHand::of(path).map_err(|error| Stop::Write(path.display().to_string(), error))?
            }
            _ => None,
        };
        let rest = match (&at_hand, options.resume) {
            (Some(at_hand), _) => Some(at_hand.rest.clone()),
            (None, Some(Resume::From(from))) if from > 0 => Some(Rest { from, validator: None }),
            _ => None,
        };
        if let Some(rest) = &rest {
            request = rest.ask(request)?;
        }
        transfer.asked = Some(Asked::of(&request)?);
        match options.dry {
            None => {}
            Some(Dry::Bytes) => return print(&wire(&request)?),
            Some(Dry::Curl) => return print(as_curl(&request)?.as_bytes()),
            Some(Dry::Nc) => return print(as_nc(&request)?.as_bytes()),
        }
        let mut response = client.send(&request)?;
        transfer.answer = Some(response.head().clone());
        transfer.output.clone_from(&name);

        let status = response.head().status;
        let refused = || Stop::Refused(status.code());
        let came = match &rest {
            None => Came::Whole,
            Some(rest) => {
                let judged = rest.judge(response.head()).map_err(|what| Stop::Failed(33, what))?;
                match judged {
                    None if target.is_some() => return Err(refused()),
                    judged => judged.unwrap_or(Came::Whole),
                }
            }
        };
        let fails = options.fail.filter(|_| status.is_error() && came != Came::Nothing);
        let parts = match (options.head, options.include, fails) {
            (false, false, Some(Fail::Bare)) => return Err(refused()),
            (_, true, Some(Fail::Bare)) | (true, ..) => Parts::Heads,
            (false, true, _) if came == Came::Nothing => Parts::Heads,
            (false, true, _) => Parts::All,
            (false, false, _) if came == Came::Nothing && target.is_none() => return Ok(()),
            (false, false, _) => Parts::Body,
        };
        let had = match (came, &rest) {
            (Came::Rest, Some(rest)) => rest.from,
            _ => 0,
        };
        let mut delivery = Delivery::new(options, response.head(), had, target.is_some());
        let sent = match (&target, &at_hand) {
            (None, _) => {
                let to_see = options.outputs.get(transfer.number).is_none();
                delivery.show(&mut response, parts, to_see)
            }
            (Some(path), Some(at_hand)) if came == Came::Nothing => {
                at_hand.finish(path).map_err(|error| Stop::Write(path.display().to_string(), error))
            }
            (Some(path), Some(at_hand)) if came == Came::Rest => {
                let file = part::Output::go_on(path, at_hand);
                delivery.keep(&mut response, parts, path, file)
            }
            (Some(path), _) => {
                let file = part::Output::create(path, &response.head().headers);
                delivery.keep(&mut response, parts, path, file)
            }
        };
        transfer.downloaded = delivery.passed();
        sent?;
        fails.map_or(Ok(()), |_| Err(refused()))
    }
}

/// The name for `-O`.
fn own_name(request: &Request) -> Result<String, Stop> {
    let path = request.url().path.to_string();
    let name = remote_name(&path).map(str::to_owned);
    name.ok_or_else(|| {
        let what = format!("the path {path} has no name at its end for a file; right: -o FILE");
        Stop::Failed(23, what)
    })
}

/// Prints what is no body.
pub(super) fn print(bytes: &[u8]) -> Result<(), Stop> {
    let mut stdout = io::stdout().lock();
    let printed = stdout.write_all(bytes).and_then(|()| stdout.flush());
    printed.map_err(|error| Stop::unwritten("stdout".to_owned(), error))
}

/// curl's habits: a redirect is an answer, and nothing but the connection has a limit that was not
/// asked for.
fn client(options: &ClientOptions) -> Client {
    let connect = options.connect_timeout.or(Some(Duration::from_secs(300)));
    let timeouts = Timeouts { connect, total: options.max_time, ..Timeouts::NONE };
    let redirects = Redirects::Answer;
    Client::with(Config { timeouts, redirects, ..Config::default() })
}

/// Draws where the time of each request went, on stderr.
fn draw(tracer: &Tracer) {
    let (columns, in_colour) = (terminal::columns(), terminal::in_colour());
    for picture in tracer.pictures() {
        complain(&format!("\n{}", picture.draw(columns, in_colour)));
    }
}
