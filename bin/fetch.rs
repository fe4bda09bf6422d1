//! `client URL…`: one after the other, each to where it should go, and what there is to say of it.

use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use threadbare::cli::client::{ClientOptions, Dry, Fail, Output, Resume};
use threadbare::client::command::dry::{as_curl, as_nc, wire};
use threadbare::client::command::part::{self, remote_name};
use threadbare::client::command::reach;
use threadbare::client::command::resume::{AtHand, Came, Rest};
use threadbare::client::command::transfer::{Asked, Transfer, Watch};
use threadbare::client::command::write_out::{Format, Stream, line};
use threadbare::client::output::{Parts, Verbose};
use threadbare::client::{Client, Config, Event, Observer as _, Redirects, Request, Routes};

use super::ask::{Content, read_data, request};
use super::deliver::Delivery;
use super::stop::{Stop, complain};

/// What all transfers have in common.
struct Fetcher<'o> {
    options: &'o ClientOptions,
    content: Content,
    client: Client,
    watch: Arc<Watch>,
}

/// Fetches one URL after the other. One that fails does not keep the others from their turn; the
/// exit code is the last one's, as with curl.
pub(super) fn fetch(options: &ClientOptions) -> Result<u8, Stop> {
    let format = format(options)?;
    let mut lines = options.json_out.as_deref().map(lines).transpose()?;
    let watch = Arc::new(Watch::default());
    let variable = |name: &str| env::var_os(name).map(|it| it.to_string_lossy().into_owned());
    let routes = reach::routes(&options.reaching, variable);
    let routes = routes.map_err(|what| Stop::Failed(49, what))?;
    let client = client(options, routes, &watch);
    let fetcher = Fetcher { options, content: Content::new(options)?, client, watch };
    let mut code = 0;
    for (number, url) in options.urls.iter().enumerate() {
        let mut transfer = Transfer::new(url, number);
        fetcher.watch.begin();
        let fetched = fetcher.fetch(&mut transfer);
        (transfer.seen, transfer.total) = fetcher.watch.end();
        code = match fetched {
            Ok(()) => 0,
            Err(Stop::BrokenPipe) => return Ok(0),
            Err(stop) => {
                if !options.silent || options.show_error {
                    stop.say();
                }
                transfer.end = Err((stop.exit_code(), stop.to_string()));
                stop.exit_code()
            }
        };
        if options.dry.is_some() {
            continue;
        }
        if let Some(format) = &format {
            for (stream, text) in format.of(&transfer) {
                match stream {
                    Stream::Stdout => print(text.as_bytes())?,
                    Stream::Stderr => complain(&text),
                }
            }
        }
        if let (Some(lines), Some(path)) = (&mut lines, &options.json_out) {
            let written = lines.write_all((line(&transfer) + "\n").as_bytes());
            written.map_err(|error| Stop::Write(path.display().to_string(), error))?;
        }
    }
    Ok(code)
}

impl Fetcher<'_> {
    fn fetch(&self, transfer: &mut Transfer) -> Result<(), Stop> {
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
        let mut response = self.client.send(&request)?;
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

/// Reads what `-w` says.
fn format(options: &ClientOptions) -> Result<Option<Format>, Stop> {
    let Some(format) = options.write_out.as_deref() else { return Ok(None) };
    let text = match format.strip_prefix('@') {
        Some(path) => String::from_utf8_lossy(&read_data(Path::new(path))?).into_owned(),
        None => format.to_owned(),
    };
    Format::parse(&text).map(Some).map_err(Stop::Usage)
}

/// Where the lines of `--json-out` go.
fn lines(path: &Path) -> Result<Box<dyn Write>, Stop> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdout()));
    }
    let file = File::create(path);
    Ok(Box::new(file.map_err(|error| Stop::Write(path.display().to_string(), error))?))
}

/// Prints what is no body.
fn print(bytes: &[u8]) -> Result<(), Stop> {
    let mut stdout = io::stdout().lock();
    let printed = stdout.write_all(bytes).and_then(|()| stdout.flush());
    printed.map_err(|error| Stop::unwritten("stdout".to_owned(), error))
}

/// curl's habits: a redirect is an answer, and nothing but the connection has a limit that was not
/// asked for.
fn client(options: &ClientOptions, routes: Routes, watch: &Arc<Watch>) -> Client {
    let timeouts = reach::timeouts(&options.limits, options.max_time);
    let redirects = Redirects::Answer;
    let client = Client::with(Config { timeouts, routes, redirects, ..Config::default() });
    let (watch, verbose) = (Arc::clone(watch), options.verbose);
    client.observer(move |event: &Event<'_>| {
        watch.observe(event);
        if verbose {
            Verbose.observe(event);
        }
    })
}
