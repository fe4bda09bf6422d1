//! The names of `-O` and `-J`: the last part of a URL as it was typed, or what a server suggests, made harmless.
//!
//! A server's name is never a path, has no control characters, and does not begin with `.`, `-` or `~`: such a file would
//! be hidden or read by a shell (`.bashrc`), or be taken for a flag or a home folder by the next command. These
//! characters become `_`, as in browsers; dots and spaces at the end, which one does not see, are left away.

use crate::proto::http::url::split_scheme;

/// The longest name in bytes: that of Linux, macOS and the BSDs (NAME_MAX), with room for the `.100` of `--no-clobber`.
const LONGEST: usize = 255 - ".100".len();
/// The longest ending that a name keeps when it is cut, in bytes.
const LONGEST_ENDING: usize = 16;

/// Returns the last segment of the path of a URL as it was typed, nothing decoded; never a name that leads to another
/// folder. `None` if the path has no last segment.
pub(super) fn of_url(typed: &str) -> Option<&str> {
    let end = typed.find(['?', '#']).unwrap_or(typed.len());
    let typed = typed.get(..end)?;
    let rest = split_scheme(typed).map_or(typed, |(_, rest)| rest);
    let (_, name) = rest.rsplit_once('/')?;
    Some(name).filter(|name| !["", ".", ".."].contains(name) && !name.contains(['\\', '\0']))
}

/// Returns the name of a file for what a server suggests. `None` if nothing is left of it.
pub(super) fn of_server(suggested: &str) -> Option<String> {
    let name = suggested.rsplit(['/', '\\']).next()?;
    let name = name.trim_start().trim_end_matches(|char: char| char == '.' || char.is_whitespace());
    let mut name: String =
        name.chars().map(|char| if is_unseen(char) { '_' } else { char }).collect();
    if name.starts_with(['.', '-', '~']) {
        name.replace_range(..1, "_");
    }
    Some(cut(name)).filter(|name| !name.is_empty())
}

/// Returns true for control characters, for line ends of Unicode, and for characters that only change how others are
/// shown: a right-to-left override makes `exe.txt` of `txt.exe` (UTR #36, 3.2).
fn is_unseen(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Cuts a name that is too long, before its ending.
fn cut(mut name: String) -> String {
    if name.len() <= LONGEST {
        return name;
    }
    let ending = name.rfind('.').filter(|&dot| name.len() - dot <= LONGEST_ENDING);
    let ending = name.split_off(ending.unwrap_or(name.len()));
    let mut end = LONGEST - ending.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name + &ending
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_urls() {
        for (typed, want) in [
            ("http://a/b/c.txt", Some("c.txt")),
            ("a/b?x=/y", Some("b")),
            ("a/b#/y", Some("b")),
            (":8080/b", Some("b")),
            ("http:/a/b", Some("b")),
            ("http://a/b%2Fc%c3", Some("b%2Fc%c3")),
            ("http://a/ü b", Some("ü b")),
            ("http://a/.bashrc", Some(".bashrc")),
            ("http://a/b;c", Some("b;c")),
            ("http://a", None),
            ("a", None),
            ("http://a/", None),
            ("http://a/b/", None),
            ("http://a/..", None),
            ("http://a/.?x", None),
            ("http://a?x/y", None),
            ("http://a/b\\c", None),
        ] {
            assert_eq!(of_url(typed), want, "{typed}");
        }
    }

    #[test]
    fn names_from_servers() {
        for (suggested, want) in [
            ("a.txt", Some("a.txt")),
            ("EURO €", Some("EURO €")),
            ("a b;c'\"*?", Some("a b;c'\"*?")),
            ("../../etc/passwd", Some("passwd")),
            ("/etc/passwd", Some("passwd")),
            ("C:\\autoexec.bat", Some("autoexec.bat")),
            ("..\\..\\a", Some("a")),
            ("a/..\\b", Some("b")),
            ("..", None),
            (".", None),
            ("...", None),
            ("a/..", None),
            ("a/", None),
            ("a\\", None),
            ("", None),
            ("   ", None),
            (" . . ", None),
            (".bashrc", Some("_bashrc")),
            ("..a", Some("_.a")),
            ("-rf", Some("_rf")),
            ("~", Some("_")),
            ("~root", Some("_root")),
            ("a.txt.", Some("a.txt")),
            ("a.exe. . ", Some("a.exe")),
            ("a\u{a0}\u{3000}", Some("a")),
            ("  a", Some("a")),
            ("a\0.txt", Some("a_.txt")),
            ("\0", Some("_")),
            ("a\r\nb\x1b[2J", Some("a__b_[2J")),
            ("a\u{9b}\u{7f}", Some("a__")),
            ("\u{202e}txt.exe", Some("_txt.exe")),
            ("a\u{2028}\u{200b}\u{feff}\u{2069}b", Some("a____b")),
            ("CON", Some("CON")),
            ("a:b", Some("a:b")),
        ] {
            assert_eq!(of_server(suggested).as_deref(), want, "{suggested:?}");
        }
    }

    #[test]
    fn a_name_that_is_too_long_keeps_its_ending() {
        let (long, ending) = ("é".repeat(300), "x".repeat(20));
        for (suggested, end) in [
            (format!("{long}.tar"), "é.tar"),
            (long.clone(), "é"),
            (format!("a.{long}"), "é"),
            (format!("{long}.{ending}"), "é"),
            ("x".repeat(252), "x"),
        ] {
            let name = of_server(&suggested).unwrap();
            assert!(name.len() <= LONGEST && name.len() > LONGEST - 4, "{name}");
            assert!(name.ends_with(end), "{name}");
        }
        assert_eq!(of_server(&"x".repeat(LONGEST)), Some("x".repeat(LONGEST)));
    }

    mod property {
        use super::super::*;
        use proptest::prelude::*;

        proptest! {
            #[test]
            fn no_name_leads_elsewhere(suggested: String) {
                if let Some(name) = of_server(&suggested) {
                    prop_assert!(!name.contains(['/', '\\', '\0']) && !name.starts_with('.'));
                    prop_assert!(!name.is_empty() && name.len() <= LONGEST);
                    prop_assert!(name.chars().all(|char| !char.is_control()));
                }
            }
        }
    }
}
