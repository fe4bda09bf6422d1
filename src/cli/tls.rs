//! The flags of `server` for https.

use std::ffi::OsStr;
use std::path::PathBuf;

use super::Effect::{Switch, Value};
use super::listen::host_and_port;
use super::server::{ServerOptions, not_empty};
use super::{Expected, Flag};

/// Where https is spoken, and with which certificates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// The addresses to listen on, as typed.
    pub bind: Vec<String>,
    /// The files of certificates, as typed.
    pub certificates: Vec<PathBuf>,
    /// The files of their keys, in the same order.
    pub keys: Vec<PathBuf>,
    /// Whether there is a certificate that the server issues to itself.
    pub self_signed: bool,
}

pub(super) const FLAGS: &[Flag<ServerOptions>] = &[
    Flag::new(
        None,
        "tls",
        Value("ADDR:PORT", |options, value| {
            options.tls.bind.push(host_and_port(value)?);
            Ok(())
        }),
        "serve https on this address, too, with --cert and --key; repeatable (needs a program that is built with \
         --features tls)",
    ),
    Flag::new(
        None,
        "cert",
        Value("FILE", |options, value| {
            options.tls.certificates.push(file(value, "a file, such as cert.pem")?);
            Ok(())
        }),
        "the certificate for --tls, and those that lead from it to one that clients know, as text (PEM); repeatable: \
         the name that the client asks for decides",
    ),
    Flag::new(
        None,
        "key",
        Value("FILE", |options, value| {
            options.tls.keys.push(file(value, "a file, such as key.pem")?);
            Ok(())
        }),
        "the private key of the certificate, as text (PEM); the second --key is for the second --cert",
    ),
    Flag::new(
        None,
        "tls-self-signed",
        Switch(|options, on| options.tls.self_signed = on),
        "issue the certificate for --tls to oneself, for localhost and the name of this machine, keep it in the folder \
         of --data, and log its fingerprint",
    ),
];

fn file(value: &OsStr, right: &'static str) -> Result<PathBuf, Expected> {
    Ok(not_empty(value, right)?.into())
}
