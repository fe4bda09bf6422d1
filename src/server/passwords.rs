//! Basic authentication (RFC 7617) with a file of passwords, as `htpasswd -B` writes it.
//!
//! A wrong password costs as much time as a right one, and so does a user that does not exist: bcrypt is slow on purpose,
//! and a hash is always computed. What has been right once is known again without it, until the file changes. As many
//! hashes are computed at once as there are cores; a few more clients wait for their turn, and others get a 503, so that
//! wrong passwords keep no other client from the workers. The password of each request is readable on the way to the
//! server: without https it is for networks that one trusts.

use std::collections::HashSet;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::respond::error_response::ErrorResponse;
use crate::proto::http::basic::user_and_password;
use crate::proto::http::head::RequestHead;
use crate::proto::http::status::Status;
use crate::sync::lock;

/// How often the file may be looked at.
const LOOK: Duration = Duration::from_secs(1);
/// The most clients that wait while all cores compute hashes.
const WAITING: usize = 8;
/// The most right passwords that are known again: each takes 16 bytes.
const KNOWN: usize = 10_000;
/// The costs that a hash may have. 2^17 rounds take some 5 seconds.
const COSTS: std::ops::RangeInclusive<u32> = 4..=17;
const SECTION: &str = "RFC 9110, 15.5.2";

/// The users of a file of passwords, for [`Router::check`](super::Router::check).
///
/// ```no_run
/// use threadbare::server::{Passwords, Router};
///
/// let passwords = Passwords::open("/etc/threadbare/htpasswd")?;
/// let routes = Router::new().files("/", "www").check(move |head| passwords.check(head)).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Each line of the file is a user, a colon, and a hash of bcrypt (`$2y$`, `$2a$` or `$2b$`); `htpasswd -B -c FILE USER`
/// writes it. Empty lines and lines that begin with `#` are skipped. The file is read again within a second of a change;
/// if it is wrong then, the users stay as they were, and the log says so.
#[derive(Debug)]
pub struct Passwords {
    path: PathBuf,
    users: Mutex<Users>,
    /// How many hashes are computed, and how many clients wait for that.
    hashing: Mutex<Hashing>,
    one_is_done: Condvar,
    /// Two, as 64 bits are few.
    secrets: [RandomState; 2],
}

#[derive(Debug)]
struct Users {
    entries: Vec<Entry>,
    /// Stands for the hash of a user that does not exist.
    nobody: String,
    version: Version,
    looked: Instant,
    /// Digests of what has been right.
    known: HashSet<[u64; 2]>,
}

#[derive(Debug)]
struct Entry {
    user: Vec<u8>,
    hash: String,
}

/// Tells one content of a file from the next.
type Version = Option<(SystemTime, u64)>;

#[derive(Debug, Default)]
struct Hashing {
    now: usize,
    waiting: usize,
}

impl Passwords {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, or a line is wrong: which one, and why.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Passwords> {
        let path = std::path::absolute(path)?;
        let users = Users::read(&path)?;
        Ok(Passwords {
            path,
            users: Mutex::new(users),
            hashing: Mutex::default(),
            one_is_done: Condvar::new(),
            secrets: [RandomState::new(), RandomState::new()],
        })
    }

    /// Checks the credentials of a request.
    ///
    /// # Errors
    /// A 401 when they are missing or wrong; a 503 when too many clients are being checked.
    pub fn check(&self, head: &RequestHead) -> Result<(), ErrorResponse> {
        let Some(value) = head.headers.first("authorization") else {
            return Err(unauthorized("a user and a password are required"));
        };
        let Some((user, password)) = user_and_password(value) else {
            return Err(unauthorized("Authorization is not in the form of the Basic scheme"));
        };
        let digest = self.digest(&user, &password);
        if self.users().known.contains(&digest) {
            return Ok(());
        }
        let Some(turn) = self.turn_to_hash(&digest)? else { return Ok(()) };
        let (hash, exists, version) = self.users().hash_of(&user);
        let is_right = bcrypt::verify(&password, &hash).unwrap_or(false) && exists;
        if is_right {
            lock(&self.users).remember(digest, version);
        }
        drop(turn);
        match is_right {
            true => Ok(()),
            false => {
                log::info!(
                    "refused: the user {:?} or the password is wrong",
                    String::from_utf8_lossy(&user)
                );
                Err(unauthorized("the user or the password is wrong"))
            }
        }
    }

    /// Returns the user of a request whose password has been right; for [`AccessLog::users`](super::AccessLog::users).
    pub fn user_of(&self, head: &RequestHead) -> Option<String> {
        let (user, password) = user_and_password(head.headers.first("authorization")?)?;
        let digest = self.digest(&user, &password);
        lock(&self.users)
            .known
            .contains(&digest)
            .then(|| String::from_utf8_lossy(&user).into_owned())
    }

    fn digest(&self, user: &[u8], password: &[u8]) -> [u64; 2] {
        self.secrets.each_ref().map(|secret| secret.hash_one((user, password)))
    }

    /// Returns the users, after a look at the file if the last one is some time ago.
    fn users(&self) -> MutexGuard<'_, Users> {
        let mut users = lock(&self.users);
        if users.looked.elapsed() >= LOOK {
            users.looked = Instant::now();
            let version = version(&self.path);
            if version != users.version {
                users.version = version;
                match Users::read(&self.path) {
                    Ok(read) => *users = read,
                    Err(error) => log::error!("{error}; the users stay as they were"),
                }
            }
        }
        users
    }

    /// Waits until a hash may be computed; `None` if another request has shown in the meantime that the password is right.
    ///
    /// # Errors
    /// A 503 when too many wait.
    fn turn_to_hash(&self, digest: &[u64; 2]) -> Result<Option<Turn<'_>>, ErrorResponse> {
        let most = thread::available_parallelism().map_or(1, usize::from);
        let mut hashing = lock(&self.hashing);
        if hashing.now >= most && hashing.waiting >= WAITING {
            let what = "too many passwords are being checked";
            let busy = ErrorResponse::new(
                Status::SERVICE_UNAVAILABLE,
                "RFC 9110, 15.6.4",
                what,
                "the same request later",
            );
            return Err(busy.field("Retry-After", "1"));
        }
        let is_known = || lock(&self.users).known.contains(digest);
        hashing.waiting += 1;
        while hashing.now >= most && !is_known() {
            hashing = self.one_is_done.wait(hashing).unwrap_or_else(PoisonError::into_inner);
        }
        hashing.waiting -= 1;
        if is_known() {
            return Ok(None);
        }
        hashing.now += 1;
        Ok(Some(Turn(self)))
    }
}

/// The right to compute a hash, which ends when this is dropped.
struct Turn<'p>(&'p Passwords);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        lock(&self.0.hashing).now -= 1;
        self.0.one_is_done.notify_all();
    }
}

impl Users {
    fn read(path: &Path) -> io::Result<Users> {
        let version = version(path);
        let wrong = |what: String| io::Error::other(format!("{}: {what}", path.display()));
        let text = fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let entries = parse(&text).map_err(wrong)?;
        let cost = entries.iter().filter_map(|entry| cost(&entry.hash)).max().unwrap_or(10);
        // A hash that no password has.
        let nobody = format!("$2b${cost:02}${}", ".".repeat(53));
        Ok(Users { entries, nobody, version, looked: Instant::now(), known: HashSet::new() })
    }

    /// Knows a right password again, unless the file has changed since it was checked.
    fn remember(&mut self, digest: [u64; 2], version: Version) {
        if self.version == version && self.known.len() < KNOWN {
            self.known.insert(digest);
        }
    }

    /// Returns the hash to compare with, whether the user exists, and which content of the file says so.
    fn hash_of(&self, user: &[u8]) -> (String, bool, Version) {
        let found = self.entries.iter().find(|entry| entry.user == user);
        let hash = found.map_or(&self.nobody, |entry| &entry.hash);
        (hash.clone(), found.is_some(), self.version)
    }
}

fn version(path: &Path) -> Version {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Parses the lines of the file.
fn parse(text: &[u8]) -> Result<Vec<Entry>, String> {
    let mut entries: Vec<Entry> = Vec::new();
    for (number, line) in (1..).zip(text.split(|&byte| byte == b'\n')) {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let wrong = |what| {
            format!("line {number}: {what}; right: a line of htpasswd -B, such as ada:$2y$10$...")
        };
        let colon = line.iter().position(|&byte| byte == b':');
        let (user, hash) = line.split_at(colon.ok_or_else(|| wrong("it has no colon"))?);
        let hash = std::str::from_utf8(&hash[1..]).ok().filter(|hash| cost(hash).is_some());
        let hash =
            hash.ok_or_else(|| wrong("this is not a hash of bcrypt with a cost from 4 to 17"))?;
        if user.is_empty() || entries.iter().any(|entry| entry.user == user) {
            return Err(wrong("the user has no name, or is there twice"));
        }
        entries.push(Entry { user: user.to_owned(), hash: hash.to_owned() });
    }
    match entries.is_empty() {
        true => Err("it has no users; right: a line of htpasswd -B for each".to_owned()),
        false => Ok(entries),
    }
}

/// Returns the cost of a hash of bcrypt: `$2y$10$`, and 53 characters.
fn cost(hash: &str) -> Option<u32> {
    let rest = ["$2y$", "$2a$", "$2b$"].iter().find_map(|kind| hash.strip_prefix(kind))?;
    let (cost, rest) = rest.split_once('$')?;
    let is_digest = rest.len() == 53
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'/');
    cost.parse().ok().filter(|cost| COSTS.contains(cost) && is_digest)
}

fn unauthorized(what: &str) -> ErrorResponse {
    let right = "Authorization: Basic, and user:password in Base64 (curl -u user:password)";
    ErrorResponse::new(Status::UNAUTHORIZED, SECTION, what, right)
        .field("WWW-Authenticate", "Basic realm=\"threadbare\", charset=\"UTF-8\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2y$04$abcdefghijklmnopqrstuuO8cRU8F1VhKp0vHmVUZ6qEPhJPVLKXG";

    #[test]
    fn lines_of_htpasswd() {
        let names = |text: &str| {
            let entries = parse(text.as_bytes())?;
            let names =
                entries.iter().map(|entry| String::from_utf8_lossy(&entry.user).into_owned());
            Ok::<_, String>(names.collect::<Vec<_>>().join(" "))
        };
        assert_eq!(
            names(&format!("# people\n\nada:{HASH}\r\ngrace h:{HASH}\n")).unwrap(),
            "ada grace h"
        );
        for (text, what) in [
            ("", "no users"),
            ("ada", "line 1: it has no colon"),
            ("ada:secret", "line 1: this is not a hash"),
            ("ada:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "not a hash of bcrypt"),
            ("ada:$apr1$x$y", "not a hash of bcrypt"),
            (&format!("ada:{}", HASH.replace("$04$", "$31$")), "a cost from 4 to 17"),
            (&format!("ada:{HASH}x"), "not a hash"),
            (&format!("\n:{HASH}"), "line 2: the user has no name"),
            (&format!("ada:{HASH}\nada:{HASH}"), "line 2: the user has no name, or is there twice"),
        ] {
            let error = names(text).unwrap_err();
            assert!(error.contains(what), "{text:?}: {error}");
        }
    }
}
