//! The servers that are measured. All serve `/-/health`; those that serve files have `/4k`, `/100k` and
//! `/100m`.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::machine;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Ours, as for clients of other machines: without `Server-Timing`, which no other server sends.
    Lobby,
    /// Ours, as for clients of this machine: with `Server-Timing`.
    LobbyTiming,
    /// Ours with this number of workers.
    Workers(u16),
    /// With its access log.
    LobbyLogging,
    Textbook,
    Nginx,
    NginxLogging,
    Lighttpd,
    Hyper,
    MayMinihttp,
    /// Its pool counts the four threads that wait before any of them has taken a task, so of many
    /// connections made at once all but four may wait until one of those ends: these are its errors.
    TinyHttp,
    /// Ours, for whoever may change the files: `--write`.
    LobbyWriting,
    /// Two servers that serve a folder with one command, as ours does.
    Miniserve,
    StaticWebServer,
    /// Only measured with handlers that block: it is a pool of threads, in Python.
    Cheroot,
    Floor,
}

use Subject::{
    Cheroot, Floor, Hyper, Lighttpd, Lobby, LobbyLogging, LobbyTiming, LobbyWriting, MayMinihttp,
    Miniserve, Nginx, NginxLogging, StaticWebServer, Textbook, TinyHttp, Workers,
};

pub const SERVERS: &[Subject] =
    &[Lobby, Textbook, Nginx, Lighttpd, Hyper, MayMinihttp, TinyHttp, Floor];
/// The servers of others. The floor is not one of them, because it speaks no HTTP.
pub const PEERS: &[Subject] = &[Nginx, Lighttpd, Hyper, MayMinihttp, TinyHttp];
/// The servers of rows with more connections than the textbook has workers.
pub const MANY: &[Subject] = &[Lobby, Nginx, Lighttpd, Hyper, MayMinihttp, TinyHttp, Floor];
/// The servers that serve files.
pub const FILES: &[Subject] = &[Lobby, Textbook, Nginx, Lighttpd];
/// The servers that list folders, each with its defaults.
pub const FOLDERS: &[Subject] = &[Lobby, Miniserve, StaticWebServer];
/// Those that take uploads.
pub const WRITABLE: &[Subject] = &[LobbyWriting, Miniserve];
/// Each with its default: ours puts the lines of a moment into one write, nginx writes each by itself.
pub const LOGGING: &[Subject] = &[LobbyLogging, NginxLogging];
/// The servers that show the cost of `Server-Timing`.
pub const TIMING: &[Subject] = &[LobbyTiming, Lobby, Nginx, Hyper, Floor];
/// Those with a pool of threads and a number of them, on which handlers block.
pub const POOLS: &[Subject] = &[Lobby, Textbook, TinyHttp, Cheroot];
/// The same without Python, where one handler at a time computes.
pub const COMPUTING: &[Subject] = &[Lobby, Textbook, TinyHttp];
pub const WORKERS: &[Subject] =
    &[Workers(2), Workers(4), Workers(8), Workers(16), Workers(32), Workers(64)];

/// A running server. It is stopped with its children when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    pub address: SocketAddr,
}

/// The served folder; removed when dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> io::Result<Folder> {
        let name = format!("threadbare-speed-{}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(name));
        let www = folder.0.join("www");
        fs::create_dir_all(www.join("-"))?;
        fs::write(www.join("-/health"), "ok\n")?;
        fs::write(www.join("4k"), vec![b'x'; 4 << 10])?;
        fs::write(www.join("100k"), vec![b'x'; 100 << 10])?;
        File::create(www.join("100m"))?.set_len(100 << 20)?;
        fs::create_dir_all(www.join("thousand"))?;
        for number in 0..1000 {
            fs::write(www.join(format!("thousand/a file with the number {number}.txt")), "text\n")?;
        }
        Ok(folder)
    }
}

impl Folder {
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Subject {
    /// Returns its name on the command line and in the table.
    pub fn name(self) -> String {
        let name = match self {
            Lobby => "lobby",
            LobbyTiming => "lobby-timing",
            Workers(number) => return format!("workers-{number}"),
            LobbyLogging => "lobby-log",
            LobbyWriting => "lobby-write",
            Miniserve => "miniserve",
            StaticWebServer => "static-web-server",
            Textbook => "textbook",
            Nginx => "nginx",
            NginxLogging => "nginx-log",
            Lighttpd => "lighttpd",
            Hyper => "hyper",
            MayMinihttp => "may_minihttp",
            TinyHttp => "tiny_http",
            Cheroot => "cheroot",
            Floor => "floor",
        };
        name.to_owned()
    }

    /// Returns how to install it, if it is missing.
    pub fn missing(self) -> Option<&'static str> {
        let how = match self {
            Nginx | NginxLogging => "apt-get install nginx",
            Lighttpd => "apt-get install lighttpd",
            Miniserve => "cargo install miniserve",
            StaticWebServer => "cargo install static-web-server",
            Cheroot => {
                let python = Command::new("python3").args(["-c", "import cheroot"]).output();
                let is_there = python.is_ok_and(|output| output.status.success());
                return (!is_there).then_some("pip install cheroot");
            }
            _ => "make bench builds it (target/peers)",
        };
        (!self.program().is_file()).then_some(how)
    }

    pub fn program(self) -> PathBuf {
        match self {
            Lobby | LobbyTiming | Workers(_) | LobbyLogging | LobbyWriting | Textbook => {
                env!("CARGO_BIN_EXE_server").into()
            }
            Nginx | NginxLogging => machine::find("nginx").unwrap_or_default(),
            Lighttpd => machine::find("lighttpd").unwrap_or_default(),
            Cheroot => machine::find("python3").unwrap_or_default(),
            Miniserve | StaticWebServer => machine::find(&self.name()).unwrap_or_default(),
            Hyper | MayMinihttp | TinyHttp | Floor => {
                let built = Path::new(env!("CARGO_BIN_EXE_server")).ancestors().nth(2);
                built.expect("a target folder").join("peers/release").join(self.name())
            }
        }
    }

    /// Starts it and waits for its first response.
    pub fn start(self, folder: &Folder) -> io::Result<Running> {
        self.start_with(folder, None)
    }

    /// Starts it with this number of workers, if one is given and it is one of [`POOLS`].
    pub fn start_with(self, folder: &Folder, workers: Option<u16>) -> io::Result<Running> {
        let Folder(folder) = folder;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let (place, name) = (folder.display(), self.name());
        let timed = |timing: &str, flags: &str| {
            let flags = format!("--server-timing {timing} {flags}");
            format!("--bind 127.0.0.1:{port} --data {place}/data-{name} {flags} {place}/www")
        };
        let ours = |flags: &str| timed("off", flags);
        let said = match self {
            Lobby => {
                let workers =
                    workers.map_or(String::new(), |number| format!(" --workers {number}"));
                ours(&format!("--access-log off --max-connections 12000{workers}"))
            }
            LobbyTiming => timed("loopback", "--access-log off --max-connections 12000"),
            Workers(number) => ours(&format!("--access-log off --workers {number}")),
            LobbyLogging => ours(&format!("--access-log {place}/{name}")),
            LobbyWriting => ours("--access-log off --write"),
            Miniserve => {
                let writes = "--upload-files --on-duplicate-files overwrite";
                format!("--port {port} --interfaces 127.0.0.1 {writes} {place}/www")
            }
            StaticWebServer => {
                let listed = "--directory-listing true --log-level error";
                format!("--host 127.0.0.1 --port {port} {listed} --root {place}/www")
            }
            // A worker for each connection: what the textbook needs to serve them all.
            Textbook => {
                let workers = workers.unwrap_or(300);
                ours(&format!("--access-log off --lobby off --workers {workers}"))
            }
            Nginx | NginxLogging => {
                let log = match self {
                    Nginx => "off".to_owned(),
                    _ => format!("{place}/{name}"),
                };
                fs::write(folder.join(format!("{name}.conf")), nginx(port, folder, &log))?;
                format!("-p {place} -e stderr -c {place}/{name}.conf")
            }
            Lighttpd => {
                fs::write(folder.join("lighttpd.conf"), lighttpd(port, folder))?;
                format!("-D -f {place}/lighttpd.conf")
            }
            TinyHttp => format!("{port} {}", workers.unwrap_or(16)),
            Cheroot => {
                fs::write(folder.join("serve_cheroot.py"), include_str!("serve_cheroot.py"))?;
                format!("serve_cheroot.py {port} {}", workers.unwrap_or(16))
            }
            Hyper | MayMinihttp | Floor => port.to_string(),
        };
        let mut command = Command::new(self.program());
        let child = command
            .args(said.split(' '))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // lighttpd ends its whole process group, which would include this program.
            .process_group(0)
            .spawn()?;
        let running = Running { child, address: ([127, 0, 0, 1], port).into() };
        let begun = Instant::now();
        while running.ask().is_err() {
            if begun.elapsed() > Duration::from_secs(10) {
                return Err(io::Error::other(format!("it does not serve: {command:?}")));
            }
            thread::sleep(Duration::from_micros(100));
        }
        Ok(running)
    }
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends one request and reads the first bytes of its response.
    fn ask(&self) -> io::Result<()> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET /-/health HTTP/1.1\r\nHost: a\r\n\r\n")?;
        let mut start = [0; 12];
        stream.read_exact(&mut start)?;
        match &start {
            b"HTTP/1.1 200" => Ok(()),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let family = machine::family(self.pid());
        send(self.pid(), Signal::SIGTERM);
        let begun = Instant::now();
        while let Ok(None) = self.child.try_wait() {
            if begun.elapsed() > Duration::from_secs(2) {
                family.iter().for_each(|&pid| send(pid, Signal::SIGKILL));
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.wait();
    }
}

fn send(pid: u32, signal: Signal) {
    if let Ok(pid) = pid.try_into() {
        let _ = kill(Pid::from_raw(pid), signal); // it may have ended by itself
    }
}

/// Returns a configuration that makes nginx fast: files are kept open, and a connection may have any number
/// of requests.
fn nginx(port: u16, folder: &Path, log: &str) -> String {
    let folder = folder.display();
    let user = if nix::unistd::geteuid().is_root() { "user root;" } else { "" };
    format!(
        "{user} daemon off; pid {folder}/nginx-{port}.pid; worker_processes auto; error_log stderr;
         events {{ worker_connections 12000; }}
         http {{
           access_log {log}; keepalive_requests 1000000000; sendfile on; tcp_nopush on;
           open_file_cache max=100;
           client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2;
           fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
           server {{
             listen 127.0.0.1:{port} backlog=4096; root {folder}/www;
             location = /-/health {{ default_type text/plain; return 200 \"ok\\n\"; }}
           }}
         }}\n"
    )
}

/// Returns the same for lighttpd: a worker for each core and any number of requests are not its defaults.
fn lighttpd(port: u16, folder: &Path) -> String {
    let (folder, cores) =
        (folder.display(), thread::available_parallelism().map_or(1, usize::from));
    format!(
        "server.port = {port}\nserver.bind = \"127.0.0.1\"\nserver.document-root = \"{folder}/www\"\n\
         server.max-worker = {cores}\nserver.max-fds = 16000\nserver.max-connections = 12000\n\
         server.max-keep-alive-requests = 1000000000\nserver.listen-backlog = 4096\n\
         mimetype.assign = (\"\" => \"text/plain\")\n"
    )
}
