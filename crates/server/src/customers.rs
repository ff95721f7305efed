//! `earmark.v1.CustomersService`.

mod convert;
mod enroll_stream;
mod service;

pub(crate) use self::service::Customers;
