//! `earmark.v1.ScreeningService`.

mod convert;
mod decision_convert;
mod live_call;
mod service;
mod watch;

pub(crate) use self::service::Screening;
