//! What stands for TLS in a program that is built without it: types that have no values.

use std::io;
use std::net::TcpStream;

use super::{Handshake, Received};

/// An encrypted connection: there is none.
#[derive(Debug)]
pub enum Session {}

impl Session {
    /// Goes on with the handshake.
    ///
    /// # Errors
    /// Never.
    pub fn handshake(&mut self, _: &TcpStream) -> io::Result<Handshake> {
        match *self {}
    }

    /// Reads what has arrived.
    ///
    /// # Errors
    /// Never.
    pub fn read(&mut self, _: &TcpStream, _: &mut [u8]) -> io::Result<Received> {
        match *self {}
    }

    /// Encrypts and sends.
    ///
    /// # Errors
    /// Never.
    pub fn write(&mut self, _: &TcpStream, _: &[u8]) -> io::Result<usize> {
        match *self {}
    }

    /// Says that this was the last byte.
    pub fn close(&mut self, _: &TcpStream) {
        match *self {}
    }
}

/// The server's side: there is none.
#[derive(Debug, Clone)]
pub enum Acceptor {}

impl Acceptor {
    /// Reads the certificates again.
    pub fn refresh(&self) {
        match *self {}
    }

    /// Begins a connection.
    ///
    /// # Errors
    /// Never.
    pub fn begin(&self) -> io::Result<Session> {
        match *self {}
    }
}
