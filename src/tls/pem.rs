//! Certificates and keys in files, as text (PEM, RFC 7468).

use std::fmt;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why a certificate, or its key, cannot be used.
#[derive(Debug)]
pub struct InvalidCertificate {
    path: PathBuf,
    what: String,
}

impl InvalidCertificate {
    pub(super) fn new(path: &Path, what: impl fmt::Display) -> InvalidCertificate {
        InvalidCertificate { path: path.to_owned(), what: what.to_string() }
    }
}

impl fmt::Display for InvalidCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.what)
    }
}

impl std::error::Error for InvalidCertificate {}

/// Reads the certificates of a file, in their order.
///
/// # Errors
/// When it cannot be read, or has none.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, InvalidCertificate> {
    let invalid = |error: PemError| InvalidCertificate::new(path, said(&error));
    let all = CertificateDer::pem_file_iter(path).map_err(invalid)?;
    let all: Vec<_> = all.collect::<Result<_, _>>().map_err(invalid)?;
    match all.is_empty() {
        false => Ok(all),
        true => Err(InvalidCertificate::new(
            path,
            "no certificate in it; right: -----BEGIN CERTIFICATE-----",
        )),
    }
}

/// Reads the first private key of a file.
///
/// # Errors
/// When it cannot be read, or has none.
pub fn key(path: &Path) -> Result<PrivateKeyDer<'static>, InvalidCertificate> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| match error {
        PemError::NoItemsFound => InvalidCertificate::new(
            path,
            "no private key in it that is not encrypted; right: -----BEGIN PRIVATE KEY-----",
        ),
        error => InvalidCertificate::new(path, said(&error)),
    })
}

fn said(error: &PemError) -> String {
    match error {
        PemError::Io(error) => error.to_string(),
        error => format!("not in the form of PEM: {error}"),
    }
}
