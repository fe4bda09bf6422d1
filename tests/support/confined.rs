//! The server in a mount namespace in which all but one folder is read-only: for tests in which clients write.
//!
//! What such a test tries may fail in ways that nobody has thought of. Then it must not cost the machine a file.

use std::path::Path;
use std::process::Command;

use super::{Server, needs, root, run, skipped};

/// Returns a command by which this program changes nothing outside of `place`; if that is not possible here, says that
/// the test is skipped. The process that it starts is bwrap: when that is killed, so is the program.
pub fn confined(place: &Path, program: &str) -> Option<Command> {
    if !needs("bwrap") {
        return None;
    }
    let command = |program: &str| {
        let mut command = Command::new("bwrap");
        command.args(["--ro-bind", "/", "/", "--dev-bind", "/dev", "/dev", "--bind-try"]);
        command.arg(place).arg(place).args(["--die-with-parent", program]);
        command.current_dir(root()).env_remove("RUST_LOG");
        command
    };
    // It must be able to confine, and must do so.
    let outside = root().join("Cargo.toml");
    let tried = run(command("sh").args(["-c", "test ! -w \"$0\" && echo yes"]).arg(outside), b"");
    if tried.stdout != b"yes\n" {
        skipped(&format!("bwrap cannot confine here: {}", tried.stderr.trim()));
        return None;
    }
    Some(command(program))
}

impl Server {
    /// Starts it confined to `place`, to serve the folder `www` in it.
    pub fn confined(place: &Path, flags: &[&str]) -> Option<Server> {
        let mut command = confined(place, env!("CARGO_BIN_EXE_server"))?;
        command.args(flags).arg("--data").arg(place.join("data")).arg(place.join("www"));
        Some(Server::run(command))
    }
}
