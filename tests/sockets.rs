//! The sockets on which the server listens, other than TCP ports of its own.

use std::os::fd::OwnedFd;
use std::process::Command;

use crate::support::{Folder, Program, server_command};

/// Sockets in the file system: requests over them, their permissions, who may replace them.
mod unix;

/// Sockets that the parent gives: which are served, which are refused, and restarts without a refused connection.
mod activation;

/// Sockets that a running server hands over: 30 times under load, and when the new process or the caller is wrong.
mod handover;

/// Clients that accept no failure.
mod load;

/// What a service manager hears: ready, stopping, alive.
mod service_manager;

/// The unit of the manual: systemd accepts it, and the server runs as it says.
mod unit;

/// A server that is given this socket as descriptor 3, as systemd gives it.
fn start_given(socket: impl Into<OwnedFd>, set: &[(&str, &str)], args: &[&str]) -> Program {
    let ours = server_command(args);
    // The shell's process id is that of the server, which replaces it.
    let script = "exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(ours.get_program()).args(ours.get_args());
    shell.current_dir(ours.get_current_dir().unwrap()).env_remove("RUST_LOG").envs(set.to_vec());
    let data = Folder::for_everybody();
    if !args.contains(&"--data") {
        shell.arg("--data").arg(data.path());
    }
    let program = Program::start_on(&mut shell, socket.into()).0;
    // The folder is removed at the end of this function, and must be there until the server has opened it.
    program.stdout.until(|text| text.contains('\n') || !program.stderr.text().is_empty());
    program
}

/// The first line on its stdout.
fn ready_line(program: &Program) -> String {
    let said =
        program.stdout.until(|text| text.contains('\n') || !program.stderr.text().is_empty());
    said.lines().next().unwrap_or_else(|| panic!("{}", program.stderr.text())).to_owned()
}
