//! Progress bars, on standard error and only where somebody watches.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over `total` recordings.
pub(crate) fn bar(total: usize) -> ProgressBar {
    let bar = ProgressBar::new(total as u64);
    let style =
        ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed_precise} left {eta_precise} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
