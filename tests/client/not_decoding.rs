//! `--compressed` in a build without the feature `inflate`: the output is that of curl, or an error says why not.

use super::beside_curl::curl;
use super::fake::Fake;
use super::fetch;
use crate::support::{needs, run};

#[test]
fn no_coding_is_requested_and_the_content_is_the_same() {
    let fake = Fake::hello(1);
    let ours = fetch(&["--compressed", &fake.url("/")]);
    assert_eq!((ours.code, &ours.stdout[..]), (Some(0), &b"hello"[..]));
    assert!(!fake.requests()[0].contains("Accept-Encoding"), "{fake:?}");
    if needs("curl") {
        assert_eq!(run(&mut curl(&["--compressed", &fake.url("/")]), b"").stdout, ours.stdout);
    }
    let version = String::from_utf8(fetch(&["--version"]).stdout).unwrap();
    assert!(version.contains("\nFeatures: ") && !version.contains("inflate"), "{version}");
}

#[test]
fn a_body_that_is_coded_all_the_same_is_an_error_that_names_the_feature() {
    let answer = |coding: &str| {
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: 5\r\n\r\nhello")
    };
    for (coding, args, code) in [
        ("gzip", &["--compressed"][..], 61),
        ("br, identity", &["--compressed"], 61),
        ("identity", &["--compressed"], 0),
        ("gzip", &["--compressed", "--raw"], 0),
        ("gzip", &[], 0),
    ] {
        let fake = Fake::saying(answer(coding));
        let finished = fetch(&[args, &[&fake.url("/")]].concat());
        match code {
            0 => assert_eq!((finished.code, &finished.stdout[..]), (Some(0), &b"hello"[..])),
            code => {
                assert!(finished.failed(code, coding).contains("--features inflate"));
                assert!(finished.stdout.is_empty());
            }
        }
    }
}
