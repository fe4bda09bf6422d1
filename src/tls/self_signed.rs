//! A certificate that a server issues to itself, for a machine for which nobody else will. Clients have to be told to
//! accept it; its fingerprint is what they compare.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};
use rustls::client::verify_server_name;
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;

use super::acceptor::Pair;
use super::pem::{self, InvalidCertificate};

/// For how many years it is valid.
const YEARS: i32 = 10;

/// A certificate, and what tells it from all others.
#[derive(Debug)]
pub struct SelfSigned {
    /// Its files.
    pub pair: Pair,
    /// The SHA-256 of the certificate.
    pub fingerprint: Fingerprint,
}

/// The SHA-256 of a certificate, as openssl and browsers show it: `A1:B2:...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(Vec<u8>);

impl Fingerprint {
    /// Returns that of a certificate.
    pub fn of(certificate: &CertificateDer<'_>) -> Fingerprint {
        let sha256 = TLS13_AES_128_GCM_SHA256.tls13().map(|suite| suite.common.hash_provider);
        Fingerprint(
            sha256.map(|sha256| sha256.hash(certificate).as_ref().to_vec()).unwrap_or_default(),
        )
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs: Vec<String> = self.0.iter().map(|byte| format!("{byte:02X}")).collect();
        f.write_str(&pairs.join(":"))
    }
}

impl SelfSigned {
    /// Returns the certificate in this folder, if it is for all of these names; makes it otherwise. Its key can be read
    /// by this user only.
    ///
    /// # Errors
    /// When it cannot be made, or written.
    pub fn in_folder(folder: &Path, names: &[String]) -> Result<SelfSigned, InvalidCertificate> {
        let certificate = folder.join("self-signed.pem");
        let pair = Pair { key: folder.join("self-signed.key"), certificate };
        let held =
            pem::certificates(&pair.certificate).ok().filter(|_| pem::key(&pair.key).is_ok());
        let first = match held
            .and_then(|all| all.into_iter().next())
            .filter(|first| is_for(first, names))
        {
            Some(first) => first,
            None => make(folder, &pair, names)?,
        };
        Ok(SelfSigned { fingerprint: Fingerprint::of(&first), pair })
    }
}

/// Returns true if the certificate is for all of these names.
fn is_for(certificate: &CertificateDer<'_>, names: &[String]) -> bool {
    let Ok(parsed) = ParsedCertificate::try_from(certificate) else { return false };
    let has = |name: &String| {
        let name = ServerName::try_from(name.as_str());
        name.is_ok_and(|name| verify_server_name(&parsed, &name).is_ok())
    };
    names.iter().all(has)
}

fn make(
    folder: &Path,
    pair: &Pair,
    names: &[String],
) -> Result<CertificateDer<'static>, InvalidCertificate> {
    let failed = |error: rcgen::Error| InvalidCertificate::new(&pair.certificate, error);
    let key = KeyPair::generate().map_err(failed)?;
    let mut params = CertificateParams::new(names).map_err(failed)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "threadbare, self-signed");
    let year = this_year();
    (params.not_before, params.not_after) =
        (date_time_ymd(year - 1, 1, 1), date_time_ymd(year + YEARS, 1, 1));
    let made = params.self_signed(&key).map_err(failed)?;
    let write = |path: &PathBuf, text: &str| {
        write(path, text).map_err(|error| InvalidCertificate::new(path, error))
    };
    fs::create_dir_all(folder).map_err(|error| InvalidCertificate::new(folder, error))?;
    write(&pair.key, &key.serialize_pem())?;
    write(&pair.certificate, &made.pem())?;
    Ok(made.der().clone())
}

/// Writes a file for this user only, in place of an earlier one.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("part");
    let _ = fs::remove_file(&beside); // of a server that was killed
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    fs::rename(&beside, path)
}

/// The year of the calendar, but for some hours around New Year.
fn this_year() -> i32 {
    const SECONDS_OF_YEAR: u64 = 31_556_952;
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    1970 + i32::try_from(since_1970.as_secs() / SECONDS_OF_YEAR).unwrap_or_default()
}
