//! A folder into which a recorder drops recordings: each is screened once and moved on.
//!
//! ```text
//! scan -> arrivals (complete?) -> screening (whose call, which channel, engine) -> shelf (done/, failed/)
//! ```
//!
//! Looked at again and again rather than watched by inotify: recorders deliver over NFS and SMB, where
//! inotify says nothing, whether a recording is complete takes time to tell anyway, and a look costs
//! some milliseconds.
//!
//! Nothing but the file system and the record of the call hold any state, so the program may be killed
//! at any point: a recording stays where it is until its result is written, and one that comes again is
//! answered from the record of its call.

mod arrivals;
mod details;
mod listing;
mod refused;
mod roles;
mod screening;
mod shelf;
mod sidecar;
mod template;
mod watcher;

pub(crate) use arrivals::Completeness;
pub(crate) use details::Source;
pub(crate) use roles::{MixedPolicy, MonoRole, Roles};
pub(crate) use screening::Screening;
pub(crate) use shelf::Shelf;
pub(crate) use template::NameTemplate;
pub(crate) use watcher::{Ended, Watcher};
