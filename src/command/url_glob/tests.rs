use super::*;

fn texts(text: &str) -> Result<String, GlobError> {
    let glob = UrlGlob::parse(text)?;
    assert_eq!(glob.iter().count() as u64, glob.count(), "{text}");
    Ok(glob.iter().map(|found| found.text).collect::<Vec<_>>().join(" "))
}

/// What curl 7.88 makes of them, too.
#[test]
fn globs_and_their_texts() {
    for (text, want) in [
        ("", ""),
        ("a/b?c=d", "a/b?c=d"),
        ("h/{a,b}", "h/a h/b"),
        ("h/{a}", "h/a"),
        ("h/{a,}", "h/a h/"),
        ("h/{,a}", "h/ h/a"),
        ("h/{a\\,b,c\\}}", "h/a,b h/c}"),
        ("h/\\{a\\}\\[1\\]", "h/{a}[1]"),
        ("h/\\a", "h/\\a"),
        ("h/{a,b}[1-3]", "h/a1 h/a2 h/a3 h/b1 h/b2 h/b3"),
        ("h/[1-10:3]", "h/1 h/4 h/7 h/10"),
        ("h/[1-9:3]", "h/1 h/4 h/7"),
        ("h/[5-5]", "h/5"),
        ("h/[001-003]", "h/001 h/002 h/003"),
        ("h/[08-11]", "h/08 h/09 h/10 h/11"),
        ("h/[00-2]", "h/00 h/01 h/02"),
        ("h/[0-2]", "h/0 h/1 h/2"),
        ("h/[1- 3]", "h/1 h/2 h/3"),
        ("h/[a-e:2]", "h/a h/c h/e"),
        ("h/[X-Z]", "h/X h/Y h/Z"),
        ("h/\u{fc}{\u{e4},b}", "h/\u{fc}\u{e4} h/\u{fc}b"),
        ("http://[::1]:8080/{a,b}", "http://[::1]:8080/a http://[::1]:8080/b"),
        ("http://[fe80::1%25eth0]/", "http://[fe80::1%25eth0]/"),
        ("[fe80::1%lo]:1/[1-2]", "[fe80::1%lo]:1/1 [fe80::1%lo]:1/2"),
        ("h/[::1]", "h/[::1]"),
    ] {
        assert_eq!(texts(text).as_deref(), Ok(want), "{text}");
    }
}

#[test]
fn what_is_no_glob() {
    for (text, what, at) in [
        ("h/{a", "unmatched brace", 3),
        ("h/{", "unmatched brace", 3),
        ("h/{a\\", "unmatched brace", 3),
        ("h/{}", "empty string within braces", 4),
        ("h/{a,{b}}", "nested brace", 6),
        ("h/{[1-2],b}", "nested brace", 4),
        ("h/{a]}", "unexpected close bracket", 5),
        ("h/a}", "unmatched close brace/bracket", 4),
        ("h/]", "unmatched close brace/bracket", 3),
        ("h/[1-", "bad range", 4),
        ("h/[x]", "bad range", 4),
        ("h/[3-1]", "bad range", 4),
        ("h/[a-1]", "bad range", 4),
        ("h/[A-c]", "bad range", 4),
        ("h/[a-ab]", "bad range", 4),
        ("h/[1-2:0]", "bad range", 4),
        ("h/[1-2:3]", "bad range", 4),
        ("h/[1-2:]", "bad range", 4),
        ("h/[5-5:2]", "bad range", 4),
        ("h/[1 - 3]", "bad range", 4),
        ("h/[1-99999999999999999999999]", "bad range", 4),
        ("h/[0-18446744073709551615]", "bad range", 4),
        ("h/[-1-2]", "bad range specification", 4),
        ("h/[]", "bad range specification", 4),
        ("h/[", "bad range specification", 4),
        ("h/[1-9999999999][1-9999999999]", "range overflow", 1),
        (&"[1-2]".repeat(101), "too many globs", 1),
    ] {
        let error = UrlGlob::parse(text).unwrap_err();
        assert_eq!((error.what, error.at), (what, at), "{text}");
        assert!(error.to_string().contains("; right: "));
    }
}

#[test]
fn a_range_of_a_billion_costs_nothing_until_it_is_asked() {
    let glob = UrlGlob::parse("{a,b}[1-1000000000][a-z]").unwrap();
    assert_eq!(glob.count(), 52_000_000_000);
    let last = glob.get(glob.count() - 1).unwrap();
    assert_eq!(last.text, "b1000000000z");
    assert_eq!(last.values, ["b", "1000000000", "z"]);
    assert_eq!(glob.get(glob.count()), None);
    assert_eq!(glob.iter().nth(27).unwrap().text, "a2b");
}

#[test]
fn names_of_outputs() {
    let found = UrlGlob::parse("h/{a}[7-7]").unwrap().get(0).unwrap();
    for (name, want) in [
        ("#1", "a"),
        ("f#1.#2", "fa.7"),
        ("#3", "#3"),
        ("#0", "#0"),
        ("#", "#"),
        ("##1", "#a"),
        ("#x", "#x"),
        ("a#1b#12", "aab#12"),
        ("#99999999999999999999999", "#99999999999999999999999"),
        ("", ""),
    ] {
        assert_eq!(found.fill(name), want, "{name}");
    }
    assert_eq!(UrlGlob::plain("h/{a}").get(0).unwrap().fill("#1"), "#1");
    assert_eq!(UrlGlob::plain("h/[::1").get(0).unwrap().text, "h/[::1");
}
