use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::listing::{Entry, Kind, Stamp};

/// The ending of the empty file that says "the recording of this name is complete".
const MARKER: &str = "done";

/// How it is told that a recording is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completeness {
    /// Neither it nor its sidecar has changed for so long.
    Settled(Duration),
    /// An empty file with the ending `.done` stands beside it.
    Marker,
}

/// Watches recordings grow; says which are complete. Reads no clock and no disk.
pub(super) struct Arrivals {
    completeness: Completeness,
    /// How long a settled recording waits for its sidecar; none where it needs none.
    sidecar_wait: Option<Duration>,
    seen: HashMap<OsString, Seen>,
}

struct Seen {
    stamp: Stamp,
    /// Since when it has not changed.
    since: Duration,
    /// The look at which it was there last.
    look: Duration,
}

impl Arrivals {
    pub(super) fn new(completeness: Completeness, sidecar_wait: Option<Duration>) -> Self {
        Self { completeness, sidecar_wait, seen: HashMap::new() }
    }

    /// Which of these recordings are complete, in their order. `beside` gives the stamp of another file of
    /// the folder, `now` the time since some fixed moment; it must grow from look to look.
    pub(super) fn complete(
        &mut self,
        entries: &[Entry],
        beside: impl Fn(&OsStr) -> Option<Stamp>,
        now: Duration,
    ) -> Vec<OsString> {
        let complete = entries.iter().filter(|entry| self.is_complete(entry, &beside, now));
        let complete = complete.map(|entry| entry.name.clone()).collect();
        self.seen.retain(|_, seen| seen.look == now);
        complete
    }

    fn is_complete(
        &mut self,
        entry: &Entry,
        beside: &impl Fn(&OsStr) -> Option<Stamp>,
        now: Duration,
    ) -> bool {
        // To be refused at once.
        if entry.kind != Kind::File {
            return true;
        }
        let settle = match self.completeness {
            Completeness::Marker => return beside(marker(&entry.name).as_os_str()).is_some(),
            Completeness::Settled(settle) => settle,
        };
        let unchanged = self.unchanged_for(&entry.name, entry.stamp, now);
        let Some(sidecar_wait) = self.sidecar_wait else { return unchanged >= settle };
        let sidecar = sidecar(&entry.name);
        match beside(sidecar.as_os_str()) {
            Some(stamp) => unchanged.min(self.unchanged_for(sidecar.as_os_str(), stamp, now)) >= settle,
            None => unchanged >= settle + sidecar_wait,
        }
    }

    fn unchanged_for(&mut self, name: &OsStr, stamp: Stamp, now: Duration) -> Duration {
        let new = || Seen { stamp, since: now, look: now };
        let seen = self.seen.entry(name.to_owned()).or_insert_with(new);
        if seen.stamp != stamp {
            *seen = new();
        }
        seen.look = now;
        now.saturating_sub(seen.since)
    }
}

/// The sidecar of a recording.
pub(super) fn sidecar(recording: &OsStr) -> PathBuf {
    Path::new(recording).with_extension("json")
}

/// The marker of a recording.
pub(super) fn marker(recording: &OsStr) -> PathBuf {
    Path::new(recording).with_extension(MARKER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn entry(name: &str, changed_s: i64, bytes: u64) -> Entry {
        Entry { name: name.into(), kind: Kind::File, stamp: Stamp::at(changed_s, bytes) }
    }

    fn nothing(_: &OsStr) -> Option<Stamp> {
        None
    }

    #[test]
    fn a_recording_that_grows_is_waited_for() {
        let mut arrivals = Arrivals::new(Completeness::Settled(s(5)), None);
        let mut look = |bytes, at| arrivals.complete(&[entry("a.wav", 0, bytes)], nothing, s(at)).len();
        assert_eq!([look(10, 0), look(20, 4), look(20, 8), look(20, 9), look(30, 10)], [0, 0, 0, 1, 0]);
    }

    #[test]
    fn a_new_file_of_an_old_name_begins_anew() {
        let mut arrivals = Arrivals::new(Completeness::Settled(s(5)), None);
        assert!(arrivals.complete(&[entry("a.wav", 0, 10)], nothing, s(0)).is_empty());
        assert!(arrivals.complete(&[], nothing, s(4)).is_empty());
        assert!(arrivals.complete(&[entry("a.wav", 0, 10)], nothing, s(6)).is_empty());
        assert_eq!(arrivals.complete(&[entry("a.wav", 0, 10)], nothing, s(11)).len(), 1);
        assert_eq!(arrivals.seen.len(), 1);
        arrivals.complete(&[], nothing, s(12));
        assert!(arrivals.seen.is_empty());
    }

    #[test]
    fn the_sidecar_is_waited_for_and_must_settle_too() {
        let mut arrivals = Arrivals::new(Completeness::Settled(s(5)), Some(s(60)));
        let recording = [entry("a.b.wav", 0, 10)];
        let there = |name: &OsStr| (name == "a.b.json").then_some(Stamp::at(1, 9));
        assert!(arrivals.complete(&recording, nothing, s(0)).is_empty());
        assert!(arrivals.complete(&recording, nothing, s(20)).is_empty());
        assert!(arrivals.complete(&recording, there, s(21)).is_empty());
        assert_eq!(arrivals.complete(&recording, there, s(26)).len(), 1);
        let mut without = Arrivals::new(Completeness::Settled(s(5)), Some(s(60)));
        without.complete(&recording, nothing, s(0));
        assert!(without.complete(&recording, nothing, s(64)).is_empty());
        assert_eq!(without.complete(&recording, nothing, s(65)).len(), 1);
    }

    #[test]
    fn a_marker_says_it_at_once() {
        let mut arrivals = Arrivals::new(Completeness::Marker, Some(s(60)));
        let marked = |name: &OsStr| (name == "a.done").then_some(Stamp::at(1, 0));
        let recordings = [entry("a.wav", 0, 10), entry("b.wav", 0, 10)];
        assert_eq!(arrivals.complete(&recordings, marked, s(0)), ["a.wav"]);
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let mut arrivals = Arrivals::new(Completeness::Settled(s(5)), Some(s(60)));
        let link = Entry { kind: Kind::Other("a symbolic link"), ..entry("a.wav", 0, 1) };
        assert_eq!(arrivals.complete(&[link], nothing, s(0)).len(), 1);
    }
}
