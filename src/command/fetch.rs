//! One transfer: from the options to a request, from the request to a response, from the response to
//! its output.

use std::io::{ErrorKind, Seek as _};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Instant, SystemTime};

use super::build_request::{Content, OutgoingRequest, build_request, read_data};
use super::conditional::save_etag;
use super::cookies;
use super::decoding;
use super::destination::Destination;
use super::dry_run::{as_curl, as_nc, wire};
use super::dump_heads::HeadDump;
use super::error::{CommandError, print_stderr, print_stdout};
use super::fetch_list::{FetchItem, FetchList};
use super::network;
use super::rate_limit::{BodyMeter, Metered};
use super::retry::Retry;
use super::session::{Session, StdoutTurn};
use super::terminal;
use super::trace::Tracer;
use super::transfer::{EventRecorder, RequestSummary, Transfer};
use super::upload::Upload;
use super::waterfall::Picture;
use super::write_out::Format;
use crate::cli::client::{ClientOptions, DryRun};
use crate::client::{
    Client, Config, Error, Event, Observer as _, Pipeline, Request, Response, Route,
};
use crate::sync::lock;

/// What the transfers of an operation share.
pub struct Fetcher {
    options: ClientOptions,
    list: FetchList,
    content: Content,
    format: Option<Format>,
    heads: Option<Arc<HeadDump>>,
    client: Client,
    session: Arc<Session>,
    /// The number of URLs in the operations before.
    urls_before: usize,
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

impl Fetcher {
    /// Reads the files to be sent. Shares the connections of those `before` it that connect in the same way.
    ///
    /// # Errors
    /// When a file cannot be read, or does not hold what the options say.
    pub(super) fn new(
        options: &ClientOptions,
        list: FetchList,
        session: &Arc<Session>,
        before: &[Fetcher],
    ) -> Result<Fetcher, CommandError> {
        let content = Content::new(options)?;
        let config = Config { netrc: content.netrc(), ..network::config(options)? };
        let mut clients = before.iter().rev().map(|other| &other.client);
        let like = clients.find(|other| other.config().connect == config.connect);
        let client = match like.or(before.first().map(|other| &other.client)) {
            Some(other) => other.with_settings(config),
            None => Client::with_config(config),
        };
        let client = match options.cookies.are_kept() {
            true => client.cookies(&session.cookies),
            false => client,
        };
        Ok(Fetcher {
            format: format(options)?,
            heads: HeadDump::open(options, before.iter().filter_map(|other| other.heads.as_ref()))?,
            content,
            client,
            session: Arc::clone(session),
            options: options.clone(),
            list,
            urls_before: before.iter().map(|other| other.options.urls.len()).sum(),
        })
    }

    /// Returns the options of the operation.
    pub(super) fn options(&self) -> &ClientOptions {
        &self.options
    }

    /// Returns what the operation fetches.
    pub(super) fn list(&self) -> &FetchList {
        &self.list
    }

    /// Reads the cookies of the files that the options name.
    pub(super) fn read_cookies(&self) {
        cookies::read(&self.options, &self.session.cookies);
    }

    /// Writes the cookies to the file of `-c`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn save_cookies(&self) -> Result<(), CommandError> {
        cookies::save(&self.options, &self.session.cookies)
    }

    /// Returns the requests of all URLs, to be pipelined.
    ///
    /// # Errors
    /// When a request cannot be made.
    pub(super) fn requests(&self) -> Result<Vec<Request>, CommandError> {
        let one = |item: FetchItem| build_request(&self.options, &item, &self.content)?.in_memory();
        self.list.iter().map(one).collect()
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

    /// Makes a transfer of the list, with its retries, and reports it. Its first response is the next one of
    /// `pipelined`, if given. Returns the exit code.
    pub(super) fn fetch(&self, item: &FetchItem, mut pipelined: Option<&mut Pipelined<'_>>) -> u8 {
        let options = &self.options;
        let mut retry = Retry::new(&options.retry, Instant::now());
        let mut turn = self.session.stdout_turn();
        let (mut prepared, mut retries) = (None, 0);
        let transfer = loop {
            let mut transfer = Transfer::new(&item.url, item.number);
            (transfer.urls_before, transfer.retries) = (self.urls_before, retries);
            let observer = Arc::new(self.new_observer());
            let answers = pipelined.take();
            let outcome =
                self.attempt((item, &mut transfer), &mut prepared, answers, &observer, &mut turn);
            let outcome = outcome.and_then(|()| self.session.verbose.kept());
            let outcome = outcome.and_then(|()| save_etag(options, transfer.response.as_ref()));
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
                    self.report(&stop, &item.url);
                    transfer.end = Err((stop.exit_code(), stop.to_string()));
                }
            }
            let Some(once) = once else { break transfer };
            if !options.global.silent {
                print_stderr(format!("client: {}\n", once.words));
            }
            retries += 1;
            turn.give_back();
            thread::sleep(once.pause);
        };
        let code = transfer.end.as_ref().err().map_or(0, |(code, _)| *code);
        if options.dry_run.is_some() {
            return code;
        }
        turn.take();
        match self.tell(&transfer).map_err(|stop| self.as_lost_output(stop)) {
            Err(stop) if code == 0 => {
                self.report(&stop, &item.url);
                stop.exit_code()
            }
            _ => code,
        }
    }

    /// Returns the error that counts. A reader of stdout that leaves, as `head` does, is no failure of a
    /// single transfer; with several URLs, its output is lost, and the exit code is all that says so.
    fn as_lost_output(&self, stop: CommandError) -> CommandError {
        match stop {
            CommandError::BrokenPipe if self.session.transfers > 1 => {
                CommandError::Write("stdout".to_owned(), ErrorKind::BrokenPipe.into())
            }
            stop => stop,
        }
    }

    /// Prints why a transfer failed, unless `-s` is set; of which URL, if there are several.
    fn report(&self, stop: &CommandError, url: &str) {
        match self.session.transfers {
            _ if !self.options.global.prints_errors() => {}
            ..=1 => stop.print(),
            2.. => stop.print_of(url),
        }
    }

    /// Writes the output of `-w` and `--json-out`; the second one even if the first one cannot be
    /// written.
    fn tell(&self, transfer: &Transfer) -> Result<(), CommandError> {
        let mut parts = self.format.iter().flat_map(|format| format.of(transfer));
        let told = parts.try_for_each(|(stream, text)| stream.write(&text));
        told.and(self.session.write_line(transfer))
    }

    /// Returns the observer of a transfer that begins now.
    fn new_observer(&self) -> TransferObserver {
        let tracer = self.options.global.trace.then(|| Tracer::new(&self.session.opened));
        TransferObserver { recorder: EventRecorder::new(&self.session.peers), tracer }
    }

    /// Returns the client, which reports its events to this observer, and to those of `-v` and `--wire`.
    fn observed(&self, observe: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Client {
        let session = Arc::clone(&self.session);
        self.client.clone().observer(move |event: &Event<'_>| {
            observe(event);
            session.verbose.observe(event);
        })
    }

    /// Makes a transfer once. A retry sends the same request, and its body from the beginning.
    fn attempt(
        &self,
        (item, transfer): (&FetchItem, &mut Transfer),
        prepared: &mut Option<OutgoingRequest>,
        pipelined: Option<&mut Pipelined<'_>>,
        observer: &Arc<TransferObserver>,
        turn: &mut StdoutTurn<'_>,
    ) -> Result<(), CommandError> {
        let options = &self.options;
        let OutgoingRequest { request, upload } = match prepared {
            None => prepared.insert(build_request(options, item, &self.content)?),
            Some(prepared) => prepared,
        };
        if upload.as_mut().is_some_and(|upload| upload.rewind().is_err()) {
            let what = "a body from a pipe cannot be sent again; right: a file";
            return Err(CommandError::Failed(65, what.to_owned()));
        }
        let place = Destination::of(options, item)?;
        let request = place.prepare(request.clone())?;
        transfer.request = Some(RequestSummary::of(&request, upload.as_ref())?);
        let route = self.client.config().connect.route(request.url());
        transfer.by_proxy = matches!(route, Ok(Route::Proxy(_)));
        if let Some(form) = options.dry_run {
            return self.dry_run(form, OutgoingRequest { request, upload: upload.take() });
        }
        if place.is_skipped(options, transfer) {
            return Ok(());
        }
        let mut own = None;
        let sent = match pipelined.and_then(|pipelined| pipelined.next_response(observer)) {
            Some(response) => response,
            None => {
                let response = self.send(request, upload.as_mut(), observer, !place.is_stdout());
                response.map(|response| own.insert(response))
            }
        };
        let head = sent.as_ref().map_or_else(|error| error.response(), |response| Some(response));
        transfer.response = head.map(|response| response.head().clone());
        let (recorded, _) = observer.recorder.recorded();
        if place.is_stdout() || self.heads.as_ref().is_some_and(|dump| dump.is_stdout()) {
            turn.take();
        }
        self.dump(&[&recorded.hops[..], &recorded.heads].concat())?;
        let heads_wanted = options.head || options.include;
        match sent {
            Ok(response) if self.content.is_unmet(response.head()) => {
                let heads = (place.is_stdout() && heads_wanted)
                    .then(|| [recorded.hops, recorded.heads].concat());
                heads.map_or(Ok(()), |heads| print_stdout(&heads))
            }
            Ok(response) => {
                let hops = if heads_wanted { recorded.hops } else { Vec::new() };
                place.take(options, response, transfer, hops, &self.session.all)?;
                let mut trailers = Vec::new();
                response.trailers().iter().for_each(|fields| fields.encode(&mut trailers));
                self.dump(&trailers)
            }
            Err(error) => {
                if place.is_stdout() && heads_wanted {
                    print_stdout(&[recorded.hops, recorded.heads].concat())?;
                }
                Err(error.into())
            }
        }
    }

    /// Writes heads to the file of `-D`.
    fn dump(&self, heads: &[u8]) -> Result<(), CommandError> {
        self.heads.as_ref().map_or(Ok(()), |dump| dump.write(heads))
    }

    /// Prints a request instead of sending it.
    fn dry_run(&self, form: DryRun, request: OutgoingRequest) -> Result<(), CommandError> {
        let request = request.in_memory()?;
        let connect = &self.client.config().connect;
        match form {
            DryRun::Bytes => print_stdout(&wire(&request, connect)?),
            DryRun::Curl => {
                let line = as_curl(&request, connect)?;
                print_stdout(decoding::as_curl(&self.options, line).as_bytes())
            }
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
                let meter = BodyMeter::new(&self.options, &self.session.all, to_file, 0, length);
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

/// Parses the format of `-w`.
fn format(options: &ClientOptions) -> Result<Option<Format>, CommandError> {
    let Some(format) = options.write_out.as_deref() else { return Ok(None) };
    let text = match format.strip_prefix('@') {
        Some(path) => String::from_utf8_lossy(&read_data(Path::new(path))?).into_owned(),
        None => format.to_owned(),
    };
    Format::parse(&text).map(Some).map_err(CommandError::Usage)
}
