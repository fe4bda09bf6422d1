//! One transfer: from the options to a request, from the request to a response, from the response to
//! its output.

use std::fs::File;
use std::io::{ErrorKind, Seek as _, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Instant, SystemTime};

use super::build_request::{Content, OutgoingRequest, build_request, read_data};
use super::cookies;
use super::destination::Destination;
use super::dry_run::{as_curl, as_nc, wire};
use super::error::{CommandError, print_stderr, print_stdout};
use super::network;
use super::progress::ProgressLine;
use super::rate_limit::{BodyMeter, Metered, OfAll};
use super::retry::Retry;
use super::standard_stream::stdout;
use super::terminal;
use super::trace::{Opened, Tracer};
use super::transfer::{EventRecorder, Peers, RequestSummary, Transfer};
use super::upload::Upload;
use super::verbose::VerboseObservers;
use super::waterfall::Picture;
use super::write_out::{Format, OutputStream, line};
use crate::cli::client::{ClientOptions, DryRun};
use crate::client::{Client, Error, Event, Observer as _, Pipeline, Request, Response};
use crate::sync::lock;

/// What all transfers share.
pub struct Fetcher {
    options: ClientOptions,
    content: Content,
    format: Option<Format>,
    lines: Option<Mutex<Box<dyn Write + Send>>>,
    client: Client,
    peers: Peers,
    opened: Opened,
    verbose: Arc<VerboseObservers>,
    /// The progress line that parallel transfers share.
    all: OfAll,
    /// Held by the transfer that writes to stdout.
    turn: Mutex<()>,
}

/// The observers of one transfer's events.
struct TransferObserver {
    recorder: EventRecorder,
    tracer: Option<Tracer>,
}

impl TransferObserver {
    fn observe(&self, event: &Event<'_>) {
        self.recorder.observe(event);
        if let Some(tracer) = &self.tracer {
            tracer.observe(event);
        }
    }
}

/// The right of a transfer to write to stdout, so that outputs do not mix.
struct StdoutTurn<'f> {
    mutex: &'f Mutex<()>,
    held: Option<MutexGuard<'f, ()>>,
}

/// The responses to pipelined requests, and the observer of the next one.
pub(super) struct Pipelined<'r> {
    pipeline: Pipeline<'r>,
    observer: Arc<Mutex<Arc<TransferObserver>>>,
}

impl Pipelined<'_> {
    fn next_response(
        &mut self,
        observer: &Arc<TransferObserver>,
    ) -> Option<Result<&mut Response, Error>> {
        *lock(&self.observer) = Arc::clone(observer);
        self.pipeline.next_response()
    }
}

impl StdoutTurn<'_> {
    /// Waits for the right, if it is not held yet.
    fn take(&mut self) {
        if self.held.is_none() {
            self.held = Some(lock(self.mutex));
        }
    }
}

impl Fetcher {
    /// Reads the files to be sent, and opens those to be written.
    ///
    /// # Errors
    /// When a file cannot be read or written, or does not hold what the options say.
    pub fn new(options: ClientOptions) -> Result<Fetcher, CommandError> {
        Ok(Fetcher {
            format: format(&options)?,
            lines: options.json_out.as_deref().map(lines).transpose()?.map(Mutex::new),
            content: Content::new(&options)?,
            client: network::client(&options)?,
            peers: Peers::default(),
            opened: Opened::default(),
            verbose: Arc::new(VerboseObservers::new(&options)?),
            all: is_parallel(&options).then(|| {
                Arc::new(Mutex::new(ProgressLine::of_all(Instant::now(), options.urls.len())))
            }),
            turn: Mutex::new(()),
            options,
        })
    }

    /// Writes the cookies to the file of `-c`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn save_cookies(&self) -> Result<(), CommandError> {
        cookies::save(&self.options, self.client.config().cookies.as_ref())
    }

    /// Returns the requests of all URLs, to be pipelined.
    ///
    /// # Errors
    /// When a request cannot be made.
    pub(super) fn requests(&self) -> Result<Vec<Request>, CommandError> {
        let options = &self.options;
        let one = |(number, url): (usize, &String)| {
            build_request(options, url, number, &self.content)?.in_memory()
        };
        options.urls.iter().enumerate().map(one).collect()
    }

    /// Sends the requests, and returns their responses.
    ///
    /// # Errors
    /// When the requests cannot be pipelined.
    pub(super) fn pipeline<'r>(
        &self,
        requests: &'r [Request],
    ) -> Result<Pipelined<'r>, CommandError> {
        let observer = Arc::new(Mutex::new(Arc::new(self.new_observer())));
        let now = Arc::clone(&observer);
        let client = self.observed(move |event| lock(&now).observe(event));
        Ok(Pipelined { pipeline: client.pipeline(requests)?, observer })
    }

    /// Makes the transfer of the URL with this index, from 0, with its retries, and reports it. Its
    /// first response is the next one of `pipelined`, if given. Returns the exit code.
    pub(super) fn fetch(
        &self,
        number: usize,
        url: &str,
        mut pipelined: Option<&mut Pipelined<'_>>,
    ) -> u8 {
        let options = &self.options;
        let mut retry = Retry::new(&options.retry, Instant::now());
        let mut turn = StdoutTurn { mutex: &self.turn, held: None };
        let mut prepared = None;
        let transfer = loop {
            let mut transfer = Transfer::new(url, number);
            let observer = Arc::new(self.new_observer());
            let answers = pipelined.take();
            let outcome = self.attempt(&mut transfer, &mut prepared, answers, &observer, &mut turn);
            let outcome = outcome.and_then(|()| self.verbose.kept());
            (transfer.recorded, transfer.total) = observer.recorder.recorded();
            if let Some(tracer) = &observer.tracer {
                draw(tracer);
            }
            let once = retry.after(
                &outcome,
                transfer.response.as_ref(),
                (Instant::now(), SystemTime::now()),
            );
            match outcome.map_err(|stop| self.as_lost_output(stop)) {
                Ok(()) | Err(CommandError::BrokenPipe) => {}
                Err(stop) => {
                    self.report(&stop);
                    transfer.end = Err((stop.exit_code(), stop.to_string()));
                }
            }
            let Some(once) = once else { break transfer };
            if !options.silent {
                print_stderr(format!("client: {}\n", once.words));
            }
            turn.held = None;
            thread::sleep(once.pause);
        };
        let code = transfer.end.as_ref().err().map_or(0, |(code, _)| *code);
        if options.dry_run.is_some() {
            return code;
        }
        turn.take();
        match self.tell(&transfer).map_err(|stop| self.as_lost_output(stop)) {
            Err(stop) if code == 0 => {
                self.report(&stop);
                stop.exit_code()
            }
            _ => code,
        }
    }

    /// Returns the error that counts. A reader of stdout that leaves, as `head` does, is no failure of a
    /// single transfer; with several URLs, its output is lost, and the exit code is all that says so.
    fn as_lost_output(&self, stop: CommandError) -> CommandError {
        match stop {
            CommandError::BrokenPipe if self.options.urls.len() > 1 => {
                CommandError::Write("stdout".to_owned(), ErrorKind::BrokenPipe.into())
            }
            stop => stop,
        }
    }

    /// Prints why a transfer failed, unless `-s` is set.
    fn report(&self, stop: &CommandError) {
        if !self.options.silent || self.options.show_error {
            stop.print();
        }
    }

    /// Counts a parallel transfer as complete, and ends the shared progress line after the last one.
    pub(super) fn over(&self, left: usize) {
        let Some(all) = &self.all else { return };
        let mut all = lock(all);
        all.over();
        if let (0, Some(line)) = (left, all.end(Instant::now())) {
            print_stderr(&line);
        }
    }

    /// Writes the output of `-w` and `--json-out`; the second one even if the first one cannot be
    /// written.
    fn tell(&self, transfer: &Transfer) -> Result<(), CommandError> {
        let mut parts = self.format.iter().flat_map(|format| format.of(transfer));
        let told = parts.try_for_each(|(stream, text)| match stream {
            OutputStream::Stdout => print_stdout(text.as_bytes()),
            OutputStream::Stderr => {
                print_stderr(&text);
                Ok(())
            }
        });
        let (Some(lines), Some(path)) = (&self.lines, &self.options.json_out) else { return told };
        let written = lock(lines).write_all((line(transfer) + "\n").as_bytes());
        let name = if is_stdout(path) { "stdout".to_owned() } else { path.display().to_string() };
        told.and(written.map_err(|error| CommandError::output_failed(name, error)))
    }

    /// Returns the observer of a transfer that begins now.
    fn new_observer(&self) -> TransferObserver {
        let tracer = self.options.trace.then(|| Tracer::new(&self.opened));
        TransferObserver { recorder: EventRecorder::new(&self.peers), tracer }
    }

    /// Returns the client, which reports its events to this observer, and to those of `-v` and `--wire`.
    fn observed(&self, observe: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Client {
        let verbose = Arc::clone(&self.verbose);
        self.client.clone().observer(move |event: &Event<'_>| {
            observe(event);
            verbose.observe(event);
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
        transfer.request = Some(RequestSummary::of(&request, upload.as_ref())?);
        if let Some(form) = options.dry_run {
            return self.dry_run(form, OutgoingRequest { request, upload: upload.take() });
        }
        let mut own = None;
        let sent = match pipelined.and_then(|pipelined| pipelined.next_response(observer)) {
            Some(response) => response,
            None => {
                let response = self.send(request, upload.as_mut(), observer, place.file.is_some());
                response.map(|response| own.insert(response))
            }
        };
        let head = sent.as_ref().map_or_else(|error| error.response(), |response| Some(response));
        transfer.response = head.map(|response| response.head().clone());
        let (recorded, _) = observer.recorder.recorded();
        if place.file.is_none() {
            turn.take();
        }
        let heads_wanted = options.head || options.include;
        match sent {
            Ok(response) => {
                let hops = if heads_wanted { recorded.hops } else { Vec::new() };
                place.take(options, response, transfer, hops, &self.all)
            }
            Err(error) => {
                if place.file.is_none() && heads_wanted {
                    print_stdout(&[recorded.hops, recorded.heads].concat())?;
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
        let observer = Arc::clone(observer);
        let client = self.observed(move |event| observer.observe(event));
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

/// Draws the time of each request on stderr.
fn draw(tracer: &Tracer) {
    let (columns, in_colour) = (terminal::columns(), terminal::in_colour());
    let draw = |picture: Picture| format!("\n{}", picture.draw(columns, in_colour));
    print_stderr(tracer.pictures().into_iter().map(draw).collect::<String>());
}

/// Returns true if several transfers run at a time.
pub(super) fn is_parallel(options: &ClientOptions) -> bool {
    options.parallel.on && options.urls.len() > 1
}

/// Parses the format of `-w`.
fn format(options: &ClientOptions) -> Result<Option<Format>, CommandError> {
    let Some(format) = options.write_out.as_deref() else { return Ok(None) };
    let text = match format.strip_prefix('@') {
        Some(path) => String::from_utf8_lossy(&read_data(Path::new(path))?).into_owned(),
        None => format.to_owned(),
    };
    Format::parse(&text).map(Some).map_err(CommandError::Usage)
}

fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// Opens the output of `--json-out`.
fn lines(path: &Path) -> Result<Box<dyn Write + Send>, CommandError> {
    if is_stdout(path) {
        let stdout = stdout();
        return Ok(Box::new(stdout.map_err(|error| CommandError::Write("stdout".into(), error))?));
    }
    let file = File::create(path);
    Ok(Box::new(file.map_err(|error| CommandError::Write(path.display().to_string(), error))?))
}
