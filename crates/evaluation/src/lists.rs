//! Readers of trial, enrollment, watch-list and probe lists: CSV, Kaldi and VoxCeleb.
//!
//! Lists come from outside: every file, line and row has a limit, paths are resolved but never
//! run, and every error names the file, the line and what would be right.

mod columns;
mod csv_line;
mod enrollment;
mod kaldi;
mod line;
mod probes;
mod recording;
mod table;
mod trials;
mod verification;

pub use columns::{Columns, KNOWN_COLUMNS};
pub use enrollment::{EnrollmentRow, read_enrollments};
pub use line::{MAX_LINE_BYTES, MAX_LIST_BYTES, MAX_ROWS};
pub use probes::{ProbeRow, check_listed, read_probes};
pub use recording::Recording;
pub use table::MAX_COLUMNS;
pub use trials::TrialRow;
pub use verification::{ListFormat, TrialSources, VerificationList, read_verification};
