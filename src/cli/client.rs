//! The flags of `client`, which are curl's where curl has them.

pub mod data;
mod network;
mod output;
mod request;
pub mod resolve_only;
pub mod retry;
mod verbose;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use self::data::Data;
use self::retry::{Again, Parallel};

use super::Effect::{Help, Version};
use super::nearest::nearest;
use super::{Command, Expected, Flag, Parsed, UsageError};

pub use self::network::{Limits, OneFamily, Reaching};
pub(super) use self::request::Asking;

/// What the command line of `client` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientOptions {
    /// What to fetch, in order.
    pub urls: Vec<String>,
    /// The method, where one was named.
    pub method: Option<String>,
    /// Changes to the fields of the request.
    pub fields: Vec<Field>,
    /// Who asks: `User-Agent`.
    pub agent: Option<Vec<u8>>,
    /// Where the link stood: `Referer`.
    pub referer: Option<Vec<u8>>,
    /// `user:password`, for the server.
    pub user: Option<Vec<u8>>,
    /// The bytes that are asked for, as `0-99`.
    pub range: Option<String>,
    /// The pieces of the body.
    pub data: Vec<Data>,
    /// The pieces go behind the `?` of the URL.
    pub get: bool,
    /// The fields of a form with files.
    pub form: Vec<FormField>,
    /// The files that are sent: with the first URL, the second one, and so on.
    pub uploads: Vec<Option<UploadFrom>>,
    /// What is done about redirects and failures.
    pub again: Again,
    /// How many transfers go at a time.
    pub parallel: Parallel,
    /// The first transfer that fails is the last one.
    pub fail_early: bool,
    /// What to do about a status that is an error.
    pub fail: Option<Fail>,
    /// Print the heads of answers before their bodies.
    pub include: bool,
    /// Ask for the head only.
    pub head: bool,
    /// Tell on stderr what happens.
    pub verbose: bool,
    /// Draw where the time of each request went.
    pub trace: bool,
    /// Show each byte of each connection.
    pub wire: bool,
    /// Where each byte of each connection is kept.
    pub transcript: Option<PathBuf>,
    /// Send all requests at once.
    pub pipeline: bool,
    /// Say what the lines of heads are for.
    pub explain: bool,
    /// Say nothing on stderr.
    pub silent: bool,
    /// Say what went wrong even so.
    pub show_error: bool,
    /// Where the bodies go: the first one's, the second one's, and so on.
    pub outputs: Vec<Output>,
    /// Go on where an earlier transfer stopped.
    pub resume: Option<Resume>,
    /// A text after each transfer, with figures in it.
    pub write_out: Option<String>,
    /// Where a line of JSON about each transfer goes. `-` is stdout.
    pub json_out: Option<PathBuf>,
    /// Is JSON made pretty?
    pub pretty: Pretty,
    /// No progress line.
    pub no_progress: bool,
    /// So many bytes of a body a second, and no more.
    pub limit_rate: Option<u64>,
    /// What is shown instead of sending.
    pub dry: Option<Dry>,
    /// Speak HTTP/1.0.
    pub http10: bool,
    /// How servers are reached.
    pub reaching: Reaching,
    /// How long each phase may take.
    pub limits: Limits,
    /// How long each answer may take, all in all.
    pub max_time: Option<Duration>,
}

/// A change to the fields of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// `Name: value`, or `Name;` for an empty value.
    Add(String, Vec<u8>),
    /// `Name:`
    Remove(String),
}

/// Where a body goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// `-o -`: stdout, whatever it is.
    Stdout,
    /// `-o FILE`.
    File(PathBuf),
    /// `-O`: a file that is called as in the URL.
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

/// Where a transfer goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// `-C -`: behind what is there of the file.
    AtHand,
    /// `-C OFFSET`: from this byte on.
    From(u64),
}

/// When JSON is made pretty.
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

/// What is shown of a request that is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dry {
    /// Its bytes.
    Bytes,
    /// A command for curl.
    Curl,
    /// A command for nc.
    Nc,
}

/// A status of 400 and above is a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fail {
    /// And its body of no interest.
    Bare,
    /// And its body is kept.
    WithBody,
}

/// A field of a form with files, as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormField {
    /// From `-F`: `@`, `<` and `;` mean something.
    Spelled(String),
    /// From `--form-string`.
    Plain(String),
}

impl ClientOptions {
    /// Is the body JSON?
    pub fn is_json(&self) -> bool {
        self.data.iter().any(|data| matches!(data, Data::Json(_)))
    }

    /// Does a body go to a file?
    fn has_file(&self) -> bool {
        self.outputs.iter().any(|output| *output != Output::Stdout)
    }

    /// Is a field of this name to be left out?
    pub fn removes(&self, name: &str) -> bool {
        let removed = |field: &Field| matches!(field, Field::Remove(removed) if removed.eq_ignore_ascii_case(name));
        self.fields.iter().any(removed)
    }
}

/// Reads the arguments, the program's name not among them.
///
/// # Errors
/// [`UsageError`]: what was typed, and what is right.
pub fn parse(
    args: impl IntoIterator<Item = OsString>,
) -> Result<Parsed<ClientOptions>, UsageError> {
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some(typed) = args.first().and_then(|first| first.to_str())
        && let Some(meant) = misspelled(typed)
    {
        return Err(COMMAND.wrong(&format!(
            "unknown command {typed:?}; did you mean {meant}? (for a host of that name: http://{typed}/)"
        )));
    }
    let parsed = COMMAND.parse(ClientOptions::default(), args)?;
    if let Parsed::Run(options) = &parsed {
        if options.urls.is_empty() {
            return Err(COMMAND.wrong("no URL; right: client http://127.0.0.1:8080/"));
        }
        let sends = match (&options.data[..], &options.form[..]) {
            ([_, ..], [_, ..]) => {
                return Err(COMMAND.wrong("-d is one kind of body, -F another; right: one of them"));
            }
            ([], []) => None,
            ([], _) => Some("-F"),
            _ if options.get => None,
            _ => Some("-d"),
        };
        let sends = match (options.uploads.iter().any(Option::is_some), sends) {
            (true, Some(_)) => {
                return Err(COMMAND.wrong("-T is one kind of body, -d and -F another; right: one"));
            }
            (true, None) if options.get => {
                return Err(COMMAND.wrong("-G asks, -T sends; right: one of them"));
            }
            (true, None) => Some("-T"),
            (false, sends) => sends,
        };
        if options.pipeline && options.parallel.on {
            return Err(
                COMMAND.wrong("--pipeline is one connection, -Z several; right: one of them")
            );
        }
        if options.pipeline && options.trace {
            let right = "--trace draws one request after the other; right: without --pipeline";
            return Err(COMMAND.wrong(right));
        }
        if options.pipeline && options.resume.is_some() {
            return Err(
                COMMAND.wrong("--pipeline asks before it looks at files; right: without -C")
            );
        }
        match options.resume {
            Some(_) if options.range.is_some() || sends.is_some() || options.head => {
                return Err(
                    COMMAND.wrong("-C goes on with a GET; right: without -r, -I, -d, -F, -T")
                );
            }
            Some(Resume::AtHand) if !options.has_file() => {
                return Err(COMMAND.wrong("-C - goes on with a file; right: -C - -o FILE, or -O"));
            }
            Some(Resume::From(_)) if options.has_file() => {
                let right = "-C OFFSET is for stdout; right: -C - looks at the file itself";
                return Err(COMMAND.wrong(right));
            }
            _ => {}
        }
        if let (true, Some(flag)) = (options.head, sends) {
            let both = format!("-I asks for a head, {flag} sends a body; right: one of them");
            return Err(COMMAND.wrong(&both));
        }
    }
    Ok(parsed)
}

/// Returns the command that was probably meant by a first word that is not a URL: not `localhost`, and without dot,
/// colon and slash. A word that is not near to a command is the name of a host.
fn misspelled(typed: &str) -> Option<&'static str> {
    if typed.contains(['.', ':', '/', '-']) {
        return None;
    }
    Some(match nearest(typed, &["bench", "where", "help", "version"])? {
        "bench" => "client bench",
        "where" => "client where",
        "help" => "client --help",
        _ => "client --version",
    })
}

/// The help text.
pub fn help() -> String {
    COMMAND.help()
}

pub(super) static COMMAND: Command<ClientOptions> = Command {
    name: "client",
    usage: "[FLAG]... URL...\n       client bench [FLAG]... URL\n       client where [FLAG]... URL...",
    about: "\
Fetches each URL over HTTP/1.1: bodies to stdout, everything else to stderr.
`client bench` measures, `client where` says where a URL leads; each has --help.
(A host of that name is bench/.)
URLs of one host and port share a connection; host/path and :8080/path will do.",
    groups: &[
        ("Request", Asking::FLAGS),
        ("Redirects, retries, several at a time", retry::FLAGS),
        ("Output", output::FLAGS),
        ("Watching", verbose::FLAGS),
        ("Instead of sending", output::DRY),
        ("Way", network::FLAGS),
        ("Time", network::TIME),
        ("Help", HELP),
    ],
    operand: |options, value| {
        let url =
            value.to_str().ok_or(Expected("a URL is UTF-8; right: %C3%BC for other bytes"))?;
        options.urls.push(url.to_owned());
        Ok(())
    },
    epilogue: "\
Exit codes, which are curl's:
   0  an answer came, whatever its status   25  a body without a length (-0)
   1  a protocol that is not spoken here    26  could not read a file to send
   2  wrong arguments                       28  out of time
   3  not a URL                             33  -C: it cannot be gone on with
   5  could not find the proxy's address    47  too many redirects
   6  could not find the host's address     49  not a --resolve or --connect-to
   7  could not connect                     52  closed without an answer
   8  the answer breaks a rule of HTTP      55  could not send
  18  the answer was cut short              56  could not receive
  22  -f: an answer of 400 and above        65  a body that cannot be sent again
  23  could not write the output

Examples:
  client :8080/                       from this machine
  client -v :8080/ :8080/hello.txt    two answers, one connection
  client --trace :8080/ :8080/        where the time went, and what reuse saves
  client -d 'name=Ada Lovelace' -d email=ada@example.org :8080/users
  client --json '{\"name\":\"Ada\",\"email\":\"ada@example.org\"}' :8080/users
  client -X DELETE :8080/users/1
  client -F name=Ada -F photo=@ada.png :8080/upload
  client -L --retry 3 -T ada.json :8080/users/
  client -Z -O :8080/a.iso -O :8080/b.iso
  client -C - -O :8080/large.iso      goes on where it stopped
  client -s -o /dev/null -w '%{http_code} %{time_total}\n' :8080/
  client --as nc -d a=b :8080/echo    the same request, typed by hand
",
};

impl AsMut<ClientOptions> for ClientOptions {
    fn as_mut(&mut self) -> &mut ClientOptions {
        self
    }
}

const HELP: &[Flag<ClientOptions>] = &[
    Flag::new(Some('h'), "help", Help, "print this"),
    Flag::new(Some('V'), "version", Version, "print the version"),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::request::field;
    use super::*;

    fn options(args: &[&str]) -> ClientOptions {
        match parse(args.iter().map(OsString::from)) {
            Ok(Parsed::Run(options)) => options,
            other => panic!("{args:?}: {other:?}"),
        }
    }

    fn body(args: &[&str]) -> Option<String> {
        let read = |path: &Path| Ok::<_, ()>(format!("<{}\r\n\0>", path.display()).into_bytes());
        let args = [&["u"], args].concat();
        data::body(&options(&args).data, read).unwrap().map(|body| String::from_utf8(body).unwrap())
    }

    #[test]
    fn curls_spellings() {
        let got = options(&["-sSv", "-XPOST", "-m.5", "-ofile", "-o", "-", "a", "--", "-b"]);
        let want = ClientOptions {
            urls: vec!["a".into(), "-b".into()],
            method: Some("POST".into()),
            silent: true,
            show_error: true,
            verbose: true,
            max_time: Some(Duration::from_millis(500)),
            outputs: vec![Output::File("file".into()), Output::Stdout],
            ..ClientOptions::default()
        };
        assert_eq!(got, want);
        assert_eq!(options(&["-m0", "--connect-timeout", "0", "a"]).max_time, None);
    }

    #[test]
    fn bodies_are_put_together_as_curl_does() {
        for (args, want) in [
            (&[][..], None),
            (&["-d", ""], Some("")),
            (&["-d", "a=1", "-d", "b=2"], Some("a=1&b=2")),
            (&["-d", "", "-d", "b"], Some("&b")),
            (&["-d", "a", "--json", "b", "-d", "c"], Some("ab&c")),
            (&["-d=x"], Some("=x")),
            (&["-d@file", "-d", "@-"], Some("<file>&<->")),
            (&["--json", "{", "--json", "}"], Some("{}")),
            (&["--json", "@file"], Some("<file\r\n\0>")),
            (&["-d", "a\nb"], Some("a\nb")),
            (&["--data-binary", "@file"], Some("<file\r\n\0>")),
            (&["--data-binary", "a", "--data-raw", "@b"], Some("a&@b")),
            (&["--data-urlencode", "a b+ü"], Some("a+b%2B%C3%BC")),
            (&["--data-urlencode", "=a=b"], Some("a%3Db")),
            (&["--data-urlencode", "n m=a b"], Some("n m=a+b")),
            (&["--data-urlencode", "@file"], Some("%3Cfile%0D%0A%00%3E")),
            (&["--data-urlencode", "n@file"], Some("n=%3Cfile%0D%0A%00%3E")),
            (&["--data-urlencode", "n@file=x"], Some("n@file=x")),
        ] {
            assert_eq!(body(args).as_deref(), want, "{args:?}");
        }
    }

    #[test]
    fn fields() {
        let add = |name: &str, value: &str| Some(Field::Add(name.into(), value.into()));
        for (typed, want) in [
            ("A: b", add("A", "b")),
            ("A:b:c", add("A", "b:c")),
            ("A;", add("A", "")),
            ("A:", Some(Field::Remove("A".into()))),
            ("A:  ", Some(Field::Remove("A".into()))),
            ("A", None),
            ("", None),
        ] {
            assert_eq!(field(typed.as_bytes()).ok(), want, "{typed:?}");
        }
    }

    #[test]
    fn what_is_refused() {
        for wrong in [
            &[][..],
            &["-v"],
            &["-I", "-d", "x", "u"],
            &["-I", "-F", "a=b", "u"],
            &["-C", "-", "u"],
            &["-C", "-", "-o", "-", "u"],
            &["-C", "5", "-O", "u"],
            &["-C", "x", "u"],
            &["-C", "-", "-O", "-r", "0-1", "u"],
            &["--limit-rate", "fast", "u"],
            &["--limit-rate", "0", "u"],
            &["--pretty", "yes", "u"],
            &["--as", "wget", "u"],
            &["--trace", "--pipeline", "u"],
            &["-d", "x", "-F", "a=b", "u"],
            &["-T", "x", "-d", "a", "u"],
            &["-T", "x", "-F", "a=b", "u"],
            &["-T", "x", "-I", "u"],
            &["-T", "x", "-G", "u"],
            &["-T", "x", "-C", "-", "-O", "u"],
            &["--max-redirs", "-2", "u"],
            &["--retry", "often", "u"],
            &["--parallel-max", "0", "u"],
            &["-F", "x", "u"],
            &["-u", "ada", "u"],
            &["--data-urlencode", "@", "u"],
            &["-H", "no colon", "u"],
            &["-d", "@", "u"],
            &["-m", "soon", "u"],
            &["-o", "", "u"],
            &["u", "-X"],
            &["--verbose=yes", "u"],
        ] {
            let error = parse(wrong.iter().map(OsString::from)).unwrap_err().to_string();
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
}
