//! The servers that are measured: ours, ours without the lobby, and others. All serve one folder:
//! `/small` is 150 bytes, `/medium` is 1 MB, `/large` is 100 MB.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::machine;
use super::probe::{connect, get};

/// The number of workers, for each server that has such a setting.
pub const WORKERS: usize = 16;

/// The bytes of `/medium`.
pub const MEDIUM: usize = 1 << 20;

/// The bytes of `/large`.
pub const LARGE: u64 = 100 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Ours,
    Textbook,
    Nginx,
    Apache,
    Cheroot,
}

pub const ALL: [Subject; 5] =
    [Subject::Ours, Subject::Textbook, Subject::Nginx, Subject::Apache, Subject::Cheroot];

/// A running server. It is stopped with its children when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    pub address: SocketAddr,
    log: PathBuf,
}

/// The served folder; removed when dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> io::Result<Folder> {
        let folder =
            Folder(std::env::temp_dir().join(format!("threadbare-starve-{}", std::process::id())));
        fs::create_dir_all(folder.0.join("www"))?;
        fs::write(folder.0.join("www/small"), [b'x'; 150])?;
        fs::write(folder.0.join("www/medium"), vec![b'x'; MEDIUM])?;
        File::create(folder.0.join("www/large"))?.set_len(LARGE)?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Subject {
    /// Returns its name on the command line and in the table.
    pub fn name(self) -> &'static str {
        match self {
            Subject::Ours => "ours",
            Subject::Textbook => "textbook",
            Subject::Nginx => "nginx",
            Subject::Apache => "apache",
            Subject::Cheroot => "cheroot",
        }
    }

    /// Returns true if it has our routes, such as `/sleep`.
    pub fn is_ours(self) -> bool {
        matches!(self, Subject::Ours | Subject::Textbook)
    }

    /// Returns how to install it, if it is missing.
    pub fn missing(self) -> Option<&'static str> {
        let (there, how) = match self {
            Subject::Ours | Subject::Textbook => return None,
            Subject::Nginx => (machine::has("nginx"), "apt-get install nginx"),
            Subject::Apache => (machine::has("apache2"), "apt-get install apache2"),
            Subject::Cheroot => {
                let python = Command::new("python3").args(["-c", "import cheroot"]).output();
                (python.is_ok_and(|output| output.status.success()), "pip install cheroot")
            }
        };
        (!there).then_some(how)
    }

    /// Returns the signal after which it finishes what is under way, and ends.
    pub fn graceful(self) -> Signal {
        match self {
            Subject::Ours | Subject::Textbook | Subject::Cheroot => Signal::SIGTERM,
            Subject::Nginx => Signal::SIGQUIT,
            Subject::Apache => Signal::SIGWINCH,
        }
    }

    /// Starts it, with `descriptors` descriptors if given. Ours has short deadlines.
    pub fn start(
        self,
        server: &Path,
        folder: &Folder,
        deadline: Duration,
        descriptors: Option<usize>,
    ) -> io::Result<Running> {
        let Folder(folder) = folder;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let (www, log) = (folder.join("www"), folder.join("log"));
        let mut words: Vec<String> = Vec::new();
        let mut say = |line: &str| words.extend(line.split(' ').map(str::to_owned));
        let conf = folder.join("conf");
        let (www_text, folder_text, conf_text) = (www.display(), folder.display(), conf.display());
        match self {
            Subject::Ours | Subject::Textbook => {
                let lobby = if self == Subject::Ours { "on" } else { "off" };
                say(&format!(
                    "{} --bind 127.0.0.1:{port} --workers {WORKERS} --lobby {lobby} --access-log off \
                     --data {folder_text}/data {www_text}",
                    server.display()
                ));
                say(&DEADLINES.map(|flag| format!("--{flag} {}", deadline.as_secs())).join(" "));
            }
            Subject::Nginx => {
                fs::write(&conf, nginx(port, folder, ["", ""]))?;
                say(&format!("nginx -p {folder_text} -e stderr -c {conf_text}"));
            }
            Subject::Apache => {
                fs::write(&conf, apache(port, folder))?;
                say(&format!("apache2 -D FOREGROUND -f {conf_text}"));
            }
            Subject::Cheroot => {
                fs::write(&conf, CHEROOT)?;
                say(&format!("python3 {conf_text} {port} {WORKERS}"));
            }
        }
        spawn(words, folder, log, port, descriptors)
    }

    /// Starts it with room for 12,000 connections, and rooms to which clients can subscribe. The textbook has
    /// a worker for each of them.
    pub fn start_with_rooms(
        self,
        server: &Path,
        folder: &Folder,
        subscribers: usize,
    ) -> io::Result<Running> {
        let flags = match self {
            Subject::Nginx if !Path::new(NCHAN).is_file() => {
                return Err(io::Error::other("it needs nchan: apt-get install libnginx-mod-nchan"));
            }
            Subject::Nginx => {
                let Folder(folder) = folder;
                let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
                let module = format!("load_module {NCHAN};");
                let conf = folder.join("conf-rooms");
                fs::write(&conf, nginx(port, folder, [&module, NCHAN_ROOMS]))?;
                let words =
                    format!("nginx -p {} -e stderr -c {}", folder.display(), conf.display());
                let words = words.split(' ').map(str::to_owned).collect();
                return spawn(words, folder, folder.join("log"), port, None);
            }
            Subject::Textbook => {
                format!("--max-connections 12000 --workers {}", subscribers + WORKERS)
            }
            _ => format!("--max-connections 12000 --workers {WORKERS}"),
        };
        self.start_ours(server, folder, &flags)
    }

    /// Starts ours, or the textbook, with these flags in place of the usual ones. Several may run at a
    /// time: each has a log of its own, by its port.
    pub fn start_ours(self, server: &Path, folder: &Folder, flags: &str) -> io::Result<Running> {
        let Folder(folder) = folder;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let lobby = if self == Subject::Ours { "on" } else { "off" };
        let (server, folder_text) = (server.display(), folder.display());
        let words = format!(
            "{server} --bind 127.0.0.1:{port} --lobby {lobby} --access-log off \
             --data {folder_text}/data {flags} {folder_text}/www"
        );
        let words = words.split(' ').map(str::to_owned).collect();
        spawn(words, folder, folder.join(format!("log-{port}")), port, None)
    }
}

/// Starts a program, and waits until it serves.
fn spawn(
    words: Vec<String>,
    folder: &Path,
    log: PathBuf,
    port: u16,
    descriptors: Option<usize>,
) -> io::Result<Running> {
    let limit = descriptors.map_or(String::new(), |limit| format!("ulimit -n {limit}; "));
    let child = Command::new("sh")
        .args(["-c", &format!("{limit}exec \"$@\""), "sh"])
        .args(words)
        .current_dir(folder)
        .env("PATH", format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&log)?)
        .spawn()?;
    let mut running = Running { child, address: ([127, 0, 0, 1], port).into(), log };
    running.wait_until_it_serves()?;
    Ok(running)
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// Has it logged this?
    pub fn has_said(&self, words: &str) -> bool {
        fs::read_to_string(&self.log).is_ok_and(|said| said.contains(words))
    }

    /// How many lines it has logged.
    pub fn log_lines(&self) -> usize {
        File::open(&self.log).map_or(0, |file| BufReader::new(file).lines().count())
    }

    /// Waits for its end: how long that took, and whether it was a success.
    pub fn wait(&mut self, at_most: Duration) -> Option<(Duration, bool)> {
        let begun = Instant::now();
        while begun.elapsed() < at_most {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some((begun.elapsed(), status.success()));
            }
            thread::sleep(Duration::from_millis(5));
        }
        None
    }

    fn wait_until_it_serves(&mut self) -> io::Result<()> {
        let begun = Instant::now();
        loop {
            let served = connect(self.address).and_then(|mut stream| get(&mut stream, "/small"));
            match served {
                Ok(answer) if answer.status == 200 => return Ok(()),
                Ok(_) | Err(_) if begun.elapsed() < Duration::from_secs(10) => {}
                Ok(_) | Err(_) => {
                    let said = fs::read_to_string(&self.log).unwrap_or_default();
                    return Err(io::Error::other(format!("it does not serve; it said: {said}")));
                }
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let family = machine::family(self.pid());
        if let Ok(None) = self.child.try_wait() {
            self.signal(Signal::SIGTERM);
            if self.wait(Duration::from_secs(2)).is_none() {
                family.into_iter().for_each(|pid| send(pid, Signal::SIGKILL));
            }
        }
        let _ = self.child.wait();
    }
}

/// What is set short, so that it is seen to be kept in a short run. The minimum rate is the default.
const DEADLINES: [&str; 3] = ["head-time", "idle-time", "transfer-grace"];

/// Bytes a second that ours asks for by default.
pub const RATE: u32 = 500;

fn send(pid: u32, signal: Signal) {
    if let Ok(pid) = pid.try_into() {
        let _ = kill(Pid::from_raw(pid), signal); // it may have ended by itself
    }
}

/// As it comes, but with room for all the connections, and for any number of requests on each.
/// A body is collected before it is passed on, to nobody. `module` is loaded, and has these locations.
fn nginx(port: u16, folder: &Path, [module, locations]: [&str; 2]) -> String {
    let folder = folder.display();
    let user = if nix::unistd::geteuid().is_root() { "user root;" } else { "" };
    format!(
        "{user} {module} daemon off; pid {folder}/pid; worker_processes auto; error_log stderr;
         events {{ worker_connections 12000; }}
         http {{
           access_log off; keepalive_requests 1000000000;
           client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2;
           fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
           server {{
             listen 127.0.0.1:{port}; root {folder}/www; {locations}
             location = /echo {{ client_max_body_size 16m; proxy_pass http://127.0.0.1:9; }}
           }}
         }}\n"
    )
}

/// The module of nginx with which clients can subscribe, and rooms as ours: the same requests, and the same
/// number of kept messages.
const NCHAN: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";
const NCHAN_ROOMS: &str = "location ~ ^/rooms/(.+)$ {
    nchan_pubsub; nchan_channel_id $1; nchan_message_buffer_length 100;
    nchan_subscriber_first_message newest;
}";

/// As Debian sets it up: the event MPM and its default numbers, mod_reqtimeout and its defaults.
fn apache(port: u16, folder: &Path) -> String {
    let folder = folder.display();
    let modules: String = ["mpm_event", "authz_core", "reqtimeout"]
        .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
        .concat();
    format!(
        "{modules}Listen 127.0.0.1:{port}\nServerName a\nServerRoot {folder}\nPidFile {folder}/pid\n\
         DefaultRuntimeDir {folder}\nUser www-data\nGroup www-data\nErrorLog /dev/stderr\n\
         DocumentRoot {folder}/www\nMaxRequestWorkers 150\nThreadsPerChild 25\nStartServers 2\n\
         RequestReadTimeout header=20-40,minrate=500 body=10,minrate=500\n\
         <Directory {folder}/www>\nRequire all granted\n</Directory>\n"
    )
}

const CHEROOT: &str = r#"
import sys
from cheroot.wsgi import Server

def app(environ, start):
    if environ["REQUEST_METHOD"] == "POST":
        environ["wsgi.input"].read()
    with open("www" + environ["PATH_INFO"], "rb") if environ["PATH_INFO"] != "/echo" else open("/dev/null", "rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        start("200 OK", [("Content-Length", str(size))])
        while piece := file.read(65536):
            yield piece

server = Server(("127.0.0.1", int(sys.argv[1])), app, numthreads=int(sys.argv[2]))
try:
    server.start()
except KeyboardInterrupt:
    server.stop()
"#;
