//! How the long-running commands are asked to stop.

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal as listen};

/// Ends with SIGTERM, as an orchestrator sends it, or Ctrl-C; both are listened for from now on.
pub(crate) fn signal() -> Result<impl Future<Output = ()>> {
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
