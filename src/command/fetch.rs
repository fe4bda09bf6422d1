//! One transfer: the options to a request, the request to an answer, the answer to its output.

use std::env;
use std::fs::File;
use std::io::{self, Seek as _, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Instant, SystemTime};

use super::build_request::{Content, OutgoingRequest, build_request, read_data};
use super::destination::Destination;
use super::dry_run::{as_curl, as_nc, wire};
use super::error::{CommandError, print_stderr, print_stdout};
use super::network;
use super::progress::ProgressLine;
use super::rate_limit::{BodyMeter, Metered, OfAll};
use super::retry::Retry;
use super::terminal;
use super::trace::{Opened, Tracer};
use super::transfer::{EventRecorder, Peers, RequestSummary, Transfer};
use super::upload::Upload;
use super::verbose::VerboseObservers;
use super::waterfall::Picture;
use super::write_out::{Format, OutputStream, line};
use crate::cli::client::retry::{Follow, RetryOptions};
use crate::cli::client::{ClientOptions, DryRun};
use crate::client::{
    Client, Config, CredentialScope, Error, Event, Observer as _, OnRepeat, Pipeline,
    RedirectRules, Redirects, Request, Response,
};
use crate::sync::lock;

/// What all transfers have in common.
pub struct Fetcher {
    options: ClientOptions,
    content: Content,
    format: Option<Format>,
    lines: Option<Mutex<Box<dyn Write + Send>>>,
    client: Client,
    peers: Peers,
    opened: Opened,
    watching: Arc<VerboseObservers>,
    /// What is seen of all transfers, where several go at a time.
    all: OfAll,
    /// Whose turn it is to write to stdout.
    turn: Mutex<()>,
}

/// Whoever is told of one transfer's events.
struct TransferObserver {
    watch: EventRecorder,
    tracer: Option<Tracer>,
}

impl TransferObserver {
    fn observe(&self, event: &Event<'_>) {
        self.watch.observe(event);
        if let Some(tracer) = &self.tracer {
            tracer.observe(event);
        }
    }
}

/// A transfer's turn at stdout: what it writes there is not mixed with what others do.
struct StdoutTurn<'f> {
    mutex: &'f Mutex<()>,
    held: Option<MutexGuard<'f, ()>>,
}

/// The answers to requests that are sent at once, and who watches the one that is next.
pub(super) struct Pipelined<'r> {
    pipeline: Pipeline<'r>,
    watch: Arc<Mutex<Arc<TransferObserver>>>,
}

impl Pipelined<'_> {
    fn answer(&mut self, watch: &Arc<TransferObserver>) -> Option<Result<&mut Response, Error>> {
        *lock(&self.watch) = Arc::clone(watch);
        self.pipeline.next_response()
    }
}

impl StdoutTurn<'_> {
    /// Waits for it, if it does not have it.
    fn take(&mut self) {
        if self.held.is_none() {
            self.held = Some(lock(self.mutex));
        }
    }
}

impl Fetcher {
    /// Reads what there is to be sent, and opens what there is to be written.
    ///
    /// # Errors
    /// A file that cannot be read, or written, or that is not what the options say.
    pub fn new(options: ClientOptions) -> Result<Fetcher, CommandError> {
        Ok(Fetcher {
            format: format(&options)?,
            lines: options.json_out.as_deref().map(lines).transpose()?.map(Mutex::new),
            content: Content::new(&options)?,
            client: configured(&options)?,
            peers: Peers::default(),
            opened: Opened::default(),
            watching: Arc::new(VerboseObservers::new(&options)?),
            all: is_parallel(&options).then(|| {
                Arc::new(Mutex::new(ProgressLine::of_all(Instant::now(), options.urls.len())))
            }),
            turn: Mutex::new(()),
            options,
        })
    }

    /// The requests of all URLs, to be sent at once.
    ///
    /// # Errors
    /// One that cannot be made.
    pub(super) fn requests(&self) -> Result<Vec<Request>, CommandError> {
        let options = &self.options;
        let one = |(number, url): (usize, &String)| {
            build_request(options, url, number, &self.content)?.in_memory()
        };
        options.urls.iter().enumerate().map(one).collect()
    }

    /// Their answers.
    ///
    /// # Errors
    /// Requests that cannot be sent at once.
    pub(super) fn pipeline<'r>(
        &self,
        requests: &'r [Request],
    ) -> Result<Pipelined<'r>, CommandError> {
        let watch = Arc::new(Mutex::new(Arc::new(self.witness())));
        let (now, watching) = (Arc::clone(&watch), Arc::clone(&self.watching));
        let client = self.client.clone().observer(move |event: &Event<'_>| {
            lock(&now).observe(event);
            watching.observe(event);
        });
        Ok(Pipelined { pipeline: client.pipeline(requests)?, watch })
    }

    /// Makes the transfer of the `number`th URL, from 0, again and again if that is wanted, and says what
    /// there is to say about it; the first time its answer is the next one of `pipelined`. Gives its exit
    /// code.
    ///
    /// # Errors
    /// [`CommandError::BrokenPipe`]: nobody wants to know; and what keeps it from saying what it has to say.
    pub(super) fn fetch(
        &self,
        number: usize,
        url: &str,
        mut pipelined: Option<&mut Pipelined<'_>>,
    ) -> Result<u8, CommandError> {
        let options = &self.options;
        let is_loud = !options.silent || options.show_error;
        let mut retry = Retry::new(&options.retry, Instant::now());
        let mut turn = StdoutTurn { mutex: &self.turn, held: None };
        let mut prepared = None;
        let (transfer, code) = loop {
            let mut transfer = Transfer::new(url, number);
            let watch = Arc::new(self.witness());
            let answers = pipelined.take();
            let outcome = self.attempt(&mut transfer, &mut prepared, answers, &watch, &mut turn);
            let outcome = outcome.and_then(|()| self.watching.kept());
            (transfer.seen, transfer.total) = watch.watch.seen();
            if let Some(tracer) = &watch.tracer {
                draw(tracer);
            }
            let once = retry.after(
                &outcome,
                transfer.answer.as_ref(),
                (Instant::now(), SystemTime::now()),
            );
            let code = match outcome {
                Ok(()) => 0,
                Err(CommandError::BrokenPipe) => return Err(CommandError::BrokenPipe),
                Err(stop) => {
                    if is_loud {
                        stop.print();
                    }
                    transfer.end = Err((stop.exit_code(), stop.to_string()));
                    stop.exit_code()
                }
            };
            let Some(once) = once else { break (transfer, code) };
            if !options.silent {
                print_stderr(&format!("client: {}\n", once.words));
            }
            turn.held = None;
            thread::sleep(once.pause);
        };
        if options.dry_run.is_none() {
            turn.take();
            self.tell(&transfer)?;
        }
        Ok(code)
    }

    /// One of several transfers is over; after the last one, so is the line that they share.
    pub(super) fn over(&self, left: usize) {
        let Some(all) = &self.all else { return };
        let mut all = lock(all);
        all.over();
        if let (0, Some(line)) = (left, all.end(Instant::now())) {
            print_stderr(&line);
        }
    }

    /// What `-w` and `--json-out` say.
    fn tell(&self, transfer: &Transfer) -> Result<(), CommandError> {
        for (stream, text) in self.format.iter().flat_map(|format| format.of(transfer)) {
            match stream {
                OutputStream::Stdout => print_stdout(text.as_bytes())?,
                OutputStream::Stderr => print_stderr(&text),
            }
        }
        if let (Some(lines), Some(path)) = (&self.lines, &self.options.json_out) {
            let mut lines = lock(lines);
            let written = lines.write_all((line(transfer) + "\n").as_bytes());
            written.map_err(|error| CommandError::Write(path.display().to_string(), error))?;
        }
        Ok(())
    }

    /// For a transfer that begins now.
    fn witness(&self) -> TransferObserver {
        let tracer = self.options.trace.then(|| Tracer::new(&self.opened));
        TransferObserver { watch: EventRecorder::new(&self.peers), tracer }
    }

    /// The client that tells this transfer's events to who wants to know them.
    fn observed(&self, watch: &Arc<TransferObserver>) -> Client {
        let (watch, watching) = (Arc::clone(watch), Arc::clone(&self.watching));
        self.client.clone().observer(move |event: &Event<'_>| {
            watch.observe(event);
            watching.observe(event);
        })
    }

    /// Makes a transfer once. A retry sends the same request, and its body from the beginning.
    fn attempt(
        &self,
        transfer: &mut Transfer,
        prepared: &mut Option<OutgoingRequest>,
        pipelined: Option<&mut Pipelined<'_>>,
        observer: &Arc<TransferObserver>,
        turn: &mut StdoutTurn<'_>,
    ) -> Result<(), CommandError> {
        let options = &self.options;
        let (url, number) = (&transfer.url, transfer.number);
        let OutgoingRequest { request, upload } = match prepared {
            None => prepared.insert(build_request(options, url, number, &self.content)?),
            Some(prepared) => prepared,
        };
        if upload.as_mut().is_some_and(|upload| upload.rewind().is_err()) {
            let what = "a body from a pipe cannot be sent again; right: a file";
            return Err(CommandError::Failed(65, what.to_owned()));
        }
        let place = Destination::of(options, number, request)?;
        let request = place.prepare(request.clone())?;
        transfer.asked = Some(RequestSummary::of(&request, upload.as_ref())?);
        if let Some(form) = options.dry_run {
            return self.dry_run(form, OutgoingRequest { request, upload: upload.take() });
        }
        let mut own = None;
        let sent = match pipelined.and_then(|pipelined| pipelined.answer(observer)) {
            Some(response) => response,
            None => {
                let response = self.send(request, upload.as_mut(), observer, place.file.is_some());
                response.map(|response| own.insert(response))
            }
        };
        let head = sent.as_ref().map_or_else(|error| error.response(), |response| Some(response));
        transfer.answer = head.map(|response| response.head().clone());
        let (seen, _) = observer.watch.seen();
        if place.file.is_none() {
            turn.take();
        }
        let heads_wanted = options.head || options.include;
        match sent {
            Ok(response) => {
                let hops = if heads_wanted { seen.hops } else { Vec::new() };
                place.take(options, response, transfer, hops, &self.all)
            }
            Err(error) => {
                if place.file.is_none() && heads_wanted {
                    print_stdout(&[seen.hops, seen.heads].concat())?;
                }
                Err(error.into())
            }
        }
    }

    /// Prints a request instead of sending it.
    fn dry_run(&self, form: DryRun, request: OutgoingRequest) -> Result<(), CommandError> {
        let request = request.in_memory()?;
        let connect = &self.client.config().connect;
        match form {
            DryRun::Bytes => print_stdout(&wire(&request, connect)?),
            DryRun::Curl => print_stdout(as_curl(&request, connect)?.as_bytes()),
            DryRun::Nc => print_stdout(as_nc(&request, connect)?.as_bytes()),
        }
    }

    /// Sends a request, and returns its response with the body still to be read.
    fn send(
        &self,
        request: Request,
        upload: Option<&mut Upload>,
        observer: &Arc<TransferObserver>,
        to_file: bool,
    ) -> Result<Response, Error> {
        let client = self.observed(observer);
        let call = client.build_from(request);
        match upload {
            None => call.send(),
            Some(reader) => {
                let length = reader.length();
                let meter = BodyMeter::new(&self.options, &self.all, to_file, 0, length);
                call.file(length, Metered { reader, meter }).send()
            }
        }
    }
}

/// Draws where the time of each request went, on stderr.
fn draw(tracer: &Tracer) {
    let (columns, in_colour) = (terminal::columns(), terminal::in_colour());
    let draw = |picture: Picture| format!("\n{}", picture.draw(columns, in_colour));
    print_stderr(&tracer.pictures().into_iter().map(draw).collect::<String>());
}

/// Do several transfers go at a time?
pub(super) fn is_parallel(options: &ClientOptions) -> bool {
    options.parallel.on && options.urls.len() > 1
}

/// Reads what `-w` says.
fn format(options: &ClientOptions) -> Result<Option<Format>, CommandError> {
    let Some(format) = options.write_out.as_deref() else { return Ok(None) };
    let text = match format.strip_prefix('@') {
        Some(path) => String::from_utf8_lossy(&read_data(Path::new(path))?).into_owned(),
        None => format.to_owned(),
    };
    Format::parse(&text).map(Some).map_err(CommandError::Usage)
}

/// Where the lines of `--json-out` go.
fn lines(path: &Path) -> Result<Box<dyn Write + Send>, CommandError> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdout()));
    }
    let file = File::create(path);
    Ok(Box::new(file.map_err(|error| CommandError::Write(path.display().to_string(), error))?))
}

/// curl's habits: redirects are followed when that is asked for, a retry is of a whole transfer, and nothing
/// but the connection has a limit that was not asked for.
pub(super) fn configured(options: &ClientOptions) -> Result<Client, CommandError> {
    let variable = |name: &str| env::var_os(name).map(|it| it.to_string_lossy().into_owned());
    let connect = network::connect_options(&options.network, variable);
    let connect = connect.map_err(|what| CommandError::Failed(49, what))?;
    let timeouts = network::timeouts(&options.limits, options.max_time);
    let redirects = redirects(&options.retry);
    Ok(Client::with_config(Config { timeouts, connect, redirects, ..Config::default() }))
}

fn redirects(wishes: &RetryOptions) -> Redirects {
    let credentials = match wishes.follow {
        Follow::No => return Redirects::Return,
        Follow::Yes => CredentialScope::SameOrigin,
        Follow::Trusted => CredentialScope::AnyHost,
    };
    // A page that leads to itself until something is ready is as good as any other.
    let on_repeat = OnRepeat::Allow;
    let keep_post = wishes.stays_post.clone();
    let max = wishes.most_redirects;
    Redirects::Custom(RedirectRules { max, keep_post, credentials, on_repeat })
}
