//! The flags of `client`, which are curl's where curl has them.

use std::ffi::{OsStr, OsString};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Effect::{Help, Switch, Value, Version};
use super::{Command, Flag, Parsed, Right, UsageError, seconds};

/// What the command line of `client` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientOptions {
    /// What to fetch, in order.
    pub urls: Vec<String>,
    /// The method, where one was named.
    pub method: Option<String>,
    /// Changes to the fields of the request.
    pub fields: Vec<Field>,
    /// The parts of the body.
    pub data: Vec<Data>,
    /// Print the heads of answers before their bodies.
    pub include: bool,
    /// Ask for the head only.
    pub head: bool,
    /// Tell on stderr what happens.
    pub verbose: bool,
    /// Say nothing on stderr.
    pub silent: bool,
    /// Say what went wrong even so.
    pub show_error: bool,
    /// Where the bodies go: the first one's, the second one's, and so on. `-` is stdout.
    pub outputs: Vec<PathBuf>,
    /// Speak HTTP/1.0.
    pub http10: bool,
    /// How long looking up and connecting may take.
    pub connect_timeout: Option<Duration>,
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

/// A part of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// From `--data`: set off from the part before it by `&`.
    Form(Source),
    /// From `--json`: put behind the part before it as it is.
    Json(Source),
}

/// Where a part of the body comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// From the command line.
    Typed(Vec<u8>),
    /// From a file; `-` is stdin.
    File(PathBuf),
}

impl ClientOptions {
    /// Is the body JSON?
    pub fn is_json(&self) -> bool {
        self.data.iter().any(|data| matches!(data, Data::Json(_)))
    }

    /// Is a field of this name to be left out?
    pub fn removes(&self, name: &str) -> bool {
        let removed = |field: &Field| matches!(field, Field::Remove(removed) if removed.eq_ignore_ascii_case(name));
        self.fields.iter().any(removed)
    }

    /// Puts the body together; `None` when there is none. `read` reads a file, or stdin.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn body<E>(
        &self,
        mut read: impl FnMut(&Path) -> Result<Vec<u8>, E>,
    ) -> Result<Option<Vec<u8>>, E> {
        let mut body = Vec::new();
        for (at, data) in self.data.iter().enumerate() {
            match data {
                Data::Form(source) => {
                    if at > 0 {
                        body.push(b'&');
                    }
                    body.extend(match source {
                        Source::Typed(text) => text.clone(),
                        Source::File(path) => strip_line_ends(read(path)?),
                    });
                }
                Data::Json(Source::Typed(text)) => body.extend(text),
                Data::Json(Source::File(path)) => body.extend(read(path)?),
            }
        }
        Ok((!self.data.is_empty()).then_some(body))
    }
}

/// curl's `-d @file`: a form that was typed into an editor has a line end that is not meant.
fn strip_line_ends(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.retain(|byte| !matches!(byte, b'\r' | b'\n' | b'\0'));
    bytes
}

/// Reads the arguments, the program's name not among them.
///
/// # Errors
/// [`UsageError`]: what was typed, and what is right.
pub fn parse(
    args: impl IntoIterator<Item = OsString>,
) -> Result<Parsed<ClientOptions>, UsageError> {
    let parsed = COMMAND.parse(ClientOptions::default(), args)?;
    if let Parsed::Run(options) = &parsed {
        if options.urls.is_empty() {
            return Err(COMMAND.wrong("no URL; right: client http://127.0.0.1:8080/"));
        }
        if options.head && !options.data.is_empty() {
            return Err(COMMAND.wrong("-I asks for a head, -d sends a body; right: one of them"));
        }
    }
    Ok(parsed)
}

/// The help text.
pub fn help() -> String {
    COMMAND.help()
}

pub(super) static COMMAND: Command<ClientOptions> = Command {
    name: "client",
    usage: "[FLAG]... URL...\n       client bench [FLAG]... URL",
    about: "\
Fetches each URL over HTTP/1.1: bodies to stdout, everything else to stderr.
`client bench` measures: client bench --help. (A host of that name is bench/.)
URLs of one host and port share a connection; host/path and :8080/path will do.",
    groups: &[("Request", Asking::FLAGS), ("Output", OUTPUT), ("Time", TIME), ("Help", HELP)],
    operand: |options, value| {
        let url = value.to_str().ok_or(Right("a URL is UTF-8; right: %C3%BC for other bytes"))?;
        options.urls.push(url.to_owned());
        Ok(())
    },
    epilogue: "\
Exit codes, which are curl's:
   0  an answer came, whatever its status     18  the answer was cut short
   1  a protocol that is not spoken here      23  could not write the output
   2  wrong arguments                         26  could not read a file to send
   3  not a URL                               28  out of time
   6  could not find the host's address       52  closed without an answer
   7  could not connect                       55  could not send
   8  the answer breaks a rule of HTTP        56  could not receive

Examples:
  client :8080/                       from this machine
  client -v :8080/ :8080/hello.txt    two answers, one connection
  client -d 'name=Ada Lovelace' -d email=ada@example.org :8080/users
  client --json '{\"name\":\"Ada\",\"email\":\"ada@example.org\"}' :8080/users
  client -X DELETE :8080/users/1
",
};

/// The flags that say what is asked, for every command that asks.
pub(super) struct Asking<T>(PhantomData<T>);

impl<T: AsMut<ClientOptions> + 'static> Asking<T> {
    pub(super) const FLAGS: &'static [Flag<T>] = &[
        Flag::new(
            Some('X'),
            "request",
            Value("METHOD", |options, value| {
                // Which words are methods is the protocol's to say, and it does, before anything is sent.
                let method = value.to_str().filter(|name| !name.is_empty());
                options.as_mut().method = Some(method.ok_or(Right("a word, as GET"))?.to_owned());
                Ok(())
            }),
            "GET is the default, with a body POST",
        ),
        Flag::new(
            Some('H'),
            "header",
            Value("FIELD", |options, value| {
                options.as_mut().fields.push(field(value.as_encoded_bytes())?);
                Ok(())
            }),
            "'Name: value' adds a field, 'Name;' one without a value; 'Name:' takes a default one away",
        ),
        Flag::new(
            Some('d'),
            "data",
            Value("DATA", |options, value| {
                options.as_mut().data.push(Data::Form(source(value)?));
                Ok(())
            }),
            "send this; @FILE sends a file without its line ends, @- what comes on stdin; several \
             are joined by &",
        ),
        Flag::new(
            None,
            "json",
            Value("DATA", |options, value| {
                options.as_mut().data.push(Data::Json(source(value)?));
                Ok(())
            }),
            "send this as JSON and ask for JSON; @FILE and @- as they are",
        ),
        Flag::new(
            Some('I'),
            "head",
            Switch(|options| options.as_mut().head = true),
            "ask for the head only",
        ),
        Flag::new(
            None,
            "http1.0",
            Switch(|options| options.as_mut().http10 = true),
            "speak HTTP/1.0",
        ),
    ];
}

impl AsMut<ClientOptions> for ClientOptions {
    fn as_mut(&mut self) -> &mut ClientOptions {
        self
    }
}

const OUTPUT: &[Flag<ClientOptions>] = &[
    Flag::new(
        Some('i'),
        "include",
        Switch(|options| options.include = true),
        "print heads before bodies",
    ),
    Flag::new(
        Some('o'),
        "output",
        Value("FILE", |options, value| {
            if value.is_empty() {
                return Err(Right("a file, or - for stdout"));
            }
            options.outputs.push(PathBuf::from(value));
            Ok(())
        }),
        "write the body here; the second -o is for the second URL",
    ),
    Flag::new(
        Some('v'),
        "verbose",
        Switch(|options| options.verbose = true),
        "tell on stderr what happens, with both heads",
    ),
    Flag::new(Some('s'), "silent", Switch(|options| options.silent = true), "no errors on stderr"),
    Flag::new(
        Some('S'),
        "show-error",
        Switch(|options| options.show_error = true),
        "errors on stderr, in spite of -s",
    ),
];

const TIME: &[Flag<ClientOptions>] = &[
    Flag::new(
        None,
        "connect-timeout",
        Value("SECS", |options, value| {
            options.connect_timeout = seconds(value).map(limit)?;
            Ok(())
        }),
        "for looking up the host and connecting, as 2 or 0.5 (default 300)",
    ),
    Flag::new(
        Some('m'),
        "max-time",
        Value("SECS", |options, value| {
            options.max_time = seconds(value).map(limit)?;
            Ok(())
        }),
        "for each URL, all in all (default: no limit)",
    ),
];

const HELP: &[Flag<ClientOptions>] = &[
    Flag::new(Some('h'), "help", Help, "print this"),
    Flag::new(Some('V'), "version", Version, "print the version"),
];

/// As with curl, no time at all is no limit.
fn limit(time: Duration) -> Option<Duration> {
    Some(time).filter(|time| !time.is_zero())
}

/// Reads `Name: value`, `Name;` or `Name:`. What may stand in a name and in a value is the
/// protocol's to say, and it does, before anything is sent.
fn field(typed: &[u8]) -> Result<Field, Right> {
    let right = Right("'Name: value', 'Name;' for an empty value, or 'Name:' to take it away");
    let (name, value) = match typed.iter().position(|&byte| byte == b':') {
        Some(colon) => (&typed[..colon], Some(trim_blanks(&typed[colon + 1..]))),
        None => (typed.strip_suffix(b";").ok_or(Right(right.0))?, None),
    };
    let name = str::from_utf8(name).map_err(|_| right)?.to_owned();
    Ok(match value {
        Some(b"") => Field::Remove(name),
        Some(value) => Field::Add(name, value.to_vec()),
        None => Field::Add(name, Vec::new()),
    })
}

/// Spaces and tabs go. A line end stays, to be refused: it is more than was meant.
fn trim_blanks(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// `@FILE`, or the data itself.
fn source(typed: &OsStr) -> Result<Source, Right> {
    if !typed.as_encoded_bytes().starts_with(b"@") {
        return Ok(Source::Typed(typed.as_encoded_bytes().to_vec()));
    }
    let path = typed.to_str().and_then(|text| text.strip_prefix('@'));
    let path = path.filter(|path| !path.is_empty());
    Ok(Source::File(path.ok_or(Right("@ and the name of a file, in UTF-8"))?.into()))
}

#[cfg(test)]
mod tests {
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
        options(&args).body(read).unwrap().map(|body| String::from_utf8(body).unwrap())
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
            outputs: vec!["file".into(), "-".into()],
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
