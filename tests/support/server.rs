//! The real `server`, on a free port.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use super::folder::Folder;
use super::program::Program;
use super::wire::{Answer, Wire, masked};
use super::{eventually, root};

/// A server that listens. Dropped, it is stopped; none may have panicked by then.
#[derive(Debug)]
pub struct Server {
    pub program: Program,
    /// Its one line on stdout.
    pub ready: String,
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
    /// Where it keeps its users, if it was not told otherwise.
    _data: Folder,
}

/// The binary, to be started in the repository.
pub fn server_command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
    command.args(args).current_dir(root()).env_remove("RUST_LOG");
    command
}

impl Server {
    /// Starts it with these arguments, on a free port where they do not say another.
    pub fn start(args: &[&str]) -> Server {
        Server::run(server_command(args))
    }

    /// Starts it to serve this folder.
    pub fn of(folder: &impl AsRef<Path>, args: &[&str]) -> Server {
        let mut command = server_command(args);
        command.arg(folder.as_ref());
        Server::run(command)
    }

    /// Starts it to serve this folder as the user nobody, which root can do, if nobody may look
    /// into the folder where the binary lies.
    pub fn of_as_user_nobody(folder: &impl AsRef<Path>) -> Option<Server> {
        const NOBODY: u32 = 65534;
        let as_nobody = |arg: &OsStr| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
            command.arg(arg).current_dir("/").env_remove("RUST_LOG").uid(NOBODY).gid(NOBODY);
            command
        };
        as_nobody("--version".as_ref()).output().ok()?;
        Some(Server::run(as_nobody(folder.as_ref().as_os_str())))
    }

    /// Starts it by this command.
    pub fn run(mut command: Command) -> Server {
        if !command.get_args().any(|arg| arg == "--bind") {
            command.args(["--bind", "127.0.0.1:0"]);
        }
        let data = Folder::for_everybody();
        if !command.get_args().any(|arg| arg == "--data") {
            command.arg("--data").arg(data.path());
        }
        let program = Program::start(&mut command);
        let said = program.stdout.until(|text| {
            text.contains('\n') || {
                let stderr = program.stderr.text();
                let is_error =
                    |line: &str| line.contains("; right: ") && !line.contains(": WARN: ");
                assert!(!stderr.lines().any(is_error), "it does not start: {stderr}");
                false
            }
        });
        let ready = said.lines().next().unwrap_or_default().to_owned();
        let urls =
            ready.split(' ').filter_map(|word| word.strip_prefix("http://")?.strip_suffix('/'));
        let addresses: Vec<SocketAddr> =
            urls.map(|address| address.parse().expect("an address and a port")).collect();
        assert!(!addresses.is_empty() || ready.contains(" unix:"), "{ready}");
        Server { program, ready, addresses, _data: data }
    }

    /// Where it listens first.
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// A URL on it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// A new connection.
    pub fn connect(&self) -> Wire {
        Wire::to(self.address())
    }

    /// Connects until there is room: a connection whose first request has been answered. Those that
    /// have ended a moment ago may still be counted.
    pub fn let_in(&self) -> Wire {
        let enter = || {
            let mut wire = self.connect();
            let answer = wire.try_exchange("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
            answer.filter(|(status, _)| *status == 200).map(|_| wire)
        };
        eventually(enter).expect("there is room again")
    }

    /// Sends this on a connection of its own, and gives all that comes back until the server
    /// closes, the date masked.
    pub fn exchange(&self, request: impl AsRef<[u8]>) -> String {
        masked(&self.connect().send(request).rest())
    }

    /// GET on a connection of its own.
    pub fn get(&self, target: &str) -> Answer {
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let mut wire = self.connect();
        let answer = wire.send(request).answer();
        assert_eq!(wire.rest(), b"", "nothing follows the answer to GET {target}");
        answer
    }

    /// What it has said on stderr, once that is `enough`.
    pub fn stderr_until(&self, enough: impl Fn(&str) -> bool) -> String {
        self.program.stderr.until(enough)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let stderr = self.program.stderr.text();
        if std::thread::panicking() {
            eprintln!("the server's stderr:\n{stderr}");
        } else {
            assert!(!stderr.contains("panicked"), "{stderr}");
        }
    }
}
