//! What an operation fetches: each URL of its command line, or each of those that a glob stands for, with the file that
//! is sent there and the output of its body.

use std::path::PathBuf;

use super::error::CommandError;
use super::login::split_user;
use super::url_glob::{GlobMatch, UrlGlob};
use crate::cli::client::{ClientOptions, Output, UploadFrom};
use crate::proto::http::url::without_user;

/// All that an operation fetches.
#[derive(Debug, Clone)]
pub(super) struct FetchList(Vec<Arguments>);

/// A URL of the command line, and what belongs to it.
#[derive(Debug, Clone)]
struct Arguments {
    url: UrlGlob,
    /// The files of `-T`: each is sent to all URLs.
    files: Option<UrlGlob>,
    upload: Option<UploadFrom>,
    output: Option<Output>,
}

/// One transfer.
#[derive(Clone)]
pub(super) struct FetchItem {
    /// The index of its argument among the URLs of the command line, from 0.
    pub(super) number: usize,
    /// The URL, without its user and password.
    pub(super) url: String,
    /// The user of the URL, perhaps with a password; percent-encoded.
    pub(super) user: Option<String>,
    /// What is sent.
    pub(super) upload: Option<UploadFrom>,
    /// Where the body goes, with `#1` filled in.
    pub(super) output: Option<Output>,
}

impl FetchItem {
    /// Returns the transfer of a URL that has no globs, for commands that measure or watch.
    pub(super) fn of_url(options: &ClientOptions, url: &str) -> FetchItem {
        let upload = options.uploads.first().cloned().flatten();
        let (url, user) = split_user(url);
        FetchItem { number: 0, url, user, upload, output: None }
    }
}

impl FetchList {
    /// Reads the globs of an operation.
    ///
    /// # Errors
    /// Says which glob is wrong.
    pub(super) fn of(options: &ClientOptions) -> Result<FetchList, CommandError> {
        let one = |(number, url): (usize, &String)| {
            let upload = options.uploads.get(number).cloned().flatten();
            let file = match &upload {
                Some(UploadFrom::File(path)) => path.to_str(),
                Some(UploadFrom::Stdin) | None => None,
            };
            Ok(Arguments {
                url: glob(options, url)?,
                files: file.map(|file| glob(options, file)).transpose()?,
                upload,
                output: options.files.output(&options.outputs, number),
            })
        };
        options.urls.iter().enumerate().map(one).collect::<Result<_, _>>().map(FetchList)
    }

    /// Returns the number of transfers.
    pub(super) fn count(&self) -> usize {
        let count = |of: &Arguments| {
            of.url.count().saturating_mul(of.files.as_ref().map_or(1, UrlGlob::count))
        };
        let all = self.0.iter().map(count).fold(0, u64::saturating_add);
        usize::try_from(all).unwrap_or(usize::MAX)
    }

    /// Returns all transfers, one after the other.
    pub(super) fn iter(&self) -> impl Iterator<Item = FetchItem> + '_ {
        self.0.iter().enumerate().flat_map(|(number, arguments)| arguments.items(number))
    }
}

impl Arguments {
    fn items(&self, number: usize) -> impl Iterator<Item = FetchItem> + '_ {
        let count = self.files.as_ref().map_or(1, UrlGlob::count);
        let files = (0..count).map(|index| self.files.as_ref().and_then(|files| files.get(index)));
        files.flat_map(move |file| {
            self.url.iter().map(move |url| self.item(number, file.as_ref(), url))
        })
    }

    fn item(&self, number: usize, file: Option<&GlobMatch>, url: GlobMatch) -> FetchItem {
        let upload = match file {
            Some(file) => Some(UploadFrom::File(PathBuf::from(&file.text))),
            None => self.upload.clone(),
        };
        let output = self.output.clone().map(|output| match &output {
            Output::File(path) => match path.to_str() {
                Some(name) => Output::File(url.fill(name).into()),
                None => output,
            },
            _ => output,
        });
        let (url, user) = split_user(&url.text);
        FetchItem { number, url, user, upload, output }
    }
}

fn glob(options: &ClientOptions, text: &str) -> Result<UrlGlob, CommandError> {
    if options.no_globs {
        return Ok(UrlGlob::plain(text));
    }
    let shown = || without_user(text).into_owned();
    UrlGlob::parse(text).map_err(|error| CommandError::Failed(3, format!("{}: {error}", shown())))
}
