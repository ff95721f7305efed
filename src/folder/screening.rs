use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::ErrorKind as IoKind;
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use earmark_audio::RecordingReader;
use earmark_engine::{
    AudioError, CallUpdate, Cancellation, Engine, EngineError, ErrorKind, Limits, RecordingInput,
    RecordingSource,
};
use earmark_voiceprint::{CallId, TenantId};
use serde_json::{Value, json};

use super::arrivals::sidecar;
use super::details::{CallDetails, Source};
use super::listing;
use super::refused::Refused;
use super::roles::Roles;
use super::shelf::MAX_NAME_BYTES;
use super::sidecar;
use crate::{exit, verdict_json};

/// From a recording in a folder to its verdict.
pub(crate) struct Screening {
    pub(crate) engine: Engine,
    pub(crate) tenant: TenantId,
    /// Where it says whose call it is.
    pub(crate) source: Source,
    /// Whose voice is in which channel.
    pub(crate) roles: Roles,
    /// Ends work that nobody waits for any more.
    pub(crate) cancel: Cancellation,
    /// The calls that are being screened: no two recordings of one call at once.
    pub(crate) calls: Mutex<HashSet<CallId>>,
}

/// What becomes of a recording.
pub(crate) enum Fate {
    /// It has a verdict.
    Screened(Box<Screened>),
    /// It can't be screened as it is.
    Refused(Refused),
    /// It is no fault of the recording: another try is worth it.
    Later(String),
    /// Another recording of the same call is being screened.
    Busy,
    /// It went away meanwhile.
    Gone,
    /// Nothing can be screened on this machine.
    Stop(EngineError),
}

/// A recording's verdict.
pub(crate) struct Screened {
    pub(crate) update: CallUpdate,
    /// It was screened before; this is the verdict of then.
    pub(crate) before: bool,
}

impl Screened {
    /// The content of its result file.
    pub(crate) fn as_json(&self, recording: &OsStr) -> Value {
        let mut result = verdict_json::call(&self.update);
        result["recording"] = json!(recording.to_string_lossy());
        result["caller_number"] = json!(self.update.call.caller_number);
        result["agent"] = json!(self.update.call.agent);
        result["scene"] = json!(self.update.call.scene);
        result["screened_at_unix_ms"] = json!(self.update.at.unix_millis());
        result
    }
}

impl Screening {
    pub(super) fn screen(&self, folder: &Path, recording: &OsStr) -> Fate {
        // What a panic leaves behind is dropped while it unwinds, so that nothing broken is seen again.
        let verdict = catch_unwind(AssertUnwindSafe(|| self.verdict(folder, recording)));
        match verdict.unwrap_or_else(|_| Err(Refused::Panicked.into())) {
            Ok(screened) => Fate::Screened(Box::new(screened)),
            Err(Trouble::Busy) => Fate::Busy,
            Err(Trouble::Gone) => Fate::Gone,
            Err(Trouble::Refused(Refused::Engine(error))) => fate(error),
            Err(Trouble::Refused(refused)) => Fate::Refused(refused),
        }
    }

    fn verdict(&self, folder: &Path, recording: &OsStr) -> Result<Screened, Trouble> {
        let path = folder.join(recording);
        if let Some(what) = listing::not_a_file(&path) {
            return Err(Refused::NotAFile { what }.into());
        }
        let details = self.details(folder, recording)?;
        let call = details.call()?;
        let turn = Turn::take(&self.calls, &call.call_id).ok_or(Trouble::Busy)?;
        let file = open(&path)?;
        // What was opened, whatever stands under the name by now.
        let opened = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        let (channel, role) = self.roles.choose(&details, channels(&opened)?)?;
        let input = RecordingInput {
            name: Some(recording.to_string_lossy().into_owned()),
            source: RecordingSource::File(opened),
            channel,
            role,
            format: None,
        };
        let screened = self.engine.screen_recording_once(&self.tenant, call, &input, &self.cancel);
        drop(turn);
        let screened = screened.map_err(Refused::from)?;
        Ok(Screened { update: screened.update, before: screened.before })
    }

    fn details(&self, folder: &Path, recording: &OsStr) -> Result<CallDetails, Refused> {
        if recording.len() > MAX_NAME_BYTES {
            return Err(Refused::NameTooLong { got: recording.len(), most: MAX_NAME_BYTES });
        }
        let name = recording.to_str().ok_or(Refused::NameNotUtf8)?;
        match &self.source {
            Source::Sidecar => sidecar::read(&folder.join(sidecar(recording))),
            Source::Name(template) => template.read(name),
        }
    }
}

enum Trouble {
    Refused(Refused),
    Busy,
    Gone,
}

impl From<Refused> for Trouble {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

fn open(path: &Path) -> Result<File, Trouble> {
    listing::open(path).map_err(|error| match error.kind() {
        IoKind::NotFound => Trouble::Gone,
        _ => Trouble::Refused(EngineError::from(AudioError::from(error)).into()),
    })
}

/// How many channels the recording's header says it has.
fn channels(path: &Path) -> Result<u16, Refused> {
    let reader = RecordingReader::open(path, &Limits::default()).map_err(EngineError::from)?;
    Ok(reader.info().channels)
}

/// Whose fault it is that a recording has no verdict.
fn fate(error: EngineError) -> Fate {
    match error.kind() {
        ErrorKind::Cancelled | ErrorKind::ResourceExhausted => Fate::Later(error.to_string()),
        ErrorKind::Unavailable if matches!(error.reason(), "STORE_BUSY" | "CALL_NOT_CONCLUDED") => {
            Fate::Later(error.to_string())
        }
        // This recording trips the decoder, today and at every start; the next one need not.
        ErrorKind::Internal if error.reason() == "DECODER_FAULT" => Fate::Refused(error.into()),
        // The file itself can't be read.
        ErrorKind::Unavailable => Fate::Refused(error.into()),
        ErrorKind::Internal | ErrorKind::NotFound => Fate::Stop(error),
        _ if exit::is_of_this_machine(&error) => Fate::Stop(error),
        _ => Fate::Refused(error.into()),
    }
}

/// The right to screen a call, until it is dropped.
struct Turn<'a> {
    calls: &'a Mutex<HashSet<CallId>>,
    call: CallId,
}

impl<'a> Turn<'a> {
    fn take(calls: &'a Mutex<HashSet<CallId>>, call: &CallId) -> Option<Self> {
        let is_free = calls.lock().unwrap_or_else(PoisonError::into_inner).insert(call.clone());
        is_free.then(|| Self { calls, call: call.clone() })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.call);
    }
}

#[cfg(test)]
mod tests {
    use earmark_engine::RecordsError;

    use super::*;

    fn at_fault(error: impl Into<EngineError>) -> &'static str {
        match fate(error.into()) {
            Fate::Refused(_) => "recording",
            Fate::Later(_) => "nobody",
            Fate::Stop(_) => "machine",
            Fate::Screened(_) | Fate::Busy | Fate::Gone => panic!("an error is none of these"),
        }
    }

    #[test]
    fn a_recording_that_trips_a_decoder_is_set_aside() {
        let Fate::Refused(refused) = fate(AudioError::DecoderFault { codec: "flac" }.into()) else {
            panic!("it stops all")
        };
        assert_eq!(refused.code(), "DECODER_FAULT");
    }

    #[test]
    fn what_passes_is_tried_again_and_what_lies_with_the_machine_stops_all() {
        assert_eq!(at_fault(AudioError::Empty), "recording");
        assert_eq!(at_fault(RecordsError::DiskFull), "nobody");
        assert_eq!(at_fault(RecordsError::Busy), "nobody");
        let unkept = |source| EngineError::CallNotConcluded { call: CallId::new("k").unwrap(), source };
        assert_eq!(at_fault(unkept(RecordsError::DiskFull)), "nobody");
        assert_eq!(at_fault(unkept(RecordsError::Busy)), "nobody");
        assert_eq!(at_fault(RecordsError::Corrupt { detail: String::new() }), "machine");
    }
}
