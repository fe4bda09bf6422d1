//! What is kept of a `Set-Cookie`, and where it is sent.

use std::time::Duration;

use super::*;

const NOW: u64 = 1_700_000_000;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn sent(jar: &Jar, to: &str) -> String {
    let field = jar.field(&url(to), at(NOW)).unwrap_or_default();
    String::from_utf8_lossy(&field).into_owned()
}

/// A page sets a cookie; what is sent to another page, or why it is refused.
#[test]
fn one_cookie_and_where_it_is_sent() {
    const SECURE: &str = "it is Secure, and this is not https";
    const DOMAIN: &str = "its domain is not one of this host";
    for (from, field, to, want) in [
        // Names and values.
        ("http://a.b/", "a=b", "http://a.b/", "a=b"),
        ("http://a.b/", " a = b c ; x", "http://a.b/", "a=b c"),
        ("http://a.b/", "a=\"b\"", "http://a.b/", "a=\"b\""),
        ("http://a.b/", "a=b=c", "http://a.b/", "a=b=c"),
        ("http://a.b/", "a=", "http://a.b/", "a="),
        ("http://a.b/", "alone", "http://a.b/", "alone"),
        ("http://a.b/", "=alone", "http://a.b/", "alone"),
        ("http://a.b/", "=", "http://a.b/", "it has neither a name nor a value"),
        ("http://a.b/", "", "http://a.b/", "it has neither a name nor a value"),
        ("http://a.b/", "; Path=/", "http://a.b/", "it has neither a name nor a value"),
        ("http://a.b/", "a=b\u{1}c", "http://a.b/", "it has a control character in it"),
        ("http://a.b/", "a=b; Path=/\u{7f}", "http://a.b/", "it has a control character in it"),
        ("http://a.b/", "a=b\tc", "http://a.b/", "a=b\tc"),
        ("http://a.b/", "grüße=ß", "http://a.b/", "grüße=ß"),
        // Domains. Ports make no difference.
        ("http://a.b/", "a=b", "http://a.b:81/", "a=b"),
        ("http://a.b/", "a=b", "http://x.a.b/", ""),
        ("http://a.b/", "a=b; Domain=a.b", "http://x.a.b/", "a=b"),
        ("http://a.b/", "a=b; Domain=.A.B", "http://x.a.b/", "a=b"),
        ("http://a.b/", "a=b; Domain=a.b", "http://xa.b/", ""),
        ("http://x.a.b/", "a=b; Domain=a.b", "http://y.a.b/", "a=b"),
        ("http://x.a.b/", "a=b; domain = a.b ", "http://a.b/", "a=b"),
        ("http://x.a.b/", "a=b; Domain=y.a.b", "http://y.a.b/", DOMAIN),
        ("http://a.b/", "a=b; Domain=x.a.b", "http://x.a.b/", DOMAIN),
        ("http://a.b/", "a=b; Domain=b", "http://a.b/", DOMAIN),
        ("http://a.b/", "a=b; Domain=c.d", "http://c.d/", DOMAIN),
        ("http://a.b/", "a=b; Domain=", "http://a.b/", "a=b"),
        ("http://a.b/", "a=b; Domain=.", "http://a.b/", "a=b"),
        ("http://a.b/", "a=b; Domain=c.d; Domain=a.b", "http://x.a.b/", "a=b"),
        ("http://host/", "a=b; Domain=host", "http://host/", "a=b"),
        ("http://host/", "a=b; Domain=host", "http://x.host/", ""),
        ("http://10.0.0.1/", "a=b; Domain=10.0.0.1", "http://10.0.0.1/", "a=b"),
        ("http://10.0.0.1/", "a=b; Domain=0.0.1", "http://10.0.0.1/", DOMAIN),
        ("http://[::2]/", "a=b", "http://[::2]/", "a=b"),
        // Paths.
        ("http://a.b/x/y", "a=b", "http://a.b/x/z", "a=b"),
        ("http://a.b/x/y", "a=b", "http://a.b/x", "a=b"),
        ("http://a.b/x/y", "a=b", "http://a.b/xy", ""),
        ("http://a.b/x/y", "a=b", "http://a.b/", ""),
        ("http://a.b/x?y/z", "a=b", "http://a.b/q", "a=b"),
        ("http://a.b/x/y", "a=b; Path=/", "http://a.b/", "a=b"),
        ("http://a.b/", "a=b; Path=/x/", "http://a.b/x", ""),
        ("http://a.b/", "a=b; Path=/x/", "http://a.b/x/y?z", "a=b"),
        ("http://a.b/x/y", "a=b; Path=z", "http://a.b/x/", "a=b"),
        ("http://a.b/", "a=b; Path=/X", "http://a.b/x", ""),
        // Times.
        ("http://a.b/", "a=b; Max-Age=1", "http://a.b/", "a=b"),
        ("http://a.b/", "a=b; Max-Age=0", "http://a.b/", ""),
        ("http://a.b/", "a=b; Max-Age=-1", "http://a.b/", ""),
        ("http://a.b/", "a=b; Max-Age=99999999999999999999", "http://a.b/", "a=b"),
        ("http://a.b/", "a=b; Max-Age=x", "http://a.b/", "a=b"),
        ("http://a.b/", "a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "http://a.b/", ""),
        ("http://a.b/", "a=b; Expires=Thu, 01 Jan 2099 00:00:00 GMT", "http://a.b/", "a=b"),
        ("http://a.b/", "a=b; Expires=never", "http://a.b/", "a=b"),
        (
            "http://a.b/",
            "a=b; Max-Age=9; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "http://a.b/",
            "a=b",
        ),
        // Secure, and prefixes.
        ("http://a.b/", "a=b; Secure", "http://a.b/", SECURE),
        ("http://localhost/", "a=b; SECURE", "http://localhost:8080/", "a=b"),
        ("http://127.0.0.1/", "a=b; Secure=x", "http://127.0.0.1/", "a=b"),
        ("http://[::1]/", "a=b; Secure", "http://[::1]/", "a=b"),
        ("http://a.b/", "__Secure-a=b", "http://a.b/", "a name with __Secure- needs Secure"),
        ("http://localhost/", "__secure-a=b; Secure", "http://localhost/", "__secure-a=b"),
        ("http://localhost/", "__Host-a=b; Secure; Path=/", "http://localhost/", "__Host-a=b"),
        (
            "http://localhost/x/y",
            "__Host-a=b; Secure",
            "http://localhost/x/",
            "a name with __Host- needs Secure and Path=/, and no Domain",
        ),
        (
            "http://localhost/",
            "__Host-a=b; Secure; Path=/; Domain=localhost",
            "http://localhost/",
            "a name with __Host- needs Secure and Path=/, and no Domain",
        ),
        ("http://a.b/", "a=b; HttpOnly; SameSite=None; Priority=High; x=y", "http://a.b/", "a=b"),
    ] {
        let mut jar = Jar::default();
        let got = match jar.store(&url(from), field.as_bytes(), at(NOW)) {
            Ok(()) => sent(&jar, to),
            Err(refused) => refused.to_string(),
        };
        assert_eq!(got, want, "{from} {field:?} {to}");
    }
}

#[test]
fn many_cookies_their_order_and_their_ends() {
    let mut jar = Jar::default();
    let page = url("http://a.b/x/y");
    for field in ["a=1; Path=/", "b=2; Path=/x", "c=3; Path=/", "d=4; Path=/x", "a=5; Path=/"] {
        jar.store(&page, field.as_bytes(), at(NOW)).unwrap();
    }
    assert_eq!(sent(&jar, "http://a.b/x/"), "b=2; d=4; a=5; c=3", "longer paths, then older ones");
    jar.store(&page, b"b=; Max-Age=0; Path=/x", at(NOW)).unwrap();
    assert_eq!(sent(&jar, "http://a.b/x/"), "d=4; a=5; c=3");
    jar.store(&page, b"e=6; Max-Age=10; Path=/x", at(NOW)).unwrap();
    assert_eq!(jar.field(&page, at(NOW + 9)).unwrap(), b"d=4; e=6; a=5; c=3");
    assert_eq!(jar.field(&page, at(NOW + 10)).unwrap(), b"d=4; a=5; c=3");
    jar.end_session();
    assert_eq!(sent(&jar, "http://a.b/x/"), "e=6");
}

#[test]
fn a_secure_cookie_is_not_replaced_by_one_that_is_not() {
    let mut jar = Jar::default();
    jar.read(b"a.b\tFALSE\t/x\tTRUE\t0\ta\tsecret\n", at(NOW));
    for (field, refused) in
        [("a=1; Path=/x", true), ("a=1; Path=/x/y", true), ("a=1; Path=/", false), ("b=1", false)]
    {
        let stored = jar.store(&url("http://a.b/x/y"), field.as_bytes(), at(NOW));
        assert_eq!(stored == Err(Refused::Overlay), refused, "{field}");
    }
    assert_eq!(sent(&jar, "http://a.b/x/"), "b=1; a=1", "the secret is for https");
}

#[test]
fn the_file_goes_both_ways() {
    let mut jar = Jar::default();
    let page = url("http://x.a.b/p/q");
    for field in ["a=1", "b=2; Domain=a.b; Path=/; HttpOnly", "c=; Max-Age=100", "d=a\tb"] {
        jar.store(&page, field.as_bytes(), at(NOW)).unwrap();
    }
    let text = String::from_utf8(jar.to_file(at(NOW))).unwrap();
    let lines: Vec<&str> = text.lines().skip(3).collect();
    assert_eq!(
        lines,
        [
            "x.a.b\tFALSE\t/p\tFALSE\t0\ta\t1",
            "#HttpOnly_.a.b\tTRUE\t/\tFALSE\t0\tb\t2",
            "x.a.b\tFALSE\t/p\tFALSE\t1700000100\tc\t",
            "x.a.b\tFALSE\t/p\tFALSE\t0\td\ta\tb",
        ]
    );
    let mut read = Jar::default();
    read.read(text.as_bytes(), at(NOW));
    assert_eq!(read.cookies.len(), 3, "a tab in a value cannot be written");
    let mut others = Jar::default();
    let text = "# Netscape\r\n.a.b\ttrue\t/\tfalse\t0\ta\t1\r\na.b\tFALSE\t/\tFALSE\t1\told\t1\na.b\tFALSE\t/\tFALSE\t0\tempty\n\
                broken\na.b\tFALSE\tx\tFALSE\t0\tn\tv\na.b\tFALSE\t/\tFALSE\tsoon\tn\tv\n#HttpOnly_a.b\tFALSE\t/\tTRUE\t0\ts\tv\n";
    others.read(text.as_bytes(), at(NOW));
    assert_eq!(sent(&others, "http://a.b/"), "a=1; empty=");
    assert_eq!(sent(&others, "http://x.a.b/"), "a=1");
}

#[test]
fn there_is_an_end_to_everything() {
    let mut jar = Jar::default();
    let page = url("http://a.b/");
    for number in 0..400 {
        jar.store(&page, format!("c{number}={number}").as_bytes(), at(NOW)).unwrap();
    }
    assert_eq!(jar.len(), MOST_OF_DOMAIN);
    let field = jar.field(&page, at(NOW)).unwrap();
    assert_eq!(field.split(|&byte| byte == b';').count(), MOST_SENT);
    for number in 0..4000 {
        jar.store(&url(&format!("http://h{number}.b/")), b"a=b", at(NOW)).unwrap();
    }
    assert_eq!(jar.len(), MOST);
    let long = format!("a={}", "x".repeat(4096));
    assert_eq!(jar.store(&page, long.as_bytes(), at(NOW)), Err(Refused::TooLong));
    let mut jar = Jar::default();
    for name in ["a", "b", "c"] {
        jar.store(&page, format!("{name}={}", "x".repeat(4000)).as_bytes(), at(NOW)).unwrap();
    }
    assert!(jar.field(&page, at(NOW)).unwrap().len() <= LONGEST_FIELD);
}
