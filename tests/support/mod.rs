//! What the tests share: the real programs, raw sockets, folders that go away.

mod coding;
mod confined;
mod folder;
mod mount;
mod program;
mod served;
mod server;
mod wire;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use self::coding::{begun, text_of};
pub use self::confined::confined;
pub use self::folder::{Folder, set_modified};
pub use self::mount::Mounted;
pub use self::program::{Finished, Program, run};
pub use self::served::{Served, ask};
pub use self::server::{Server, server_command};
pub use self::wire::{Answer, Wire, masked};

/// No wait is longer than this. A test that needs all of it has failed.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What "at once" may mean on a busy machine: far from tight, and far from every deadline of the
/// server's (20 s, 60 s and 75 s), so that whatever comes within it did not come because one had passed.
pub const SOON: Duration = Duration::from_secs(3);

/// The repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Tries again and again until there is something, or until patience is at its end.
pub fn eventually<T>(mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            None if Instant::now() < end => std::thread::sleep(Duration::from_millis(5)),
            outcome => return outcome,
        }
    }
}

/// Returns true if this program is installed. If not, says that the test is skipped.
pub fn needs(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| is_file(&folder.join(program)));
    found || skipped(&format!("{program} is not installed"))
}

/// Says why a test is skipped, and returns false. The line goes to stderr, past the harness, which shows only
/// what failed tests print; and to the file that SKIPPED names, from which `make test` makes a list.
pub fn skipped(reason: &str) -> bool {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let line = format!("SKIPPED {test}: {reason}\n");
    // A closed stderr is no reason to fail.
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(list) = std::env::var_os("SKIPPED") {
        let list = File::options().append(true).create(true).open(list);
        list.and_then(|mut list| list.write_all(line.as_bytes())).expect("the list is written");
    }
    false
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file())
}
