//! One transfer: the options to a request, the request to an answer, the answer to its output.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::ask::{Asking, Content, asking, read_data};
use super::deliver::Delivery;
use super::dry::{as_curl, as_nc, wire};
use super::part::{self, remote_name};
use super::resume::{AtHand, Came, Rest};
use super::retry::Retry;
use super::stop::{Stop, complain};
use super::terminal;
use super::trace::{Opened, Tracer};
use super::transfer::{Asked, Peers, Transfer, Watch};
use super::waterfall::Picture;
use super::write_out::{Format, Stream, line};
use crate::cli::client::again::{Again, Follow};
use crate::cli::client::{ClientOptions, Dry, Fail, Output, Resume};
use crate::client::output::{Parts, Verbose};
use crate::client::{
    self, Client, Config, Event, Observer as _, Redirects, Request, Rules, Secrets, Timeouts,
};

/// What all transfers have in common.
pub struct Fetcher<'o> {
    options: &'o ClientOptions,
    content: Content,
    format: Option<Format>,
    lines: Option<Mutex<Box<dyn Write + Send>>>,
    client: Client,
    peers: Peers,
    opened: Opened,
    /// Whose turn it is to write to stdout.
    turn: Mutex<()>,
}

/// Who watches a transfer.
struct Watching {
    watch: Watch,
    tracer: Option<Tracer>,
}

/// A transfer's turn at stdout: what it writes there is not mixed with what others do.
struct Turn<'f> {
    mutex: &'f Mutex<()>,
    held: Option<MutexGuard<'f, ()>>,
}

impl Turn<'_> {
    /// Waits for it, if it does not have it.
    fn take(&mut self) {
        if self.held.is_none() {
            self.held = Some(self.mutex.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl<'o> Fetcher<'o> {
    /// Reads what there is to be sent, and opens what there is to be written.
    ///
    /// # Errors
    /// A file that cannot be read, or written, or that is not what the options say.
    pub fn new(options: &'o ClientOptions) -> Result<Fetcher<'o>, Stop> {
        Ok(Fetcher {
            format: format(options)?,
            lines: options.json_out.as_deref().map(lines).transpose()?.map(Mutex::new),
            content: Content::new(options)?,
            client: Client::with(config(options)),
            peers: Peers::default(),
            opened: Opened::default(),
            turn: Mutex::new(()),
            options,
        })
    }

    /// Makes the transfer of the `number`th URL, from 0, again and again if that is wanted, and says what
    /// there is to say about it. Gives its exit code.
    ///
    /// # Errors
    /// [`Stop::BrokenPipe`]: nobody wants to know; and what keeps it from saying what it has to say.
    pub fn fetch(&self, number: usize, url: &str) -> Result<u8, Stop> {
        let options = self.options;
        let is_loud = !options.silent || options.show_error;
        let mut retry = Retry::new(&options.again, Instant::now());
        let mut turn = Turn { mutex: &self.turn, held: None };
        let (transfer, code) = loop {
            let mut transfer = Transfer::new(url, number);
            let tracer = options.trace.then(|| Tracer::new(&self.opened));
            let watching = Arc::new(Watching { watch: Watch::new(&self.peers), tracer });
            let outcome = self.attempt(&mut transfer, &watching, &mut turn);
            (transfer.seen, transfer.total) = watching.watch.seen();
            if let Some(tracer) = &watching.tracer {
                draw(tracer);
            }
            let once = retry.after(
                &outcome,
                transfer.answer.as_ref(),
                (Instant::now(), SystemTime::now()),
            );
            let code = match outcome {
                Ok(()) => 0,
                Err(Stop::BrokenPipe) => return Err(Stop::BrokenPipe),
                Err(stop) => {
                    if is_loud {
                        stop.say();
                    }
                    transfer.end = Err((stop.exit_code(), stop.to_string()));
                    stop.exit_code()
                }
            };
            let Some(once) = once else { break (transfer, code) };
            if !options.silent {
                complain(&format!("client: {}\n", once.words));
            }
            turn.held = None;
            thread::sleep(once.pause);
        };
        if options.dry.is_none() {
            turn.take();
            self.tell(&transfer)?;
        }
        Ok(code)
    }

    /// What `-w` and `--json-out` say.
    fn tell(&self, transfer: &Transfer) -> Result<(), Stop> {
        for (stream, text) in self.format.iter().flat_map(|format| format.of(transfer)) {
            match stream {
                Stream::Stdout => print(text.as_bytes())?,
                Stream::Stderr => complain(&text),
            }
        }
        if let (Some(lines), Some(path)) = (&self.lines, &self.options.json_out) {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            let written = lines.write_all((line(transfer) + "\n").as_bytes());
            written.map_err(|error| Stop::Write(path.display().to_string(), error))?;
        }
        Ok(())
    }

    /// The client that tells this transfer's events to who wants to know them.
    fn observed(&self, watching: &Arc<Watching>) -> Client {
        let (watching, verbose) = (Arc::clone(watching), self.options.verbose);
        self.client.clone().observer(move |event: &Event<'_>| {
            watching.watch.observe(event);
            if let Some(tracer) = &watching.tracer {
                tracer.observe(event);
            }
            if verbose {
                Verbose.observe(event);
            }
        })
    }

    /// Makes a transfer once.
    fn attempt(
        &self,
        transfer: &mut Transfer,
        watching: &Arc<Watching>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Stop> {
        let options = self.options;
        let asking = asking(options, &transfer.url, transfer.number, &self.content)?;
        let Asking { mut request, upload } = asking;
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
        transfer.asked = Some(Asked::of(&request, upload.as_ref())?);
        if let Some(dry) = options.dry {
            let request = Asking { request, upload }.in_memory()?;
            return match dry {
                Dry::Bytes => print(&wire(&request)?),
                Dry::Curl => print(as_curl(&request)?.as_bytes()),
                Dry::Nc => print(as_nc(&request)?.as_bytes()),
            };
        }
        let client = self.observed(watching);
        let call = client.begin(request);
        let call = match upload {
            Some(upload) => call.file(upload.length(), upload),
            None => call,
        };
        let sent = call.send();
        let answered = sent.as_ref().map_or_else(|error| error.response(), Some);
        transfer.answer = answered.map(|response| response.head().clone());
        let (seen, _) = watching.watch.seen();
        if target.is_none() {
            turn.take();
        }
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => {
                if target.is_none() && (options.include || options.head) {
                    print(&[seen.hops, seen.heads].concat())?;
                }
                return Err(error.into());
            }
        };
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
        let hops = if parts == Parts::Body { Vec::new() } else { seen.hops };
        let mut delivery = Delivery::new(options, response.head(), hops, had, target.is_some());
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

/// Draws where the time of each request went, on stderr.
fn draw(tracer: &Tracer) {
    let (columns, in_colour) = (terminal::columns(), terminal::in_colour());
    let draw = |picture: Picture| format!("\n{}", picture.draw(columns, in_colour));
    complain(&tracer.pictures().into_iter().map(draw).collect::<String>());
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
fn print(bytes: &[u8]) -> Result<(), Stop> {
    let mut stdout = io::stdout().lock();
    let printed = stdout.write_all(bytes).and_then(|()| stdout.flush());
    printed.map_err(|error| Stop::unwritten("stdout".to_owned(), error))
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
fn lines(path: &Path) -> Result<Box<dyn Write + Send>, Stop> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdout()));
    }
    let file = File::create(path);
    Ok(Box::new(file.map_err(|error| Stop::Write(path.display().to_string(), error))?))
}

/// curl's habits: redirects are followed when that is asked for, a retry is of a whole transfer, and nothing
/// but the connection has a limit that was not asked for.
fn config(options: &ClientOptions) -> Config {
    let connect = options.connect_timeout.or(Some(Duration::from_secs(300)));
    let timeouts = Timeouts { connect, total: options.max_time, ..Timeouts::NONE };
    Config { timeouts, redirects: redirects(&options.again), ..Config::default() }
}

fn redirects(wishes: &Again) -> Redirects {
    let secrets = match wishes.follow {
        Follow::No => return Redirects::Answer,
        Follow::Yes => Secrets::StayHome,
        Follow::Trusted => Secrets::Travel,
    };
    // A page that leads to itself until something is ready is as good as any other.
    let again = client::Again::Hope;
    let stays_post = wishes.stays_post.clone();
    Redirects::By(Rules { most: wishes.most_redirects, stays_post, secrets, again })
}
