//! `earmark.v1.ProxyLibraryService`.

mod convert;
mod service;

pub(crate) use self::service::ProxyLibrary;
