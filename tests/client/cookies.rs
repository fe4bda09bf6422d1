//! Cookies: which are kept, where they are sent, and the files; beside curl, and Python's http.cookiejar.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use threadbare::server::{Request, Response, Router};

use super::beside_curl::curl;
use super::{client, fetch};
use crate::support::{Finished, Folder, Served, needs, run};

/// `Set-Cookie` lines of real servers, of the RFC, and wrong ones.
const LINES: &[&str] = &[
    "a=b",
    "a=b;",
    "a=b; ",
    " a=b",
    "a = b",
    "a=b c",
    "a=\"b c\"",
    "a=b=c==",
    "a=",
    "a=;Path=/",
    "a==b",
    "a=b, c=d",
    "a=b;c=d",
    "A=b",
    "a.b-c_d=1",
    "a[b]=1",
    "a=%20%3B",
    "a=b; Path=/",
    "a=b; Path=/p",
    "a=b; Path=/p/",
    "a=b; Path=/p/q",
    "a=b; Path=/P",
    "a=b; path=/",
    "a=b; PATH=/",
    "a=b;Path=/;",
    "a=b; Path=/p; Path=/",
    "a=b; Path=/; Path=/p",
    "a=b; Path",
    "a=b; Path=",
    "a=b; Path=p",
    "a=b; Path=/nowhere",
    "a=b; Domain=a.test",
    "a=b; Domain=.a.test",
    "a=b; domain=A.TEST",
    "a=b; Domain=x.a.test",
    "a=b; Domain=.x.a.test; Path=/",
    "a=b; Domain=y.a.test",
    "a=b; Domain=z.x.a.test",
    "a=b; Domain=b.test",
    "a=b; Domain=test",
    "a=b; Domain=.test",
    "a=b; Domain=a.tes",
    "a=b; Domain=.test; Path=/",
    "a=b; Domain=est",
    "a=b; Domain=127.0.0.1",
    "a=b; Domain=a.test; Path=/",
    "a=b; Path=/; Domain=a.test; HttpOnly",
    "a=b; Max-Age=100",
    "a=b; Max-Age=0",
    "a=b; Max-Age=-1",
    "a=b; max-age=100; Path=/",
    "a=b; Max-Age=99999999999",
    "a=b; Max-Age=0; Expires=Thu, 01 Jan 2099 00:00:00 GMT",
    "a=b; Max-Age=100; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "a=b; Expires=Thu, 01 Jan 2099 00:00:00 GMT",
    "a=b; Expires=Thu, 01-Jan-2099 00:00:00 GMT",
    "a=b; Expires=Thursday, 01-Jan-37 00:00:00 GMT",
    "a=b; Expires=Thu Jan  1 00:00:00 2099",
    "a=b; Expires=1 Jan 2099 00:00:00",
    "a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "a=b; Expires=Thu, 01-Jan-1970 00:00:01 GMT",
    "a=b; Expires=Mon, 26-Mar-2012 12:34:56 GMT",
    "a=b; Expires=never",
    "a=b; Expires=",
    "a=b; Expires",
    "a=b; expires=Thu, 01 Jan 2099 00:00:00 GMT; Path=/",
    "a=b; Secure",
    "a=b; secure; Path=/",
    "a=b; Secure; HttpOnly",
    "a=b; HttpOnly",
    "a=b; httponly; Path=/",
    "a=b; SameSite=Strict",
    "a=b; SameSite=None",
    "a=b; SameSite=Lax; Path=/",
    "a=b; Priority=High; Path=/",
    "a=b; Version=1; Path=/",
    "a=b; Comment=hello; Path=/",
    "a=b; foo; bar=baz",
    "__Secure-a=b",
    "__Secure-a=b; Secure",
    "__Host-a=b; Path=/",
    "__Host-a=b; Secure; Path=/",
    "__Host-a=b; Secure; Path=/; Domain=a.test",
    "SID=31d4d96e407aad42; Path=/; Domain=a.test",
    "lang=en-US; Expires=Wed, 09 Jun 2099 10:18:14 GMT",
    "PHPSESSID=e7ba3i3pv5uj9o5o8o8e3u3n17; path=/",
    "JSESSIONID=0123456789ABCDEF.node1; Path=/p; HttpOnly",
    "connect.sid=s%3Aabc.def%2Bghi; Path=/; Expires=Wed, 09 Jun 2099 10:18:14 GMT; HttpOnly",
    "csrftoken=Abc123; expires=Wed, 09 Jun 2099 10:18:14 GMT; Max-Age=31449600; Path=/; SameSite=Lax",
    "_ga=GA1.2.123.456; path=/; expires=Wed, 09 Jun 2099 10:18:14 GMT; domain=.a.test",
    "AWSALB=abc/def+ghi==; Expires=Wed, 09 Jun 2099 10:18:14 GMT; Path=/",
    "laravel_session=eyJpdiI6Ik%3D%3D; expires=Wed, 09-Jun-2099 10:18:14 GMT; Max-Age=7200; path=/; httponly",
    "wordpress_test_cookie=WP+Cookie+check; path=/",
    "ASP.NET_SessionId=abc; path=/; HttpOnly; SameSite=Lax",
    "id=a3fWa; Max-Age=2592000",
    "qwerty=219ffwef9w0f; Domain=some.test; Path=/",
    "sessionId=e8bb43229de9; Domain=foo.x.a.test",
    "=b",
    "alone",
    ";",
];

/// Where we differ from curl 7.88 on purpose: the line, and why.
const DIFFERENT: &[(&str, &str)] = &[
    ("=b", "RFC 6265bis, 5.7: a cookie without a name is kept, as browsers do; curl drops it"),
    ("alone", "the same"),
    (
        "a=b; Path=",
        "RFC 6265bis, 5.6.4: then it is for the folder of the page; curl sends it to all pages",
    ),
    ("a=b; Path=p", "the same"),
];

/// Sets the cookie with this number, or shows the cookies that have come.
fn server() -> Served {
    let show = |request: &mut Request| format!("{}|", request.header("Cookie").unwrap_or("-"));
    let set = |request: &mut Request| {
        let line = LINES[request.param("number").parse::<usize>().expect("it is a number")];
        Response::text("").field("Set-Cookie", line)
    };
    Served::start(
        Router::new()
            .get("/p/set/{number:u64}", set)
            .get("/", show)
            .get("/p/", show)
            .get("/p/q", show)
            .get("/p/set/x", show)
            .get("/p/end", |_| Response::text("").field("Set-Cookie", "a=; Max-Age=0; Path=/")),
    )
}

/// Gets the cookie with this number, and shows what six pages get then.
fn pages(served: &Served, number: usize) -> Vec<String> {
    let port = served.address.port();
    let mut args: Vec<String> = ["-s", "-b", "", "--resolve"].map(str::to_owned).to_vec();
    args.push(format!("*:{port}:127.0.0.1"));
    args.push(format!("http://x.a.test:{port}/p/set/{number}"));
    for page in [
        "x.a.test:PORT/",
        "x.a.test:PORT/p/",
        "x.a.test:PORT/p/q",
        "x.a.test:PORT/p/set/x",
        "a.test:PORT/p/set/x",
        "y.a.test:PORT/p/set/x",
    ] {
        args.push(format!("http://{}", page.replace("PORT", &port.to_string())));
    }
    args
}

fn text(finished: &Finished) -> String {
    String::from_utf8_lossy(&finished.stdout).into_owned()
}

#[test]
fn a_hundred_cookies_are_sent_where_curl_sends_them() {
    if !needs("curl") {
        return;
    }
    assert!(LINES.len() >= 100, "{}", LINES.len());
    let served = server();
    let mut wrong = Vec::new();
    for (number, line) in LINES.iter().enumerate() {
        let args = pages(&served, number);
        let (ours, theirs) = (text(&fetch(&args)), text(&run(&mut curl(&args), b"")));
        let is_listed = DIFFERENT.iter().any(|(listed, _)| listed == line);
        if (ours != theirs) != is_listed {
            wrong.push(format!("{line:?}: {ours:?}, curl {theirs:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_file_is_read_by_curl_and_by_python_and_theirs_by_us() {
    let served = server();
    let folder = Folder::new();
    let port = served.address.port();
    let file = |name: &str| folder.join(name).display().to_string();
    let number = |line: &str| LINES.iter().position(|held| *held == line).expect("it is there");
    let lasting = number("id=a3fWa; Max-Age=2592000");
    let session = number("a=b; Path=/; Domain=a.test; HttpOnly");
    let set = |number| format!("http://x.a.test:{port}/p/set/{number}");
    let resolve = ["--resolve".to_owned(), format!("*:{port}:127.0.0.1")];
    let show = format!("http://x.a.test:{port}/p/set/x");
    let with = |more: &[&str]| {
        [&resolve[..], &more.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>()].concat()
    };
    let ours = file("ours");
    fetch(&with(&["-s", "-c", &ours, &set(lasting), &set(session)])).succeeded();
    assert_eq!(fs::metadata(&ours).unwrap().permissions().mode() & 0o777, 0o600);
    let both = "id=a3fWa; a=b|";
    assert_eq!(fetch(&with(&["-s", "-b", &ours, &show])).succeeded(), both);
    assert_eq!(fetch(&with(&["-s", "-j", "-b", &ours, &show])).succeeded(), "id=a3fWa|");
    let typed =
        fetch(&with(&["-s", "-b", &ours, "-b", "c=1; d=2", "-b", "e=3", &show])).succeeded();
    assert_eq!(typed, "id=a3fWa; a=b; c=1; d=2; e=3|");
    // A jar that is read and written in one run keeps what it has, and forgets what a server ends.
    fetch(&with(&["-s", "-b", &ours, "-c", &ours, &format!("http://a.test:{port}/p/end")]))
        .succeeded();
    assert_eq!(
        fetch(&with(&["-s", "-b", &ours, &show])).succeeded(),
        both,
        "it was another domain's"
    );
    if needs("curl") {
        assert_eq!(text(&run(&mut curl(&with(&["-b", &ours, &show])), b"")), both);
        let theirs = file("theirs");
        run(&mut curl(&with(&["-c", &theirs, &set(lasting), &set(session)])), b"");
        assert_eq!(fetch(&with(&["-s", "-b", &theirs, &show])).succeeded(), both);
    }
    // Python takes 0, which curl writes for the end of the session, for a time.
    if needs("python3") {
        let script = "import http.cookiejar, sys\njar = http.cookiejar.MozillaCookieJar(sys.argv[1])\n\
                      jar.load(ignore_discard=True, ignore_expires=True)\nprint(sorted((c.name, c.value, c.domain) for c in jar))\n\
                      jar.save(sys.argv[2], ignore_discard=True, ignore_expires=True)\n";
        let python = file("python");
        let listed = run(Command::new("python3").args(["-c", script, &ours, &python]), b"");
        assert_eq!(
            text(&listed),
            "[('a', 'b', '.a.test'), ('id', 'a3fWa', 'x.a.test')]\n",
            "{}",
            listed.stderr
        );
        let theirs = fetch(&with(&["-s", "-b", &python, &show])).succeeded();
        assert!(theirs == both || theirs == "a=b; id=a3fWa|", "{theirs}");
    }
}

/// Typed cookies are for the first host; kept ones go where they belong. (curl 7.88 sends typed ones everywhere.)
#[test]
fn a_redirect_takes_no_typed_cookie_to_another_host() {
    let second = server();
    let location = format!("http://localhost:{}/", second.address.port());
    let first = Served::start(Router::new().get("/", move |_| {
        let response = Response::text("").status(threadbare::server::Status::FOUND);
        response.field("Location", location.clone()).field("Set-Cookie", "kept=1")
    }));
    let args = [
        "-s",
        "-L",
        "-b",
        "typed=1",
        "-b",
        "",
        &format!("http://127.0.0.1:{}/", first.address.port()),
    ]
    .map(str::to_owned);
    assert_eq!(fetch(&args).succeeded(), "-|");
    let trusted = [&args[..], &["--location-trusted".to_owned()]].concat();
    assert_eq!(fetch(&trusted).succeeded(), "typed=1|");
}

#[test]
fn files_that_are_missing_wrong_or_cannot_be_written() {
    let served = server();
    let url = format!("http://{}/", served.address);
    let missing = fetch(&["-b", "/nowhere/jar", &url]);
    assert_eq!((missing.code, text(&missing)), (Some(0), "-|".to_owned()));
    assert!(missing.stderr.contains("no cookies from /nowhere/jar: "), "{}", missing.stderr);
    assert_eq!(fetch(&["-s", "-b", "/nowhere/jar", &url]).stderr, "");
    let folder = Folder::with(&[("noise", "\u{1}\u{2}\tTRUE\t\n\n####\n\t\t\t\t\t\t\n")]);
    let noise = folder.join("noise").display().to_string();
    assert_eq!(fetch(&["-s", "-b", &noise, &url]).succeeded(), "-|");
    let lost = fetch(&["-c", "/nowhere/jar", &url]);
    assert_eq!((lost.code, text(&lost)), (Some(23), "-|".to_owned()), "{}", lost.stderr);
    let shown = client(&["-s", "-c", "-", &url]).output().expect("it runs");
    assert!(String::from_utf8_lossy(&shown.stdout).starts_with("-|# Netscape HTTP Cookie File\n"));
}
