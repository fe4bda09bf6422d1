//! What the command line `client` does around a call, curl's habits kept where curl has them.
//!
//! | file | what it does |
//! |---|---|
//! | [`form`], [`upload`] | `-F`: the fields of a form, and its bytes |
//! | [`credentials`] | `-u`: the value of `Authorization` |
//! | [`reach`] | `-x`, `--resolve`, the environment, every phase's timeout: the way, and how long |
//! | [`dry`] | `--offline`, `--as`: the request that is not sent |
//! | [`part`], [`resume`] | `-o`, `-O`, `-C`: a file that is whole or not there; the rest of it |
//! | [`transfer`], [`write_out`] | `-w`, `--json-out`: the figures of a transfer, and how they are told |
//! | [`pretty`], [`progress`], [`screen`] | on a terminal: JSON for people; how far a download is, and `--limit-rate`; nothing that would play with it |

pub mod dry;
pub mod form;
pub mod part;
pub mod pretty;
pub mod progress;
pub mod reach;
pub mod resume;
pub mod screen;
pub mod transfer;
pub mod upload;
pub mod write_out;

pub use super::credentials;
