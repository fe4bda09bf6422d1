//! The server's side of TLS: its certificates, by the name that the client asks for.
//!
//! The versions are 1.2 and 1.3, the only protocol inside is HTTP/1.1 (RFC 7301), and sessions are resumed by tickets
//! whose keys change every six hours (RFC 8446, 4.6.1). The certificate is that of the first pair whose names include
//! the one that the client asks for (SNI, RFC 6066, 3); that of the first pair if there is none.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection};

use super::pem::{self, InvalidCertificate};
use super::session::Session;

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
}

impl Acceptor {
    /// Reads the certificates.
    ///
    /// # Errors
    /// When one cannot be read, or does not belong to its key.
    pub fn new(pairs: Vec<Pair>) -> Result<Acceptor, InvalidCertificate> {
        let provider = Arc::new(ring::default_provider());
        let certificates = Certificates::read(&pairs, &provider)?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has both versions")
            .with_no_client_auth();
        let mut config = config.with_cert_resolver(Arc::new(certificates));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if let Ok(ticketer) = ring::Ticketer::new() {
            config.ticketer = ticketer;
        }
        Ok(Acceptor { config: Arc::new(config) })
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
struct Certificates(RwLock<Vec<Arc<CertifiedKey>>>);

impl Certificates {
    fn read(pairs: &[Pair], provider: &CryptoProvider) -> Result<Certificates, InvalidCertificate> {
        let read = |pair: &Pair| read(pair, provider).map(Arc::new);
        Ok(Certificates(RwLock::new(pairs.iter().map(read).collect::<Result<_, _>>()?)))
    }
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
        let all = self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner());
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
