//! The flags of `server`. They set the server's own types; what is opened or looked up, the binary does.

use std::ffi::{OsStr, OsString};
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Effect::{Help, Print, PrintFor, Value, Version};
use super::completions::completions;
use super::fault;
use super::fields;
use super::files::{self, FileOptions};
use super::limits::{self, number, put};
use super::listen;
use super::listing;
use super::logs::{self, AccessLogTo};
use super::man::man;
use super::name_server::{self, NameServerOptions};
use super::nearest::nearest;
use super::policies::{self, Pool};
use super::proxies;
use super::rooms;
use super::tls::{self, TlsOptions};
use super::udp;
use super::uploads;
use super::{Command, Expected, Flag, Parsed, UsageError, seconds};
use crate::app::rooms::RoomLimits;
use crate::app::status::Audience;
use crate::app::udp_echo::Impairments;
use crate::server::{Config, Listing, LogFormat, ServerTiming};

/// The folder of the users if no other is given.
pub const DEFAULT_DATA: &str = "data";

/// The command line of `server`.
#[derive(Debug)]
pub struct ServerOptions {
    /// The folder whose files are served.
    pub root: PathBuf,
    /// How its files are served.
    pub files: FileOptions,
    /// The names of sites, and their folders.
    pub hosts: Vec<(String, PathBuf)>,
    /// From where to where requests are redirected.
    pub redirects: Vec<(String, String)>,
    /// Whether folders without an `index.html` are listed.
    pub listing: Listing,
    /// The most memory, in bytes, that all listings may take.
    pub listings_memory: u64,
    /// The addresses to listen on, as typed: of the right form, not looked up. If there are none, the sockets that
    /// the program was given, or else [`DEFAULT_BIND`].
    pub bind: Vec<String>,
    /// The control socket at which the sockets are taken over, and handed over in turn.
    pub handover: Option<PathBuf>,
    /// Where https is spoken.
    pub tls: TlsOptions,
    /// Where `/users` keeps its records.
    pub data: Data,
    /// The file of passwords.
    pub auth: Option<PathBuf>,
    /// Where the access log goes.
    pub access_log: AccessLogTo,
    /// What its lines look like.
    pub log_format: LogFormat,
    /// How long the server goes on accepting after a stop signal, while `/-/health` says 503.
    pub drain_time: Duration,
    /// How long requests under way may take after that.
    pub stop_time: Duration,
    /// Whether each byte of each connection is shown.
    pub wire: bool,
    /// Which clients may see `/-/metrics` and `/-/status`, and what the workers are doing.
    pub metrics: Audience,
    /// The limits of the rooms.
    pub rooms: RoomLimits,
    /// The addresses of the UDP echo, as typed.
    pub udp: Vec<String>,
    /// How unreliable the UDP echo is.
    pub impairments: Impairments,
    /// Where what is random on purpose begins; `None`: anywhere.
    pub seed: Option<u64>,
    /// The name server.
    pub dns: NameServerOptions,
    /// The kind of pool.
    pub pool: Pool,
    /// Whether responses have the fields `Stat-*`.
    pub stat_fields: bool,
    /// Whether clients may change the files.
    pub write: bool,
    /// The longest upload in bytes.
    pub max_upload: u64,
    /// The server's own settings; the program opens its logs.
    pub config: Config,
}

/// Where `/users` keeps its records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Data {
    /// In the folder [`DEFAULT_DATA`], which is created by the first user.
    #[default]
    Default,
    /// In this folder, which can be written from the start.
    Folder(PathBuf),
    /// There is no `/users`.
    Off,
}

impl Default for ServerOptions {
    fn default() -> ServerOptions {
        ServerOptions {
            root: PathBuf::from("www"),
            files: FileOptions::default(),
            hosts: Vec::new(),
            redirects: Vec::new(),
            listing: Listing::On,
            listings_memory: Listing::MEMORY,
            bind: Vec::new(),
            handover: None,
            tls: TlsOptions::default(),
            data: Data::Default,
            auth: None,
            access_log: AccessLogTo::Stderr,
            log_format: LogFormat::default(),
            drain_time: Duration::ZERO,
            stop_time: Duration::from_secs(10),
            wire: false,
            metrics: Audience::Loopback,
            rooms: RoomLimits::default(),
            udp: Vec::new(),
            impairments: Impairments::default(),
            seed: None,
            dns: NameServerOptions::default(),
            pool: Pool::default(),
            stat_fields: false,
            write: false,
            max_upload: 1 << 30,
            config: Config::default(),
        }
    }
}

/// Parses the arguments that follow the program's name, and the environment variables of flags that are not typed.
///
/// # Errors
/// [`UsageError`]: what was typed, and what is right.
pub fn parse(
    args: impl IntoIterator<Item = OsString>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Parsed<ServerOptions>, UsageError> {
    let args: Vec<OsString> = args.into_iter().collect();
    // It begins empty, so that what is typed replaces the default.
    let defaults = ServerOptions::default();
    let mut start = ServerOptions { root: PathBuf::new(), ..ServerOptions::default() };
    COMMAND.apply_environment(&mut start, variables, &args)?;
    let mut parsed = COMMAND.parse(start, args)?;
    if let Parsed::Run(options) = &mut parsed {
        if let Some(fault) = options
            .dns
            .fault()
            .or_else(|| proxies::fault(options))
            .or_else(|| fields::fault(options))
        {
            return Err(COMMAND.wrong(fault));
        }
        if options.root.as_os_str().is_empty() {
            options.root = defaults.root;
        }
        policies::apply(options).map_err(|fault| COMMAND.wrong(fault))?;
        if let Some((faults, seed)) = options.config.faults.as_mut().zip(options.seed) {
            faults.seed = seed;
        }
        if options.udp.is_empty() && options.impairments != defaults.impairments {
            return Err(COMMAND.wrong(
                "--loss, --delay and --jitter make the UDP echo unreliable, and there is none; right: \
                 --udp ADDR:PORT as well",
            ));
        }
    }
    Ok(parsed)
}

/// Returns what was probably meant by a folder that does not exist, as the end of an error's line.
pub fn misspelled(root: &Path) -> Option<String> {
    let meant = match nearest(root.to_str()?, &["www", "help", "version", "bench", "where"])? {
        "www" => "server www",
        "help" => "server --help",
        "version" => "server --version",
        "bench" => "client bench",
        _ => "client where",
    };
    Some(format!("; did you mean {meant}?"))
}

/// Where the server listens if nothing else is said.
pub const DEFAULT_BIND: &str = "127.0.0.1:8080";

/// Each worker is a thread; Linux has room for some 30,000 of them, and less memory than that.
const MOST_WORKERS: usize = 10_000;

pub(super) static COMMAND: Command<ServerOptions> = Command {
    name: "server",
    usage: "[FLAG]... [ROOT]",
    about: "Serves the files in the folder ROOT (default www) over HTTP/1.0 and HTTP/1.1.",
    examples: "  server                        serve www on http://127.0.0.1:8080/
  server --bind 0.0.0.0:8000 ~/site
                                serve ~/site to this network
  server --bind 127.0.0.1:0     use a free port, and print it on stdout
  server --bind unix:/run/http  listen in the file system, for a proxy
  server --access-log access.log --workers 64 /srv/www
",
    groups: &[
        ("Serving", FLAGS),
        ("Uploads", uploads::FLAGS),
        ("Listening", listen::FLAGS),
        ("https", tls::FLAGS),
        ("Listings", listing::FLAGS),
        ("Files", files::FLAGS),
        ("Fields and sites", fields::FLAGS),
        ("Proxies in front", proxies::FLAGS),
        ("Logs", logs::FLAGS),
        ("Policies", policies::FLAGS),
        ("UDP echo", udp::FLAGS),
        ("Faults on purpose", fault::FLAGS),
        ("Name server", name_server::FLAGS),
        ("Limits", limits::FLAGS),
        ("Overload", limits::OVERLOAD),
        ("Rooms", rooms::FLAGS),
        ("Help", HELP),
    ],
    operand: |options, value| {
        // Two folders are more often a forgotten quote than a wish for the second one.
        if !options.root.as_os_str().is_empty() {
            return Err(Expected(
                "only one ROOT is accepted; right: quotes around a name that contains spaces",
            ));
        }
        options.root = PathBuf::from(not_empty(
            value,
            "the name of the folder is empty; right: a folder, such as www",
        )?);
        Ok(())
    },
    epilogue: "\
Environment:
  THREADBARE_WORKERS=64         each flag is also a variable: --workers 64; what
                                is typed wins; on or off for a flag without a
                                value; repeatable flags: one value on each line
  RUST_LOG=debug                log level on stderr: error, warn, info (the
                                default), debug or trace
  NO_COLOR=1, TERM=dumb         no colours

Exit codes:
    0  stopped by Ctrl-C or another signal, all requests finished
    1  could not start, or failed while running
    2  wrong arguments
  130  stopped at once by a second signal, at least 0.5 s after the first

More examples:
  server --bind 0.0.0.0:80 --bind '[::]:80' /srv/www
  server --udp 127.0.0.1:8080 --loss 30% --seed 7
  server --fault delay=200ms,truncate=5%,reset=1% --seed 7
  server --dns 127.0.0.1:5353 --zone example.org.zone
",
    most_used: &[],
    refused: &[],
};

const FLAGS: &[Flag<ServerOptions>] = &[
    Flag::new(
        None,
        "workers",
        Value("N", |options, value| {
            let right = Expected("a number from 1 to 10000, such as 32");
            let workers = number(value, right, 1).ok().filter(|&workers| workers <= MOST_WORKERS);
            put(&mut options.config.workers, workers.ok_or(right))
        }),
        "number of worker threads (default 16 for each core, at least 32)",
    ),
    Flag::new(
        None,
        "data",
        Value("DIR|off", |options, value| {
            options.data = match value.to_str() {
                Some("off") => Data::Off,
                _ => Data::Folder(not_empty(value, "a folder, such as data, or off")?.into()),
            };
            Ok(())
        }),
        "keep the records of /users in this folder; off: there is no /users (default data, created by the first \
         user)",
    ),
    Flag::new(
        None,
        "auth",
        Value("FILE", |options, value| {
            let path = not_empty(value, "a file that htpasswd -B has written")?;
            options.auth = Some(path.into());
            Ok(())
        }),
        "require a user and a password of FILE, which htpasswd -B writes, for everything but /-/health (needs a program \
         that is built with --features auth)",
    ),
    Flag::new(
        None,
        "server-name",
        Value("NAME|off", |options, value| {
            let visible = |text: &&str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            let name = value.to_str().filter(visible).filter(|name| !name.trim().is_empty());
            let name = name.ok_or(Expected("printable ASCII, such as threadbare, or off"))?;
            options.config.server_name = (name != "off").then(|| name.trim().to_owned());
            Ok(())
        }),
        "value of the Server field in responses; off removes the field",
    ),
    Flag::new(
        None,
        "stop-time",
        Value("SECS", |options, value| {
            options.stop_time = seconds(value)?;
            Ok(())
        }),
        "on a stop signal, wait at most SECS seconds for the requests in progress (default 10)",
    ),
    Flag::new(
        None,
        "drain-time",
        Value("SECS", |options, value| {
            options.drain_time = seconds(value)?;
            Ok(())
        }),
        "on a stop signal, first accept connections for SECS more seconds, while /-/health responds \
         503 (default 0)",
    ),
    Flag::new(
        None,
        "metrics",
        Value("WHO", |options, value| {
            options.metrics = match value.to_str() {
                Some("everyone") => Audience::Everyone,
                Some("loopback") => Audience::Loopback,
                Some("off") => Audience::Nobody,
                _ => return Err(Expected("everyone, loopback or off")),
            };
            Ok(())
        }),
        "which clients may see /-/metrics and /-/status: everyone, loopback or off (default \
         loopback)",
    ),
    Flag::new(
        None,
        "allow-host",
        Value("NAME", |options, value| {
            let name = value.to_str().filter(|name| is_host(name));
            let name = name.ok_or(Expected("a host without a port, such as example.org"))?;
            options.config.allowed_hosts.allow(name);
            Ok(())
        }),
        "let pages under this name send POST, PUT and DELETE, and read what is for loopback only; \
         repeatable (always: pages of this server under an address or localhost)",
    ),
    Flag::new(
        None,
        "server-timing",
        Value("WHO", |options, value| {
            options.config.server_timing = match value.to_str() {
                Some("off") => ServerTiming::Off,
                Some("loopback") => ServerTiming::Loopback,
                Some("on") => ServerTiming::On,
                _ => return Err(Expected("off, loopback or on")),
            };
            Ok(())
        }),
        "which clients get the Server-Timing field, which shows the time that the server needed: \
         off, loopback, or on for all (default loopback)",
    ),
];

const HELP: &[Flag<ServerOptions>] = &[
    Flag::new(Some('h'), "help", Help, "print this help"),
    Flag::new(Some('V'), "version", Version, "print the version"),
    Flag::new(
        None,
        "man",
        Print(|| man(&[COMMAND.page()])),
        "print the manual page: server --man | man -l -",
    ),
    Flag::new(
        None,
        "completions",
        PrintFor("SHELL", |shell| completions(shell, &[COMMAND.page()])),
        "print completions for bash, zsh or fish: source <(server --completions bash)",
    ),
];

pub(super) fn not_empty<'v>(value: &'v OsStr, right: &'static str) -> Result<&'v OsStr, Expected> {
    if value.is_empty() { Err(Expected(right)) } else { Ok(value) }
}

pub(super) fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(literal) => literal.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{
        AllowedHosts, Charset, Cors, Dotfiles, Driver, FaultKind, Faults, FieldRules, Limits,
        Links, MediaTypes, Overload, PerAddress, Precompressed, ProxyProtocol, Schedule,
    };

    fn parsed(args: &[&str]) -> Result<Parsed<ServerOptions>, String> {
        parse(args.iter().map(OsString::from), []).map_err(|error| error.to_string())
    }

    /// Compares all fields by their text: a configuration has no equality, as its logs are open files.
    fn assert_parsed(args: &[&str], want: &ServerOptions) {
        match parsed(args) {
            Ok(Parsed::Run(options)) => assert_eq!(format!("{options:#?}"), format!("{want:#?}")),
            other => panic!("{args:?}: {other:?}"),
        }
    }

    #[test]
    fn nothing_typed_is_the_default() {
        assert_parsed(&[], &ServerOptions::default());
    }

    #[test]
    fn everything_typed() {
        let args = "--bind localhost:1 --bind [::1]:2 --bind unix:a/b --bind-mode 0600 --handover c --tls [::1]:5 --cert d --key e --tls-self-signed --handshake-time 24 --workers 3 --lobby off --data d --auth h --access-log off --log-format json \
                    --trust-proxy 10.0.0.0/8,::1 --trust-proxy unix --proxy-protocol \
                    --server-name off --head-time 1 --idle-time 2 --transfer-grace 3 --transfer-rate 4 \
                    --max-body 5 --max-request-line 6 --max-field 7 --max-fields 8 --max-head 9 \
                    --max-chunk-overhead 10 --max-body-memory 15 --max-bodies-memory 16 --max-bodies-disk 20 \
                    --max-unsent-memory 19 --max-heads-memory 21 --max-ranges 18 --max-body-unread 17 --max-connections 11 --max-per-address off --queue 12 \
                    --overload block --stop-time 13 --drain-time 14 --metrics everyone --wire \
                    --server-timing on --udp localhost:3 --udp [::1]:4 --loss 30% --delay 50ms \
                    --jitter 0.02s --schedule lifo --stat-fields --fault never --seed 7 --dns [::1]:53 --zone z --dns-rate off --write --max-upload 22 \
                    --listing off --max-listings-memory 23 --links off --dotfiles show --precompressed off --charset koi8-r \
                    --mime .a=b/c --mime-types m --spa app.html --cache-control no-store --header X-A:b --cors http://a \
                    --redirect /o=/n --host b.c=e site";
        let args: Vec<&str> = args.split_whitespace().collect();
        let want = ServerOptions {
            root: "site".into(),
            files: FileOptions {
                links: Links::Off,
                dotfiles: Dotfiles::Show,
                precompressed: Precompressed::Off,
                charset: Charset::Named("koi8-r".into()),
                types: {
                    let mut types = MediaTypes::default();
                    types.add("a", "b/c").unwrap();
                    types
                },
                type_files: vec!["m".into()],
                spa: Some("app.html".into()),
                cache_control: Some("no-store".into()),
            },
            hosts: vec![("b.c".into(), "e".into())],
            redirects: vec![("/o".into(), "/n".into())],
            listing: Listing::Off,
            listings_memory: 23,
            bind: vec!["localhost:1".into(), "[::1]:2".into(), "unix:a/b".into()],
            handover: Some("c".into()),
            tls: TlsOptions {
                bind: vec!["[::1]:5".into()],
                certificates: vec!["d".into()],
                keys: vec!["e".into()],
                self_signed: true,
            },
            data: Data::Folder("d".into()),
            auth: Some("h".into()),
            access_log: AccessLogTo::Off,
            log_format: LogFormat::Json,
            stop_time: Duration::from_secs(13),
            drain_time: Duration::from_secs(14),
            wire: true,
            metrics: Audience::Everyone,
            rooms: RoomLimits::default(),
            udp: vec!["localhost:3".into(), "[::1]:4".into()],
            impairments: Impairments {
                loss: 0.3,
                delay: Duration::from_millis(50),
                jitter: Duration::from_millis(20),
            },
            seed: Some(7),
            dns: NameServerOptions {
                addresses: vec!["[::1]:53".into()],
                zones: vec!["z".into()],
                rate: None,
            },
            pool: Pool::Fixed,
            stat_fields: true,
            write: true,
            max_upload: 22,
            config: Config {
                workers: 3,
                bind_mode: 0o600,
                trusted_proxies: "10.0.0.0/8,::1,unix".parse().unwrap(),
                allowed_hosts: {
                    let mut hosts = AllowedHosts::default();
                    hosts.allow("b.c");
                    hosts
                },
                cors: {
                    let mut cors = Cors::default();
                    cors.allow("http://a").unwrap();
                    cors
                },
                fields: {
                    let mut fields = FieldRules::default();
                    fields.add("/", "X-A", "b").unwrap();
                    fields
                },
                proxy_protocol: ProxyProtocol::Required,
                driver: Driver::Textbook,
                schedule: Schedule::Lifo,
                server_name: None,
                faults: Some(
                    Faults::seeded(7)
                        .always(FaultKind::Never)
                        .spare("/-/health")
                        .spare("/-/metrics")
                        .spare("/-/status"),
                ),
                connections: Some(11),
                per_address: PerAddress::Any,
                queue: 12,
                overload: Overload::Block,
                server_timing: ServerTiming::On,
                limits: Limits {
                    head_time: Duration::from_secs(1),
                    handshake_time: Duration::from_secs(24),
                    idle_time: Duration::from_secs(2),
                    transfer_grace: Duration::from_secs(3),
                    transfer_rate: 4,
                    body: 5,
                    request_line: 6,
                    field: 7,
                    fields: 8,
                    interim: Limits::default().interim,
                    form_fields: Limits::default().form_fields,
                    head: 9,
                    chunk_overhead: 10,
                    ranges: 18,
                    body_memory: 15,
                    bodies_memory: 16,
                    bodies_disk: 20,
                    unsent_memory: 19,
                    heads_memory: 21,
                    body_unread: 17,
                },
                ..Config::default()
            },
        };
        assert_parsed(&args, &want);
    }

    #[test]
    fn where_to_listen() {
        for right in ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "0.0.0.0:0", "a-b.c:65535"]
        {
            assert!(parsed(&["--bind", right]).is_ok(), "{right}");
        }
        for (wrong, teaches) in [
            ("8080", "127.0.0.1:8080"),
            (":8080", "0.0.0.0:8080"),
            ("localhost", "localhost:8080"),
            ("::1", "[::1]:8080"),
            ("::1:8080", "[::1]:8080"),
            ("[::1]", "[::1]:8080"),
            ("[::g]:80", "[::1]:8080"),
            ("127.0.0.1:", "127.0.0.1:8080"),
            ("127.0.0.1:65536", "127.0.0.1:8080"),
            ("127.0.0.1:+80", "127.0.0.1:8080"),
            ("http://localhost:80", "localhost:8080"),
            ("a b:80", "localhost:8080"),
            ("", "localhost:8080"),
        ] {
            let error = parsed(&["--bind", wrong]).unwrap_err();
            assert!(error.contains(teaches) && error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn what_is_refused() {
        for wrong in [
            &["--workers", "0"][..],
            &["--pool", "many"],
            &["--pool", "per-connection", "--schedule", "lifo"],
            &["--schedule", "sff"],
            &["--workers", "-1"],
            &["--workers", "many"],
            &["--workers"],
            &["--transfer-rate", "0"],
            &["--max-body", "1k"],
            &["--header", "X"],
            &["--header", "Content-Length: 3"],
            &["--header", "A: b\r\nC: d"],
            &["--cors", "example.org"],
            &["--cors", "null"],
            &["--redirect", "/a"],
            &["--redirect", "/a=/b", "--redirect", "/b=/a"],
            &["--redirect", "/a/=/b/", "--redirect", "/b/=/a/"],
            &["--host", "a"],
            &["--host", "a:80=d"],
            &["--links", "outside"],
            &["--dotfiles", "on"],
            &["--charset", "a b"],
            &["--mime", "a"],
            &["--mime", "a=b"],
            &["--spa", "/etc/passwd"],
            &["--cache-control", "a\r\nb"],
            &["--listing", "yes"],
            &["--max-listings-memory", "0"],
            &["--max-connections", "1000001"],
            &["--max-per-address", "0"],
            &["--overload", "panic"],
            &["--metrics", "on"],
            &["--log-format", "xml"],
            &["--trust-proxy", "10.0.0.0/33"],
            &["--trust-proxy", "localhost"],
            &["--proxy-protocol"],
            &["--server-timing", "everyone"],
            &["--head-time", "-1"],
            &["--udp", "9000"],
            &["--udp", "127.0.0.1:9", "--loss", "130%"],
            &["--udp", "127.0.0.1:9", "--delay", "50"],
            &["--seed", "-1"],
            &["--fault", "slow"],
            &["--loss", "30%"],
            &["--data", ""],
            &["--server-name", "a\r\nb"],
            &["--server-name", ""],
            &["a", "b"],
            &["www", "b"],
            &[""],
            &["--help=x\ny", "--nope"],
            &["-x"],
        ] {
            match parsed(wrong) {
                Err(error) => assert_eq!(error.lines().count(), 1, "{error}"),
                Ok(Parsed::Print(_)) => {}
                Ok(parsed) => panic!("{wrong:?}: {parsed:?}"),
            }
        }
    }
}
