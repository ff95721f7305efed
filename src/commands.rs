//! One file a command.

pub(crate) mod adapt;
pub(crate) mod demo;
pub(crate) mod demo_call;
pub(crate) mod enroll;
pub(crate) mod evaluate;
pub(crate) mod extract;
pub(crate) mod list_proxy;
pub(crate) mod model;
pub(crate) mod screen;
pub(crate) mod serve;
pub(crate) mod simulate;
pub(crate) mod watch;
