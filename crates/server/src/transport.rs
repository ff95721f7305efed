//! From sockets to requests: accept, TLS, HTTP/1 and HTTP/2 on one port.

mod connections;
mod patient;
mod tls;

pub(crate) use self::connections::{Connections, pause_after};
pub use self::tls::TlsOptions;
pub(crate) use self::tls::acceptor;
