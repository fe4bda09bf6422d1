//! A file of logins, as ftp(1) has it in `~/.netrc`, and curl and wget read it.
//!
//! ```text
//! machine example.org login ada password secret
//! machine example.org login root password "with a space"
//! default login anonymous password ada@example.org
//! ```
//! Words are separated by spaces and line ends. A word in quotes may have spaces in it, and `\n`, `\r`, `\t`, `\"` and
//! `\\`. A word that begins with `#` is a comment up to the end of its line. `account NAME` and `macdef NAME`, whose
//! text ends at an empty line, are for FTP and skipped; so are words that mean nothing.

/// The logins of a file. What is in them is secret, and not shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Netrc {
    entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, Eq)]
struct Entry {
    /// `None`: for every host.
    host: Option<Vec<u8>>,
    user: Option<Vec<u8>>,
    password: Option<Vec<u8>>,
}

/// Quotes that do not end, in the line with this number, counted from 1. The line is not shown: it may have a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetrcError {
    /// The line in which the quotes begin.
    pub line: usize,
}

impl std::fmt::Display for NetrcError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let line = self.line;
        write!(
            f,
            "the quotes in line {line} do not end in it; right: password \"a b\", with \\\" for a quote"
        )
    }
}

impl std::error::Error for NetrcError {}

impl Netrc {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`NetrcError`] for quotes that do not end.
    pub fn parse(text: &[u8]) -> Result<Netrc, NetrcError> {
        let mut words = Words { text, at: 0 };
        let mut entries = Vec::new();
        while let Some(word) = words.next()? {
            let entry = entries.last_mut();
            match (word.to_ascii_lowercase().as_slice(), entry) {
                (b"machine", _) => {
                    let Some(host) = words.next()? else { break };
                    entries.push(Entry { host: Some(host), user: None, password: None });
                }
                (b"default", _) => entries.push(Entry { host: None, user: None, password: None }),
                (b"login", Some(Entry { user, .. })) => *user = words.next()?,
                (b"password", Some(Entry { password, .. })) => *password = words.next()?,
                (b"login" | b"password" | b"account", _) => drop(words.next()?),
                (b"macdef", _) => words.skip_macro(),
                _ => {}
            }
        }
        Ok(Netrc { entries })
    }

    /// Returns `user:password` for a host: of the first entry that is for it, or for every host. With a user, of the
    /// first such entry of this user, or without a user.
    pub fn login(&self, host: &str, user: Option<&[u8]>) -> Option<Vec<u8>> {
        let is_for_host = |entry: &&Entry| {
            entry.host.as_deref().is_none_or(|name| name.eq_ignore_ascii_case(host.as_bytes()))
        };
        let is_for_user = |entry: &&Entry| match (user, entry.user.as_deref()) {
            (Some(wanted), Some(user)) => wanted == user,
            _ => entry.user.is_some() || entry.password.is_some(),
        };
        let mut entries = self.entries.iter().filter(is_for_host);
        let entry = entries.find(is_for_user)?;
        let user = user.or(entry.user.as_deref()).unwrap_or_default();
        Some([user, entry.password.as_deref().unwrap_or_default()].join(&b':'))
    }
}

/// Shows the number of entries.
impl std::fmt::Debug for Netrc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Netrc({} entries)", self.entries.len())
    }
}

struct Words<'t> {
    text: &'t [u8],
    at: usize,
}

impl Words<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_while(&mut self, is_skipped: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&is_skipped) {
            self.at += 1;
        }
    }

    /// Returns the next word, without its quotes.
    fn next(&mut self) -> Result<Option<Vec<u8>>, NetrcError> {
        loop {
            self.skip_while(|byte| byte.is_ascii_whitespace());
            match self.peek() {
                None => return Ok(None),
                Some(b'#') => self.skip_while(|byte| byte != b'\n'),
                Some(b'"') => return self.quoted().map(Some),
                Some(_) => {
                    let begin = self.at;
                    self.skip_while(|byte| !byte.is_ascii_whitespace());
                    return Ok(self.text.get(begin..self.at).map(<[u8]>::to_vec));
                }
            }
        }
    }

    fn quoted(&mut self) -> Result<Vec<u8>, NetrcError> {
        let begin = self.at;
        let mut word = Vec::new();
        loop {
            self.at += 1;
            match self.peek() {
                Some(b'"') => break,
                None | Some(b'\n') => {
                    let before = self.text.get(..begin).unwrap_or_default();
                    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
                    return Err(NetrcError { line });
                }
                Some(b'\\') => {
                    self.at += 1;
                    word.extend(self.peek().map(|byte| match byte {
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        byte => byte,
                    }));
                }
                Some(byte) => word.push(byte),
            }
        }
        self.at += 1;
        Ok(word)
    }

    /// Skips the text of a macro, up to an empty line.
    fn skip_macro(&mut self) {
        let is_empty = |line: &[u8]| matches!(line, b"\n" | b"\r\n");
        let rest = self.text.get(self.at..).unwrap_or_default();
        let lines = rest.split_inclusive(|&byte| byte == b'\n');
        self.at += lines.take_while(|line| !is_empty(line)).map(<[u8]>::len).sum::<usize>();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found for `h`, and for the user `ada` there.
    #[test]
    fn which_login_is_found() {
        for (text, of_host, of_ada) in [
            ("", None, None),
            ("machine h login ada password b", Some("ada:b"), Some("ada:b")),
            ("machine h\n\tlogin bob\n\tpassword b\n", Some("bob:b"), None),
            ("machine x login a password b", None, None),
            (
                "machine x login a password b default login ada password e",
                Some("ada:e"),
                Some("ada:e"),
            ),
            (
                "default login d password e\nmachine h login ada password b",
                Some("d:e"),
                Some("ada:b"),
            ),
            (
                "machine h login bob password b machine h login ada password c",
                Some("bob:b"),
                Some("ada:c"),
            ),
            ("machine h password b login ada", Some("ada:b"), Some("ada:b")),
            ("machine h login ada", Some("ada:"), Some("ada:")),
            ("machine h password b", Some(":b"), Some("ada:b")),
            ("machine h machine h login ada password b", Some("ada:b"), Some("ada:b")),
            ("MACHINE H LOGIN ada PASSWORD b", Some("ada:b"), Some("ada:b")),
            ("machine h login ada account x password b", Some("ada:b"), Some("ada:b")),
            (
                "machine h login \"ada\" password \"a \\\"b\\\\\\t#\"",
                Some("ada:a \"b\\\t#"),
                Some("ada:a \"b\\\t#"),
            ),
            ("machine h login ada password b#c", Some("ada:b#c"), Some("ada:b#c")),
            (
                "# machine x\nmachine h # y\nlogin ada #\npassword b # c",
                Some("ada:b"),
                Some("ada:b"),
            ),
            (
                "macdef init\nmachine h login no password no\n\nmachine h login ada password b",
                Some("ada:b"),
                Some("ada:b"),
            ),
            (
                "macdef init\r\nmachine h login no\r\n\r\nmachine h login ada password b",
                Some("ada:b"),
                Some("ada:b"),
            ),
            ("macdef init\nmachine h login no password no", None, None),
            ("login x password y machine h login ada password b", Some("ada:b"), Some("ada:b")),
            ("machine h strange login ada password b", Some("ada:b"), Some("ada:b")),
            ("machine h login ada password", Some("ada:"), Some("ada:")),
            ("machine", None, None),
        ] {
            let netrc = Netrc::parse(text.as_bytes()).unwrap();
            let login = |user| netrc.login("h", user).map(|it| String::from_utf8(it).unwrap());
            assert_eq!(login(None).as_deref(), of_host, "{text}");
            assert_eq!(login(Some(b"ada")).as_deref(), of_ada, "{text}");
            assert!(!format!("{netrc:?}").contains("ada"));
        }
    }

    #[test]
    fn quotes_that_do_not_end() {
        for (text, line) in
            [("machine h login \"a", 1), ("machine h\nlogin a\npassword \"b\n\"", 3), ("\"\\", 1)]
        {
            assert_eq!(Netrc::parse(text.as_bytes()), Err(NetrcError { line }), "{text}");
        }
    }
}
