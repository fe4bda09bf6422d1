//! Command lines of `client`, and the options that they set.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::conditional::TimeCondition;
use super::data::{Data, Source};
use super::login::NetrcUse;
use super::request::field;
use super::retry::{Follow, RetryOn, RetryOptions};
use super::*;

fn no_files(_: &OsStr) -> io::Result<Vec<u8>> {
    Err(io::ErrorKind::NotFound.into())
}

fn parse(
    args: impl IntoIterator<Item = OsString>,
) -> Result<Parsed<Vec<ClientOptions>>, UsageError> {
    super::parse(args, None, no_files)
}

fn options(args: &[&str]) -> ClientOptions {
    match parse(args.iter().map(OsString::from)) {
        Ok(Parsed::Run(mut operations)) if operations.len() == 1 => operations.remove(0),
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
        global: GlobalOptions {
            silent: true,
            show_error: true,
            verbose: true,
            ..GlobalOptions::default()
        },
        max_time: Some(Duration::from_millis(500)),
        outputs: vec![Output::File("file".into()), Output::Stdout],
        ..ClientOptions::default()
    };
    assert_eq!(got, want);
    assert_eq!(options(&["-m0", "--connect-timeout", "0", "a"]).max_time, None);
}

#[test]
fn files_of_each_url() {
    let remote = Some(Output::RemoteName);
    let file = |name: &str| Some(Output::File(name.into()));
    for (args, want) in [
        (&["a", "b"][..], [None, None]),
        (&["-O", "a", "b"], [remote.clone(), None]),
        (&["a", "-o", "x", "b", "-O"], [file("x"), remote.clone()]),
        (&["--remote-name-all", "a", "b"], [remote.clone(), remote.clone()]),
        (&["-o", "x", "--remote-name-all", "a", "b"], [file("x"), remote.clone()]),
        (&["--remote-name-all", "-o", "-", "a", "b"], [Some(Output::Stdout), remote]),
    ] {
        let options = options(args);
        let got = [0, 1].map(|number| options.files.output(&options.outputs, number));
        assert_eq!(got, want, "{args:?}");
    }
    let files = options(&["--output-dir", "d", "-RJ", "-D", "-", "--clobber", "u"]).files;
    assert_eq!(files.path(Path::new("/x")), Path::new("d//x"));
    let want = FileOptions {
        folder: Some("d".into()),
        keeps_time: true,
        by_server: true,
        heads: Some("-".into()),
        existing: Some(Existing::Replace),
        ..FileOptions::default()
    };
    assert_eq!(files, want);
    assert!(parse(["-C", "-", "--remote-name-all", "u"].map(OsString::from)).is_ok());
}

#[test]
fn numbers_of_bytes_have_the_units_of_curl() {
    for (typed, want) in [
        ("0", None),
        ("5", Some(5)),
        ("5b", Some(5)),
        ("2k", Some(2 << 10)),
        ("2M", Some(2 << 20)),
        ("2g", Some(2 << 30)),
        ("2T", Some(2 << 40)),
        ("2p", Some(2 << 50)),
    ] {
        assert_eq!(options(&["--max-filesize", typed, "u"]).max_filesize, want, "{typed}");
    }
    for wrong in ["", "k", "5x", "5kk", "99999999999P"] {
        assert!(parse(["--max-filesize", wrong, "u"].map(OsString::from)).is_err(), "{wrong}");
    }
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
        assert_eq!(field(OsStr::new(typed)).ok(), want, "{typed:?}");
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
        &["-C", "5", "-T", "-", "u"],
        &["-C", "x", "u"],
        &["-C", "-", "-O", "-r", "0-1", "u"],
        &["-C", "-", "-O", "-J", "u"],
        &["-C", "-", "-O", "--no-clobber", "u"],
        &["-C", "-", "-O", "--remove-on-error", "u"],
        &["-D", "", "u"],
        &["--output-dir", "", "u"],
        &["--limit-rate", "fast", "u"],
        &["--limit-rate", "0", "u"],
        &["--max-filesize", "many", "u"],
        &["--max-filesize", "-1", "u"],
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

#[test]
fn a_first_word_that_is_near_to_a_command_is_not_a_host() {
    let first = |word: &str| parse([word, "http://a/"].map(OsString::from));
    for (word, meant) in [
        ("bnch", "client bench"),
        ("pign", "client ping"),
        ("wher", "client where"),
        ("help", "client --help"),
        ("versoin", "client --version"),
    ] {
        let said = first(word).unwrap_err().to_string();
        assert!(said.contains(&format!("{word:?}; did you mean {meant}?")), "{said}");
        assert!(said.contains(&format!("http://{word}/")), "{said}");
    }
    for host in ["localhost", "bnch/", "bnch:80", ":80", "bnch.org", "intranet", "web", "b-ench"] {
        assert!(first(host).is_ok(), "{host}");
    }
    assert!(parse(["http://a/", "bnch"].map(OsString::from)).is_ok(), "the second is a URL");
}

#[test]
fn operations_have_their_own_options_and_the_last_global_ones() {
    let args = ["-X", "PUT", "-Z", "a", "--next", "-d", "x", "b", "-:", "-v", "--fail-early", "c"];
    let Ok(Parsed::Run(got)) = parse(args.map(OsString::from)) else { panic!("{args:?}") };
    let urls: Vec<_> = got.iter().map(|options| options.urls.join(" ")).collect();
    assert_eq!(urls, ["a", "b", "c"]);
    let methods: Vec<_> = got.iter().map(|options| options.method.as_deref()).collect();
    assert_eq!(methods, [Some("PUT"), None, None]);
    assert_eq!(got.iter().map(|options| options.data.len()).collect::<Vec<_>>(), [0, 1, 0]);
    for options in &got {
        let global = &options.global;
        assert!(global.parallel.on && global.verbose && global.fail_early, "{global:?}");
    }
    for wrong in [&["a", "--next"][..], &["--next", "a"], &["a", "-:", "-:", "b"]] {
        let error = parse(wrong.iter().map(OsString::from)).unwrap_err().to_string();
        assert!(error.contains("no URL"), "{error}");
    }
}

#[test]
fn what_urls_mean() {
    let parsed = |args: &[&str]| match parse(args.iter().map(OsString::from)) {
        Ok(Parsed::Run(got)) => got[0].clone(),
        other => panic!("{args:?}: {other:?}"),
    };
    assert!(!parsed(&["a{b}"]).no_globs);
    assert!(parsed(&["-g", "a{b}"]).no_globs);
    assert!(parsed(&["a", "--globoff"]).no_globs);
    let query =
        parsed(&["--url-query", "a=b c", "--url-query", "+d e", "--path-as-is", "u"]).url_query;
    let raw = Data::Binary(Source::Typed(b"d e".to_vec()));
    assert_eq!(query, [Data::Encoded("a".into(), Source::Typed(b"b c".to_vec())), raw]);
    assert_eq!(parsed(&["--request-target", "*", "u"]).request_target.as_deref(), Some("*"));
    let fields = parsed(&["-H", "@f", "-H", "A: b", "u"]).fields;
    assert_eq!(fields, [Field::File("f".into()), Field::Add("A".into(), b"b".to_vec())]);
    for (typed, referer, is_auto) in [
        ("r", Some("r"), false),
        ("r;auto", Some("r"), true),
        (";auto", None, true),
        ("r;auto;x", Some("r"), true),
        ("", Some(""), false),
    ] {
        let options = parsed(&["-e", typed, "u"]);
        let given = options.referer.as_deref();
        assert_eq!((given, options.auto_referer), (referer.map(str::as_bytes), is_auto), "{typed}");
    }
}

#[test]
fn who_asks_and_on_what_the_answer_depends() {
    let parsed = |args: &[&str]| match parse(args.iter().map(OsString::from)) {
        Ok(Parsed::Run(got)) => got[0].clone(),
        other => panic!("{args:?}: {other:?}"),
    };
    for (args, netrc) in [
        (&["u"][..], NetrcUse::None),
        (&["-n", "u"], NetrcUse::Required),
        (&["--netrc-optional", "u"], NetrcUse::Optional),
        (&["--netrc-file", "f", "u"], NetrcUse::Required),
        (&["--netrc-file", "f", "--netrc-optional", "u"], NetrcUse::Optional),
        (&["--netrc-optional", "--netrc-file", "f", "u"], NetrcUse::Optional),
    ] {
        assert_eq!(parsed(args).login.netrc, netrc, "{args:?}");
    }
    assert_eq!(parsed(&["--oauth2-bearer", "t", "u"]).login.bearer.as_deref(), Some(&b"t"[..]));
    for (typed, want) in [
        ("x", TimeCondition::Since("x".into())),
        ("+x", TimeCondition::Since("x".into())),
        ("-x", TimeCondition::NotSince("x".into())),
    ] {
        assert_eq!(parsed(&["-z", typed, "u"]).condition.time, Some(want), "{typed}");
    }
    let both = parsed(&["--etag-save", "a", "--etag-compare", "b", "u"]).condition;
    assert_eq!((both.etag_save, both.etag_compare), (Some("a".into()), Some("b".into())));
    let limits = parsed(&["--expect100-timeout", "0.5", "u"]).limits;
    assert_eq!(limits.expect_continue, Some(Duration::from_millis(500)));
    for wrong in
        [["-z", ""], ["-z", "=x"], ["--oauth2-bearer", ""], ["--etag-save", ""], ["-H", "@"]]
    {
        let error = parse(wrong.iter().chain(&["u"]).map(OsString::from)).unwrap_err().to_string();
        assert!(error.contains("right: "), "{error}");
    }
}

/// Parses a command line with these files. The first one has the usual flags.
fn with_files(args: &[&str], files: &[(&str, &str)]) -> Result<Vec<ClientOptions>, UsageError> {
    let read = |name: &OsStr| {
        let found = files.iter().find(|(other, _)| name == *other);
        let found = found.map(|(_, content)| content.as_bytes().to_vec());
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    };
    let usual = files.first().map(|(name, _)| OsStr::new(name));
    match super::parse(args.iter().map(OsString::from), usual, read)? {
        Parsed::Run(operations) => Ok(operations),
        Parsed::Print(text) => panic!("{text}"),
    }
}

#[test]
fn flags_of_files_stand_where_the_file_is_named() {
    let files = [
        ("usual", "user-agent = usual\nmax-time = 5"),
        ("more", "-X PUT\nurl = \"http://b/\"\nnext\nconfig = last\n"),
        ("last", "data = \"x y\"\nurl: http://c/"),
    ];
    let got = with_files(&["-A", "typed", "http://a/", "-K", "more", "-v"], &files).unwrap();
    let [first, second] = &got[..] else { panic!("{got:?}") };
    assert_eq!(first.urls, ["http://a/", "http://b/"]);
    assert_eq!(first.agent.as_deref(), Some(&b"typed"[..]));
    assert_eq!(first.max_time, Some(Duration::from_secs(5)));
    assert_eq!(first.method.as_deref(), Some("PUT"));
    assert_eq!((second.urls.len(), second.data.len(), second.agent.as_ref()), (1, 1, None));
    assert!(first.global.verbose && second.global.verbose);
    for without in [&["-q", "u"][..], &["u", "-sq"], &["--disable", "u"]] {
        assert_eq!(with_files(without, &files).unwrap()[0].agent, None, "{without:?}");
    }
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_line() {
    for (content, code, said) in [
        ("silent\nnonsense = 5", 2, "wrong:2: unknown flag \"--nonsense\""),
        ("\n\nsilent = yes", 2, "wrong:3: --silent takes no value"),
        ("-s \"-v\"", 2, "wrong:1: -s takes no value"),
        ("max-time", 2, "wrong:1: --max-time requires a value: SECS"),
        ("max-time = soon", 2, "wrong:1: --max-time: invalid value \"soon\"; right: "),
        ("user = ada", 2, "wrong:1: --user: invalid value; right: "),
        ("user = \"ada:secret", 2, "wrong:1: a value has no \" at its end"),
        ("user-agent = a b", 2, "wrong:1: something follows the value; right: "),
        ("http://a/", 2, "wrong:1: a URL alone; right: url = http"),
        ("config = wrong", 2, "is more than 5 files deep"),
        ("config = none", 26, "wrong:1: --config: could not read none: "),
    ] {
        let files = [("usual", ""), ("wrong", content)];
        let error = with_files(&["-K", "wrong", "u"], &files).unwrap_err();
        assert!(error.to_string().contains(said), "{content:?}: {error}");
        assert_eq!(error.exit_code(), code, "{content:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn names_may_be_cut_short_and_turned_off() {
    let global = |args: &[&str]| options(&[args, &["u"]].concat()).global;
    assert!(global(&["--verb"]).verbose && global(&["--sil"]).silent);
    assert!(!global(&["-v", "--no-verbose"]).verbose && !global(&["-s", "--no-sil"]).silent);
    for (args, want) in [
        (&["--no-progress-meter", "--progress-meter"][..], Progress::Line),
        (&["--no-progress-meter", "--progress-m"], Progress::Line),
        (&["--no-progress-me"], Progress::None),
        (&["-#"], Progress::Bar),
        (&["-#", "--no-progress-bar"], Progress::Line),
        (&[], Progress::Line),
    ] {
        assert_eq!(global(args).progress, want, "{args:?}");
    }
    assert!(!global(&["-sS", "--no-show-error"]).show_error);
    assert_eq!(options(&["-L", "--no-location", "u"]).retry, RetryOptions::default());
    assert_eq!(
        options(&["--retry-all-errors", "--no-retry-all-errors", "u"]).retry.retry_on,
        RetryOn::Refused
    );
    assert_eq!(options(&["-f", "--no-fail", "u"]).fail, None);
    let all = options(&["-sSfL", "u"]);
    assert!(all.global.silent && all.global.show_error && all.fail == Some(Fail::Bare));
    assert_eq!(all.retry.follow, Follow::Yes);
    for (args, said) in [
        (&["--s", "u"][..], "--s is ambiguous: it is the beginning of --"),
        (
            &["--data-b", "x", "--data-", "u"],
            "--data- is ambiguous: it is the beginning of --data-binary, --data-raw",
        ),
        (&["--no-s", "u"], "--no-s is ambiguous: it is the beginning of --no-"),
        (&["--no-max-time", "u"], "--no-max-time: --no- turns off"),
        (&["--no-ipv4", "u"], "right: leave --ipv4 out"),
        (&["--no-silnet", "u"], "did you mean --no-silent?"),
        (&["--slient", "u"], "did you mean --silent?"),
        (
            &["--http2", "u"],
            "--http2 is not available: this client speaks HTTP/1.1 and HTTP/1.0 only",
        ),
        (&["-E", "cert.pem", "u"], "-E is not available: this client has no TLS"),
    ] {
        let said_is = parse(args.iter().map(OsString::from)).unwrap_err().to_string();
        assert!(said_is.contains(said), "{args:?}: {said_is}");
    }
}

#[test]
fn from_where() {
    let parsed = |args: &[&str]| match parse(args.iter().map(OsString::from)) {
        Ok(Parsed::Run(got)) => got[0].network.clone(),
        other => panic!("{args:?}: {other:?}"),
    };
    for (typed, want) in [("4000", (4000, 4000)), ("1-65535", (1, 65535)), ("7-7", (7, 7))] {
        assert_eq!(parsed(&["--local-port", typed, "u"]).local_ports, Some(want));
    }
    assert_eq!(parsed(&["--interface", "if!lo", "u"]).interface.as_deref(), Some("if!lo"));
    let fields = parsed(&["--proxy-header", "A: b", "--proxy-header", "@f", "u"]).proxy_fields;
    assert_eq!(fields, [Field::Add("A".into(), b"b".to_vec()), Field::File("f".into())]);
    for wrong in ["0", "5-3", "70000", "", "-", "1-", "+1", "1-2-3", "x"] {
        let error =
            parse(["--local-port", wrong, "u"].map(OsString::from)).unwrap_err().to_string();
        assert!(error.contains("right: "), "{error}");
    }
}
