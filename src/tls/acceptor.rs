//! The server's side of TLS: its certificates, by the name that the client asks for.
//!
//! The versions are 1.2 and 1.3, the only protocol inside is HTTP/1.1 (RFC 7301), and sessions are resumed by tickets
//! whose keys change every six hours (RFC 8446, 4.6.1). The certificate is that of the first pair whose names include
//! the one that the client asks for (SNI, RFC 6066, 3); that of the first pair if there is none. Files that change are
//! read again; if they are not right, the certificates that were read before stay.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection};

use super::pem::{self, InvalidCertificate};
use super::session::Session;
use crate::sync::lock;

/// A certificate with its key, in two files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The certificate, and those that lead from it to one that clients know.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Accepts encrypted connections. It is cheap to clone.
#[derive(Debug, Clone)]
pub struct Acceptor {
    config: Arc<ServerConfig>,
    certificates: Arc<Certificates>,
}

impl Acceptor {
    /// Reads the certificates.
    ///
    /// # Errors
    /// When one cannot be read, or does not belong to its key.
    pub fn new(pairs: Vec<Pair>) -> Result<Acceptor, InvalidCertificate> {
        let provider = Arc::new(ring::default_provider());
        let certificates = Arc::new(Certificates::read(pairs, Arc::clone(&provider))?);
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has both versions")
            .with_no_client_auth();
        let mut config = config.with_cert_resolver(certificates.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if let Ok(ticketer) = ring::Ticketer::new() {
            config.ticketer = ticketer;
        }
        Ok(Acceptor { config: Arc::new(config), certificates })
    }

    /// Reads the certificates again if their files have changed. What is wrong with them is in the log.
    pub fn refresh(&self) {
        self.certificates.refresh();
    }

    /// Begins a connection that has been accepted.
    ///
    /// # Errors
    /// When the memory for it cannot be had.
    pub fn begin(&self) -> io::Result<Session> {
        let connection = ServerConnection::new(Arc::clone(&self.config));
        Ok(Session::new(connection.map_err(io::Error::other)?.into()))
    }
}

/// The certificates of a server.
#[derive(Debug)]
struct Certificates {
    pairs: Vec<Pair>,
    provider: Arc<CryptoProvider>,
    read: RwLock<Vec<Arc<CertifiedKey>>>,
    /// The files as they were when they were last looked at.
    seen: Mutex<Vec<Seen>>,
}

/// What tells one version of a file from the next: length, inode, and time of modification.
type Seen = Option<(u64, u64, SystemTime)>;

impl Certificates {
    fn read(
        pairs: Vec<Pair>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Certificates, InvalidCertificate> {
        let seen = Mutex::new(look(&pairs));
        let read = RwLock::new(read_all(&pairs, &provider)?);
        Ok(Certificates { pairs, provider, read, seen })
    }

    fn refresh(&self) {
        let now = look(&self.pairs);
        let before = std::mem::replace(&mut *lock(&self.seen), now.clone());
        if before == now {
            return;
        }
        match read_all(&self.pairs, &self.provider) {
            Ok(read) => {
                *self.read.write().unwrap_or_else(PoisonError::into_inner) = read;
                log::info!("the certificates have changed, and have been read again");
            }
            Err(error) => {
                log::error!("{error}; the certificates that were read before stay in use")
            }
        }
    }
}

fn look(pairs: &[Pair]) -> Vec<Seen> {
    let files = pairs.iter().flat_map(|pair| [&pair.certificate, &pair.key]);
    let seen = |path: &PathBuf| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.len(), metadata.ino(), metadata.modified().ok()?))
    };
    files.map(seen).collect()
}

fn read_all(
    pairs: &[Pair],
    provider: &CryptoProvider,
) -> Result<Vec<Arc<CertifiedKey>>, InvalidCertificate> {
    pairs.iter().map(|pair| read(pair, provider).map(Arc::new)).collect()
}

/// Reads a pair, and checks that its halves belong together.
fn read(pair: &Pair, provider: &CryptoProvider) -> Result<CertifiedKey, InvalidCertificate> {
    let (certificates, key) = (pem::certificates(&pair.certificate)?, pem::key(&pair.key)?);
    CertifiedKey::from_der(certificates, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => InvalidCertificate::new(
            &pair.key,
            format!("not the key of the certificate in {}", pair.certificate.display()),
        ),
        error => InvalidCertificate::new(&pair.certificate, error),
    })
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let all = self.read.read().unwrap_or_else(PoisonError::into_inner);
        let name = hello.server_name().and_then(|name| ServerName::try_from(name).ok());
        let has_name = |pair: &&Arc<CertifiedKey>| {
            let first = pair.cert.first().and_then(|first| ParsedCertificate::try_from(first).ok());
            name.as_ref()
                .zip(first)
                .is_some_and(|(name, first)| verify_server_name(&first, name).is_ok())
        };
        all.iter().find(has_name).or(all.first()).cloned()
    }
}
