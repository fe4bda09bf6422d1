//! One transfer: the options to a request, the request to an answer, the answer to its output.

use std::env;
use std::io::{self, Write as _};
use std::sync::Arc;

use super::ask::{Content, request};
use super::deliver::Delivery;
use super::dry::{as_curl, as_nc, wire};
use super::part::{self, remote_name};
use super::reach;
use super::resume::{AtHand, Came, Rest};
use super::stop::Stop;
use super::transfer::{Asked, Transfer, Watch};
use super::watching::Watching;
use crate::cli::client::{ClientOptions, Dry, Fail, Output, Resume};
use crate::client::output::Parts;
use crate::client::{Client, Config, Event, Observer as _, Pipeline, Redirects, Request};

/// What all transfers have in common.
pub struct Fetcher<'o> {
    options: &'o ClientOptions,
    content: Content,
    client: Client,
    watch: Arc<Watch>,
    watching: Arc<Watching>,
}

impl<'o> Fetcher<'o> {
    /// Reads what there is to be sent.
    ///
    /// # Errors
    /// A file that cannot be read, or that is not what the options say.
    pub fn new(options: &'o ClientOptions) -> Result<Fetcher<'o>, Stop> {
        let watch = Arc::new(Watch::default());
        let watching = Arc::new(Watching::new(options)?);
        let client = client(options, &watch, &watching)?;
        Ok(Fetcher { options, content: Content::new(options)?, client, watch, watching })
    }

    /// Makes this transfer, and notes in it what there is to tell.
    ///
    /// # Errors
    /// Why it came to nothing; [`Stop::BrokenPipe`]: nobody wants to know.
    pub fn fetch(
        &self,
        transfer: &mut Transfer,
        pipeline: Option<&mut Pipeline<'_>>,
    ) -> Result<(), Stop> {
        self.watch.begin();
        let fetched = self.transfer(transfer, pipeline).and_then(|()| self.watching.kept());
        (transfer.seen, transfer.total) = self.watch.end();
        if let Err(stop) = &fetched {
            transfer.end = Err((stop.exit_code(), stop.to_string()));
        }
        fetched
    }

    /// The requests of all URLs, to be sent at once.
    ///
    /// # Errors
    /// One that cannot be made.
    pub fn requests(&self) -> Result<Vec<Request>, Stop> {
        let options = self.options;
        options.urls.iter().map(|url| request(options, url, &self.content)).collect()
    }

    /// Their answers.
    ///
    /// # Errors
    /// Requests that cannot be sent at once.
    pub fn pipeline<'r>(&self, requests: &'r [Request]) -> Result<Pipeline<'r>, Stop> {
        Ok(self.client.pipeline(requests)?)
    }

    fn transfer(
        &self,
        transfer: &mut Transfer,
        pipeline: Option<&mut Pipeline<'_>>,
    ) -> Result<(), Stop> {
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
            Some(Dry::Bytes) => return print(&wire(&request, self.client.routes())?),
            Some(Dry::Curl) => return print(as_curl(&request, self.client.routes())?.as_bytes()),
            Some(Dry::Nc) => return print(as_nc(&request, self.client.routes())?.as_bytes()),
        }
        let mut alone;
        let response = match pipeline.and_then(Pipeline::answer) {
            Some(answer) => answer?,
            None => {
                alone = self.client.send(&request)?;
                &mut alone
            }
        };
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
                delivery.show(response, parts, to_see)
            }
            (Some(path), Some(at_hand)) if came == Came::Nothing => {
                at_hand.finish(path).map_err(|error| Stop::Write(path.display().to_string(), error))
            }
            (Some(path), Some(at_hand)) if came == Came::Rest => {
                let file = part::Output::go_on(path, at_hand);
                delivery.keep(response, parts, path, file)
            }
            (Some(path), _) => {
                let file = part::Output::create(path, &response.head().headers);
                delivery.keep(response, parts, path, file)
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
pub(super) fn configured(options: &ClientOptions) -> Result<Client, Stop> {
    let variable = |name: &str| env::var_os(name).map(|it| it.to_string_lossy().into_owned());
    let routes = reach::routes(&options.reaching, variable);
    let routes = routes.map_err(|what| Stop::Failed(49, what))?;
    let timeouts = reach::timeouts(&options.limits, options.max_time);
    let redirects = Redirects::Answer;
    Ok(Client::with(Config { timeouts, routes, redirects, ..Config::default() }))
}

/// With all that is to be told of its calls.
fn client(
    options: &ClientOptions,
    watch: &Arc<Watch>,
    watching: &Arc<Watching>,
) -> Result<Client, Stop> {
    let (watch, watching) = (Arc::clone(watch), Arc::clone(watching));
    Ok(configured(options)?.observer(move |event: &Event<'_>| {
        watch.observe(event);
        watching.observe(event);
    }))
}
