//! What a person who starts the server should know: where others reach it, and that more is served than was meant.

use std::env;
use std::fs;
use std::path::Path;

use threadbare::cli::server::{DEFAULT_DATA, Data, ServerOptions};
use threadbare::server::Server;

/// Logs the URLs for other machines, if the server listens on all addresses of this one.
pub(crate) fn log_network(server: &Server) {
    let urls = server.reachable_addresses().into_iter().map(|address| format!("http://{address}/"));
    let urls: Vec<String> = urls.collect();
    if !urls.is_empty() {
        log::info!("for other machines of this network: {}", urls.join(" "));
    }
}

/// Warns of a root that has the home of this user in it, with all that is private there.
pub(crate) fn warn_of_home(root: &Path) {
    let home = env::var_os("HOME").and_then(|home| fs::canonicalize(home).ok());
    let root = fs::canonicalize(root).ok();
    if let Some((home, root)) = home.zip(root).filter(|(home, root)| home.starts_with(root)) {
        let (home, root) = (home.display(), root.display());
        log::warn!(
            "{root} is served, and the home {home} is in it; right: a folder for what everyone may read"
        );
    }
}

/// Warns of users whose records are among the files that are served: everyone may read them, and with `--write` change
/// them.
pub(crate) fn warn_of_data(options: &ServerOptions) {
    let data = match &options.data {
        Data::Off => return,
        Data::Default => Path::new(DEFAULT_DATA),
        Data::Folder(folder) => folder,
    };
    let root = fs::canonicalize(&options.root).ok();
    // It need not exist yet.
    let data = fs::canonicalize(data).ok().or_else(|| std::path::absolute(data).ok());
    let is_there = data.as_ref().is_some_and(|data| data.exists());
    if let Some((data, root)) = data.zip(root)
        && data.starts_with(&root)
        && (is_there || options.write)
    {
        let (data, root) = (data.display(), root.display());
        log::warn!(
            "the records of /users are in {data}, which is served with {root}; right: --data elsewhere, or off"
        );
    }
}

/// Warns of files that the pages of all sites may change, through the browsers of those who can reach this server.
pub(crate) fn warn_of_cors(options: &ServerOptions) {
    if options.write && options.config.cors.is_any() {
        log::warn!(
            "--cors '*' with --write: a page of any site may change the files; right: --cors ORIGIN of a site"
        );
    }
}
