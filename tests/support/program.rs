//! A program that runs beside the test: what it says, how it ends, and that it does end.

use std::io::{Read, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use super::{PATIENCE, eventually};

/// A running program. Dropped, it is ended: SIGTERM, and SIGKILL when that is not enough.
#[derive(Debug)]
pub struct Program {
    child: Child,
    /// What it writes to stdout.
    pub stdout: Heard,
    /// What it writes to stderr.
    pub stderr: Heard,
}

/// What a program has written so far.
#[derive(Debug, Clone, Default)]
pub struct Heard(Arc<Mutex<(Vec<u8>, bool)>>);

/// How a program ended.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// Runs a program to its end, with this on its stdin.
pub fn run(command: &mut Command, stdin: &[u8]) -> Finished {
    Program::start_with(command, stdin.to_vec()).finish()
}

impl Program {
    /// Starts it, with nothing on its stdin.
    pub fn start(command: &mut Command) -> Program {
        Program::start_with(command, Vec::new())
    }

    fn start_with(command: &mut Command, input: Vec<u8>) -> Program {
        let (program, mut stdin) = Program::typing(command);
        // A program that does not read all of it has its reasons.
        thread::spawn(move || stdin.write_all(&input));
        program
    }

    /// Starts it; what it reads on its stdin is the test's to write.
    pub fn typing(command: &mut Command) -> (Program, ChildStdin) {
        let (program, stdin) = Program::start_on(command, Stdio::piped());
        (program, stdin.expect("it is piped"))
    }

    /// Starts it with this as its stdin.
    pub fn start_on(
        command: &mut Command,
        stdin: impl Into<Stdio>,
    ) -> (Program, Option<ChildStdin>) {
        // The client reads the usual flags of whoever runs the tests from there.
        for folder in ["HOME", "XDG_CONFIG_HOME"] {
            if !command.get_envs().any(|(name, _)| name == folder) {
                command.env_remove(folder);
            }
        }
        let command = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (stdout, stderr) = (Heard::default(), Heard::default());
        stdout.listen_to(child.stdout.take().expect("it is piped"));
        stderr.listen_to(child.stderr.take().expect("it is piped"));
        let stdin = child.stdin.take();
        (Program { child, stdout, stderr }, stdin)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Has it ended by itself?
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Waits for its end, and gives the most memory that it had resident, in bytes: what the system says
    /// (VmHWM, which never falls), looked at again and again; 0 if it was gone before the first look.
    pub fn peak_memory(&mut self) -> u64 {
        let own = |file: &str| format!("/proc/{}/{file}", self.child.id());
        let (status, exe) = (own("status"), own("exe"));
        let ours = std::env::current_exe().ok();
        let mut peak = 0;
        let ended = eventually(|| {
            // Until it is the program, it is us, with our memory.
            if std::fs::read_link(&exe).ok() == ours {
                return None;
            }
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let number =
                line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
            peak = peak.max(number.unwrap_or_default() * 1024);
            self.has_ended().then_some(())
        });
        assert!(ended.is_some(), "it does not end; it said: {}", self.stderr.text());
        peak
    }

    /// Sends it a signal: `TERM`, `INT`, `HUP`, `KILL`.
    pub fn signal(&self, name: &str) {
        // The shell has a kill of its own everywhere; a program of that name is not everywhere.
        let kill = format!("kill -s {name} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().expect("there is a shell");
        assert!(sent.success(), "{kill}");
    }

    /// Its exit code, once it has ended.
    pub fn exit_code(&mut self) -> Option<i32> {
        let status = eventually(|| self.child.try_wait().expect("it is our child"));
        status.unwrap_or_else(|| panic!("it does not end; it said: {}", self.stderr.text())).code()
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Finished {
        let code = self.exit_code();
        let (stdout, stderr) = (self.stdout.to_end(), self.stderr.to_end());
        Finished { code, stdout, stderr: String::from_utf8_lossy(&stderr).into_owned() }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.signal("TERM");
            let end = Instant::now() + std::time::Duration::from_millis(500);
            while let Ok(None) = self.child.try_wait()
                && Instant::now() < end
            {
                thread::sleep(std::time::Duration::from_millis(5));
            }
            let _ = self.child.kill(); // it may have ended by now
            let _ = self.child.wait();
        }
    }
}

impl Heard {
    fn listen_to(&self, mut pipe: impl Read + Send + 'static) {
        let heard = self.clone();
        thread::spawn(move || {
            let mut piece = [0; 16 << 10];
            loop {
                let count = pipe.read(&mut piece).unwrap_or_default();
                let mut heard = heard.0.lock().unwrap_or_else(PoisonError::into_inner);
                heard.0.extend_from_slice(&piece[..count]);
                heard.1 = count == 0;
                if heard.1 {
                    return;
                }
            }
        });
    }

    fn bytes(&self) -> (Vec<u8>, bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All that it has said so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes().0).into_owned()
    }

    /// All that it said, once it has said all.
    fn to_end(&self) -> Vec<u8> {
        let all = eventually(|| Some(self.bytes()).filter(|(_, ended)| *ended));
        all.unwrap_or_else(|| panic!("the pipe stays open for more than {PATIENCE:?}")).0
    }

    /// Waits until it has said something that is `enough`, and gives all that it has said.
    pub fn until(&self, enough: impl Fn(&str) -> bool) -> String {
        eventually(|| Some(self.text()).filter(|text| enough(text)))
            .unwrap_or_else(|| panic!("waited in vain; it said: {:?}", self.text()))
    }
}
