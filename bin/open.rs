//! Opens what the command line names, and explains what cannot be opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use threadbare::app::Site;
use threadbare::app::store::Store;
use threadbare::app::udp_echo::UdpEcho;
use threadbare::cli::files::FileOptions;
use threadbare::cli::logs::AccessLogTo;
use threadbare::cli::server::{self as flags, Data, ServerOptions};
use threadbare::server::{AccessLog, Files, Links, LogWriter, MediaTypes, Server, Uploads};

/// Binds the addresses of the UDP echo. Returns them as the ready line shows them.
pub(crate) fn udp_addresses(
    server: &mut Server,
    addresses: &[String],
    echo: Arc<UdpEcho>,
) -> Result<Vec<String>, String> {
    let mut bound = Vec::new();
    for address in addresses {
        let echo = Arc::clone(&echo);
        bound.extend(server.serve_datagrams(address, echo).map_err(|error| error.to_string())?);
    }
    Ok(bound.iter().map(|address| format!("udp://{address}")).collect())
}

/// Opens the store of the users. A folder that was typed must be writable; the default one is created when it is needed.
pub(crate) fn store(data: &Data) -> Result<Option<Store>, String> {
    let (folder, is_typed) = match data {
        Data::Off => return Ok(None),
        Data::Default => (Path::new(flags::DEFAULT_DATA), false),
        Data::Folder(folder) => (folder.as_path(), true),
    };
    let store = Store::at(folder);
    let prepared = if is_typed || folder.exists() { store.prepare() } else { Ok(()) };
    match prepared {
        Err(error) if is_typed => {
            let folder = folder.display();
            Err(format!(
                "{folder} cannot store users: {error}; right: --data FOLDER, or --data off"
            ))
        }
        _ => Ok(Some(store)),
    }
}

/// Opens the folders of the sites that have names of their own.
pub(crate) fn sites(options: &ServerOptions) -> Result<Vec<Site>, String> {
    let open = |(name, folder): &(String, PathBuf)| {
        let files = files(folder, options)?;
        let uploads = options.write.then(|| uploads(folder, options.max_upload)).transpose()?;
        Ok(Site { name: name.clone(), files, uploads })
    };
    options.hosts.iter().map(open).collect()
}

/// Opens a folder whose files are served.
pub(crate) fn files(root: &Path, options: &ServerOptions) -> Result<Files, String> {
    let files = Files::new(root).map_err(|error| cannot_serve(root, &error))?;
    let FileOptions { links, dotfiles, precompressed, charset, spa, cache_control, .. } =
        options.files.clone();
    if links == Links::All {
        let root = root.display();
        log::warn!(
            "--links all: every file that this user may read is served, if a link in {root} leads to it"
        );
    }
    let files = files.links(links).dotfiles(dotfiles).precompressed(precompressed);
    let files = files.charset(charset).types(media_types(&options.files)?);
    let files = match spa {
        Some(page) => files.spa(page),
        None => files,
    };
    let files = match cache_control {
        Some(value) => files.cache_control(&value).map_err(|error| error.to_string())?,
        None => files,
    };
    Ok(files.listing(options.listing).listings_memory(options.listings_memory))
}

/// Reads the files of media types. Those that were typed win.
fn media_types(options: &FileOptions) -> Result<MediaTypes, String> {
    let mut types = MediaTypes::default();
    for path in &options.type_files {
        let shown = path.display();
        let text = std::fs::read(path).map_err(|error| format!("--mime-types {shown}: {error}"))?;
        let added = types.add_all(&String::from_utf8_lossy(&text));
        added.map_err(|error| format!("--mime-types {shown}: {error}"))?;
    }
    types.extend(&options.types);
    Ok(types)
}

/// Opens the folder whose files clients may change, with bodies of this many bytes at most.
pub(crate) fn uploads(root: &Path, most: u64) -> Result<Uploads, String> {
    let uploads = Uploads::new(root).map_err(|error| cannot_serve(root, &error))?;
    Ok(uploads.limit(most))
}

fn cannot_serve(root: &Path, error: &std::io::Error) -> String {
    let (advice, root) = (flags::misspelled(root).unwrap_or_default(), root.display());
    format!("the folder {root} cannot be served: {error}; right: server FOLDER{advice}")
}

/// Opens the access log.
pub(crate) fn access_log(to: &AccessLogTo, stderr: &LogWriter) -> Result<AccessLog, String> {
    match to {
        AccessLogTo::Off => Ok(AccessLog::off()),
        AccessLogTo::Stderr => Ok(AccessLog::through(stderr.clone())),
        AccessLogTo::File(path) => AccessLog::file(path).map_err(|error| {
            let path = path.display();
            format!("the access log {path} cannot be written: {error}; right: --access-log FILE, - or off")
        }),
    }
}
