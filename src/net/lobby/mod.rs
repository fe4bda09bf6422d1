//! tmp
mod protocol;
