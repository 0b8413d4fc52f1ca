//! Where a proxy forwards to, and a connection there or from there.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

/// A server's port or socket.
#[derive(Clone, Debug)]
pub(crate) enum Upstream {
    Tcp(String, u16),
    Unix(PathBuf),
}

impl Upstream {
    pub(super) fn connect(&self) -> io::Result<Socket> {
        match self {
            Self::Tcp(host, port) => {
                let stream = TcpStream::connect((&**host, *port))?;
                stream.set_nodelay(true)?;
                Ok(Socket::Tcp(stream))
            }
            Self::Unix(path) => UnixStream::connect(path).map(Socket::Unix),
        }
    }
}

/// One side of a link; read and written by two threads at once.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => Read::read(&mut &*stream, buffer),
            Self::Unix(stream) => Read::read(&mut &*stream, buffer),
        }
    }

    pub(super) fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => Write::write_all(&mut &*stream, bytes),
            Self::Unix(stream) => Write::write_all(&mut &*stream, bytes),
        }
    }

    /// One that is shut already is no failure.
    pub(super) fn shutdown(&self, how: Shutdown) {
        let _shut = match self {
            Self::Tcp(stream) => stream.shutdown(how),
            Self::Unix(stream) => stream.shutdown(how),
        };
    }
}
