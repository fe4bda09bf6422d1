//! `--tls`, `--cert`, `--key`, which need the feature `tls`. Without it the program has the flags, and says so.

use threadbare::cli::tls::TlsOptions;
use threadbare::server::Server;
use threadbare::tls::Acceptor;

/// Reads the certificates; `None` if https is spoken nowhere.
pub(crate) fn open(options: &TlsOptions) -> Result<Option<Acceptor>, String> {
    let TlsOptions { bind, certificates, keys } = options;
    match (bind.is_empty(), certificates.is_empty(), certificates.len() == keys.len()) {
        (true, true, true) => Ok(None),
        (true, ..) => {
            Err("--cert and --key are for https; right: --tls 127.0.0.1:8443 with them".to_owned())
        }
        (_, true, _) => Err(
            "--tls needs a certificate and its key; right: --cert cert.pem --key key.pem with it"
                .to_owned(),
        ),
        (_, _, false) => Err(format!(
            "{} --cert and {} --key: each certificate has a key of its own; right: as many of both, in the same order",
            certificates.len(),
            keys.len()
        )),
        _ => acceptor(options).map(Some),
    }
}

#[cfg(feature = "tls")]
fn acceptor(options: &TlsOptions) -> Result<Acceptor, String> {
    use threadbare::tls::acceptor::Pair;
    let pairs = options.certificates.iter().zip(&options.keys);
    let pair = |(certificate, key): (&std::path::PathBuf, &std::path::PathBuf)| Pair {
        certificate: certificate.clone(),
        key: key.clone(),
    };
    Acceptor::new(pairs.map(pair).collect()).map_err(|error| error.to_string())
}

#[cfg(not(feature = "tls"))]
fn acceptor(_: &TlsOptions) -> Result<Acceptor, String> {
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
