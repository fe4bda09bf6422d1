//! What the flags of `client` set.

use std::path::PathBuf;
use std::time::Duration;

use super::conditional::ConditionOptions;
use super::cookies::CookieOptions;
use super::data::Data;
use super::files::FileOptions;
use super::global::GlobalOptions;
use super::login::LoginOptions;
use super::misbehave::Misbehaviour;
use super::network::{NetworkOptions, TimeLimits};
use super::retry::RetryOptions;

/// An operation of `client`: all URLs up to `--next`, and how they are fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientOptions {
    /// What holds for the whole run.
    pub global: GlobalOptions,
    /// The URLs, in order.
    pub urls: Vec<String>,
    /// Whether braces and brackets in URLs and in the names of files to send have no meaning.
    pub no_globs: bool,
    /// The method, if one was given.
    pub method: Option<String>,
    /// Changes to the fields of the request.
    pub fields: Vec<Field>,
    /// The value of `User-Agent`.
    pub agent: Option<Vec<u8>>,
    /// The value of `Referer`.
    pub referer: Option<Vec<u8>>,
    /// Whether a redirect sets it to the URL that led there.
    pub auto_referer: bool,
    /// The cookies that are kept and sent.
    pub cookies: CookieOptions,
    /// `user:password`, for the server.
    pub user: Option<Vec<u8>>,
    /// Other ways to say who asks.
    pub login: LoginOptions,
    /// On what the answer depends.
    pub condition: ConditionOptions,
    /// The pieces of the query that is appended to each URL.
    pub url_query: Vec<Data>,
    /// The target of the request, in place of that of the URL.
    pub request_target: Option<String>,
    /// The requested bytes, as `0-99`.
    pub range: Option<String>,
    /// The pieces of the body.
    pub data: Vec<Data>,
    /// Whether the pieces are appended to the URL as its query.
    pub get: bool,
    /// The fields of a form with files.
    pub form: Vec<FormField>,
    /// The files to send, for the first URL, the second, and so on.
    pub uploads: Vec<Option<UploadFrom>>,
    /// Redirects and retries.
    pub retry: RetryOptions,
    /// What a status of 400 or above does.
    pub fail: Option<Fail>,
    /// Whether heads are printed before bodies.
    pub include: bool,
    /// Whether only the head is requested.
    pub head: bool,
    /// Where the bodies go: of the first URL, the second, and so on.
    pub outputs: Vec<Output>,
    /// The files of the bodies and heads.
    pub files: FileOptions,
    /// Whether all requests are sent at once.
    pub pipeline: bool,
    /// Where an earlier transfer is continued.
    pub resume: Option<Resume>,
    /// The text printed after each transfer, with figures in it.
    pub write_out: Option<String>,
    /// Whether compressed bodies are requested and decoded.
    pub compressed: bool,
    /// When JSON is indented and coloured.
    pub pretty: Pretty,
    /// The most bytes of a body per second.
    pub limit_rate: Option<u64>,
    /// The most bytes of a body.
    pub max_filesize: Option<u64>,
    /// Whether the framing and the coding of a body are part of it.
    pub raw: bool,
    /// What is printed instead of sending the request.
    pub dry_run: Option<DryRun>,
    /// What is done wrong on purpose.
    pub misbehave: Option<Misbehaviour>,
    /// Where random bytes begin; `None`: anywhere.
    pub seed: Option<u64>,
    /// Whether HTTP/1.0 is used.
    pub http10: bool,
    /// Addresses, proxies and the Unix socket.
    pub network: NetworkOptions,
    /// The time limit of each phase.
    pub limits: TimeLimits,
    /// The time limit of each URL.
    pub max_time: Option<Duration>,
}

/// A change to the fields of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// `Name: value`, or `Name;` for an empty value.
    Add(String, Vec<u8>),
    /// `Name:`
    Remove(String),
    /// `@FILE`: those of a file.
    File(PathBuf),
}

/// Where a body goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// `-o -`: stdout, even if it is a terminal.
    Stdout,
    /// `-o FILE`.
    File(PathBuf),
    /// `-O`: a file named as in the URL.
    RemoteName,
}

/// What `-T` sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadFrom {
    /// `-T -`, `-T .`
    Stdin,
    /// `-T FILE`
    File(PathBuf),
}

/// Where a transfer is continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// `-C -`: after the part of the file that is there.
    AtHand,
    /// `-C OFFSET`: from this byte on.
    From(u64),
}

/// When JSON is indented and coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pretty {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How a request that is not sent is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DryRun {
    /// Its bytes.
    Bytes,
    /// A command for curl.
    Curl,
    /// A command for nc.
    Nc,
}

/// What is done with a status of 400 or above, which is a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fail {
    /// Its body is not printed.
    Bare,
    /// Its body is printed.
    WithBody,
}

/// A field of a form with files, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormField {
    /// From `-F`: `@`, `<` and `;` have a meaning.
    Spelled(String),
    /// From `--form-string`.
    Plain(String),
}

impl ClientOptions {
    /// Returns the options after `--next`: those for the whole run are kept.
    pub(super) fn next(&self) -> ClientOptions {
        ClientOptions { global: self.global.clone(), ..ClientOptions::default() }
    }

    /// Returns whether the body is JSON.
    pub fn is_json(&self) -> bool {
        self.data.iter().any(|data| matches!(data, Data::Json(_)))
    }

    /// Returns whether a body goes to a file.
    pub(super) fn has_file(&self) -> bool {
        let output = |number| self.files.output(&self.outputs, number);
        (0..self.urls.len()).filter_map(output).any(|output| output != Output::Stdout)
    }

    /// Returns whether a field of this name is removed.
    pub fn removes(&self, name: &str) -> bool {
        let removed = |field: &Field| matches!(field, Field::Remove(removed) if removed.eq_ignore_ascii_case(name));
        self.fields.iter().any(removed)
    }
}

impl AsMut<ClientOptions> for ClientOptions {
    fn as_mut(&mut self) -> &mut ClientOptions {
        self
    }
}
