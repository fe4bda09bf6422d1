//! `--tls`, `--cert`, `--key`, `--tls-self-signed`, which need the feature `tls`. Without it the program has the flags, and says so.

#[cfg(feature = "tls")]
use std::path::{Path, PathBuf};

#[cfg(feature = "tls")]
use threadbare::cli::server::DEFAULT_DATA;
use threadbare::cli::server::Data;
use threadbare::cli::tls::TlsOptions;
use threadbare::server::Server;
use threadbare::tls::Acceptor;

/// Reads the certificates; `None` if https is spoken nowhere.
pub(crate) fn open(options: &TlsOptions, data: &Data) -> Result<Option<Acceptor>, String> {
    let TlsOptions { bind, certificates, keys, self_signed } = options;
    let has_certificate = *self_signed || !certificates.is_empty();
    if bind.is_empty() {
        return match has_certificate || !keys.is_empty() {
            false => Ok(None),
            true => {
                Err("certificates are for https; right: --tls 127.0.0.1:8443 with them".to_owned())
            }
        };
    }
    if certificates.len() != keys.len() {
        return Err(format!(
            "{} --cert and {} --key: each certificate has a key of its own; right: as many of both, in the same order",
            certificates.len(),
            keys.len()
        ));
    }
    if !has_certificate {
        return Err("--tls needs a certificate; right: --cert cert.pem --key key.pem with it, or --tls-self-signed"
            .to_owned());
    }
    acceptor(options, data).map(Some)
}

#[cfg(feature = "tls")]
fn acceptor(options: &TlsOptions, data: &Data) -> Result<Acceptor, String> {
    use threadbare::tls::acceptor::Pair;
    let pairs = options.certificates.iter().zip(&options.keys);
    let pair = |(certificate, key): (&PathBuf, &PathBuf)| Pair {
        certificate: certificate.clone(),
        key: key.clone(),
    };
    let mut pairs: Vec<Pair> = pairs.map(pair).collect();
    if options.self_signed {
        pairs.push(self_signed(data)?);
    }
    Acceptor::new(pairs).map_err(|error| error.to_string())
}

/// Returns the certificate that is kept in the folder of the data.
#[cfg(feature = "tls")]
fn self_signed(data: &Data) -> Result<threadbare::tls::acceptor::Pair, String> {
    use threadbare::tls::self_signed::SelfSigned;
    let folder = match data {
        Data::Off => {
            let right = "--tls-self-signed keeps its certificate in the folder of --data; right: --data DIR";
            return Err(right.to_owned());
        }
        Data::Default => Path::new(DEFAULT_DATA),
        Data::Folder(folder) => folder,
    };
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".into(), "::1".into()];
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    names.extend(Some(host.trim().to_owned()).filter(|host| !host.is_empty() && host.is_ascii()));
    let made = SelfSigned::in_folder(&folder.join("tls"), &names);
    let SelfSigned { pair, fingerprint } = made.map_err(|error| error.to_string())?;
    log::info!("the certificate for {} is self-signed: SHA-256 {fingerprint}", names.join(", "));
    Ok(pair)
}

#[cfg(not(feature = "tls"))]
fn acceptor(_: &TlsOptions, _: &Data) -> Result<Acceptor, String> {
    Err("--tls: this program was built without https; right: make run FEATURES=tls, or cargo build --release \
         --features tls"
        .to_owned())
}

/// Listens on the addresses. Returns their URLs.
pub(crate) fn listen(server: &mut Server, options: &TlsOptions) -> Result<Vec<String>, String> {
    let mut bound = Vec::new();
    for address in &options.bind {
        bound.extend(server.serve_encrypted(address).map_err(|error| error.to_string())?);
    }
    Ok(bound.iter().map(|address| format!("https://{address}/")).collect())
}
