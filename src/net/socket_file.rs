//! A listening socket in the file system: makes it, replaces one that a dead server has left, and removes it.

use std::fs::{self, Permissions};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, listen, socket,
};
use nix::sys::stat::{UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;

use super::socket::BACKLOG;

/// The name of a socket that this server has made or taken over. Dropped, it is removed.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// `None`: it is still the file of the server that hands the socket over.
    identity: Option<Identity>,
}

/// The device and the number of the file, and when it was made or claimed, in seconds and nanoseconds.
type Identity = (u64, u64, i64, i64);

impl SocketFile {
    /// Listens at `path`, for the users whom the permissions `mode` allow to write.
    ///
    /// # Errors
    /// When it cannot be made, or when something else is there: a server that listens, or another file.
    pub(super) fn listen(path: &Path, mode: u32) -> io::Result<(UnixListener, SocketFile)> {
        let error = |errno: Errno| io::Error::other(explain(errno));
        let address = UnixAddr::new(path).map_err(error)?;
        let new = unix_socket().map_err(error)?;
        let bound = match bind(new.as_raw_fd(), &address) {
            Err(Errno::EADDRINUSE) => {
                remove_stale(path, &address)?;
                bind(new.as_raw_fd(), &address)
            }
            bound => bound,
        };
        bound.map_err(error)?;
        // No client can connect before listen(2), so none finds other permissions.
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        listen(&new, Backlog::new(BACKLOG)?).map_err(error)?;
        let file = SocketFile { path: path.to_owned(), identity: Some(identity(path)?) };
        Ok((new.into(), file))
    }

    /// Returns the name of a socket that another server has made and hands over. That server removes it, until it
    /// is [claimed](SocketFile::claim).
    pub(super) fn of_another_server(path: &Path) -> SocketFile {
        SocketFile { path: path.to_owned(), identity: None }
    }

    /// Claims the name of a socket that was handed over: from now on this server removes it. The other one finds
    /// a new time of modification, and leaves it there.
    pub(super) fn claim(&mut self) {
        if self.identity.is_some() {
            return;
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = TimeSpec::from_duration(now);
        let flag = UtimensatFlags::NoFollowSymlink;
        let touched = utimensat(AT_FDCWD, &self.path, &now, &now, flag);
        self.identity = touched.ok().and_then(|()| identity(&self.path).ok());
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another server may have put its own socket there in the meantime.
        if self.identity.is_some() && identity(&self.path).ok() == self.identity {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<Identity> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino(), file.mtime(), file.mtime_nsec()))
}

/// Removes the socket at `path` if no process listens on it. A server that has been killed leaves its socket
/// there, and connect(2) on it then fails with ECONNREFUSED.
fn remove_stale(path: &Path, address: &UnixAddr) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        let what = "a file that is no socket is there, and is not replaced; choose another path";
        return Err(io::Error::other(what));
    }
    match connect_at_once(address) {
        Err(Errno::ECONNREFUSED) => fs::remove_file(path),
        Err(Errno::ENOENT) => Ok(()),
        // EAGAIN: its backlog is full. Else it is a socket of another kind, or not this user's.
        Ok(_) | Err(_) => {
            let what = "another program listens on it; stop that program, or choose another path";
            Err(io::Error::other(what))
        }
    }
}

/// Connects without waiting, by a socket that does not block: EAGAIN if the backlog of the server is full.
pub(super) fn connect_at_once(address: &UnixAddr) -> nix::Result<OwnedFd> {
    let socket = unix_socket()?;
    connect(socket.as_raw_fd(), address)?;
    Ok(socket)
}

/// Returns a socket that does not block.
fn unix_socket() -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    socket(AddressFamily::Unix, SockType::Stream, flags, None)
}

/// Says what is wrong with the path of a socket.
fn explain(errno: Errno) -> String {
    match errno {
        Errno::ENAMETOOLONG => "the path is too long: at most 107 bytes (unix(7))".to_owned(),
        Errno::ENOENT => "its folder does not exist".to_owned(),
        Errno::EACCES | Errno::EPERM => "this user may not write into its folder".to_owned(),
        errno => errno.desc().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;
    use std::process;

    /// A folder of its own, removed at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("threadbare-{}-{name}", process::id()));
            fs::create_dir(&path).unwrap();
            Folder(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let folder = Folder::new("stale");
        let path = folder.0.join("socket");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "std leaves it");

        let (listener, file) = SocketFile::listen(&path, 0o600).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let error = SocketFile::listen(&path, 0o600).unwrap_err().to_string();
        assert!(error.starts_with("another program listens on it"), "{error}");
        UnixStream::connect(&path).unwrap();
        drop((listener, file));
        assert!(!path.exists(), "it is removed at the end");
    }

    #[test]
    fn another_file_or_the_socket_of_another_server_stays() {
        let folder = Folder::new("others");
        let (text, path) = (folder.0.join("text"), folder.0.join("socket"));
        fs::write(&text, "kept").unwrap();
        let error = SocketFile::listen(&text, 0o600).unwrap_err().to_string();
        assert!(error.starts_with("a file that is no socket is there"), "{error}");
        assert_eq!(fs::read_to_string(&text).unwrap(), "kept");

        let (_listener, file) = SocketFile::listen(&path, 0o600).unwrap();
        fs::remove_file(&path).unwrap();
        let _other = UnixListener::bind(&path).unwrap();
        drop(file);
        assert!(path.exists());
    }

    #[test]
    fn what_is_wrong_with_a_path_is_said() {
        let long = format!("/tmp/{}", "x".repeat(200));
        for (path, begin) in
            [(long.as_str(), "the path is too long"), ("/no/such/socket", "its folder")]
        {
            let error = SocketFile::listen(Path::new(path), 0o600).unwrap_err().to_string();
            assert!(error.starts_with(begin), "{error}");
        }
    }

    #[test]
    fn the_server_that_has_claimed_a_socket_removes_it() {
        let folder = Folder::new("claimed");
        let path = folder.0.join("socket");
        for is_claimed in [true, false] {
            let (_listener, first) = SocketFile::listen(&path, 0o600).unwrap();
            let mut next = SocketFile::of_another_server(&path);
            if is_claimed {
                next.claim();
                drop(first);
                assert!(path.exists());
                drop(next);
            } else {
                drop(next);
                assert!(path.exists());
                drop(first);
            }
            assert!(!path.exists());
        }
    }
}
