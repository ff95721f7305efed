use std::collections::{HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::Scope;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::arrivals::{Arrivals, Completeness};
use super::listing;
use super::refused::Refused;
use super::screening::{Fate, Screened, Screening};
use super::shelf::Shelf;

/// How long everything waits after a try that failed through no fault of the recording: a full disk, a
/// database that somebody else holds.
const PAUSE: Duration = Duration::from_secs(10);

/// The longest time for which a request to stop goes unnoticed.
const WAKE: Duration = Duration::from_millis(200);

/// Looks at a folder again and again and gives its recordings to threads.
pub(crate) struct Watcher<'a> {
    pub(crate) shelf: &'a Shelf,
    pub(crate) screening: &'a Screening,
    pub(crate) completeness: Completeness,
    /// How long a complete recording waits for its sidecar; none where it needs none.
    pub(crate) sidecar_wait: Option<Duration>,
    /// From one look to the next.
    pub(crate) poll: Duration,
    /// Recordings at once.
    pub(crate) threads: usize,
    /// Ends when all that is there is dealt with.
    pub(crate) once: bool,
}

/// How it went with one recording.
pub(crate) enum Ended {
    /// Its result is written.
    Finished(Box<Screened>),
    /// It was set aside.
    Failed(Refused),
    /// It stays where it is for another try.
    Later(String),
    /// It has to wait for another recording of the same call.
    Busy,
    /// It went away meanwhile; the next look tells.
    Nothing,
    /// Nothing can go on.
    Stop(anyhow::Error),
}

/// What was come to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Recordings set aside.
    pub(crate) failed: usize,
    /// Recordings that stay in the folder, as they are not complete or could not be screened now.
    pub(crate) left: usize,
}

impl Watcher<'_> {
    /// Runs until `stop`, or for [`Watcher::once`] until all is done; `tell` hears of every recording.
    pub(crate) fn run(&self, stop: &AtomicBool, tell: &mut dyn FnMut(&OsStr, &Ended)) -> Result<Tally> {
        std::thread::scope(|scope| {
            let (sender, ended) = mpsc::channel();
            let mut round = Round::new(self);
            while !stop.load(Ordering::Relaxed) && !round.is_over() {
                round.look()?;
                round.hand_out(scope, &sender);
                round.take_back(&ended, tell)?;
            }
            self.screening.cancel.cancel();
            while !round.in_work.is_empty() {
                round.take_back(&ended, tell)?;
            }
            Ok(round.tally)
        })
    }

    fn deal_with(&self, recording: &OsStr) -> Ended {
        match self.screening.screen(self.shelf.folder(), recording) {
            Fate::Screened(screened) => {
                let result = format!("{:#}\n", screened.as_json(recording));
                shelved(self.shelf.finish(recording, &result), Ended::Finished(screened))
            }
            Fate::Refused(refused) => {
                shelved(self.shelf.set_aside(recording, &refused), Ended::Failed(refused))
            }
            Fate::Later(why) => Ended::Later(why),
            Fate::Busy => Ended::Busy,
            Fate::Gone => Ended::Nothing,
            Fate::Stop(error) => Ended::Stop(error.into()),
        }
    }
}

fn shelved(moved: io::Result<()>, ended: Ended) -> Ended {
    match moved {
        Ok(()) => ended,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ended::Nothing,
        Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            Ended::Later(error.to_string())
        }
        Err(error) => Ended::Stop(anyhow::Error::new(error).context("can't put a recording away")),
    }
}

/// What the loop knows from one turn to the next.
struct Round<'a> {
    watcher: &'a Watcher<'a>,
    arrivals: Arrivals,
    began: Instant,
    next_look: Instant,
    /// Complete, waiting for a thread.
    ready: VecDeque<OsString>,
    in_work: HashSet<OsString>,
    /// For those that are in work.
    waiting: Vec<OsString>,
    /// Left in the folder by the last look, as not complete.
    incomplete: usize,
    looked: bool,
    tally: Tally,
}

impl<'a> Round<'a> {
    fn new(watcher: &'a Watcher<'a>) -> Self {
        let began = Instant::now();
        // What comes while a batch runs may wait for the next one.
        let sidecar_wait = watcher.sidecar_wait.map(|wait| if watcher.once { Duration::ZERO } else { wait });
        Self {
            watcher,
            arrivals: Arrivals::new(watcher.completeness, sidecar_wait),
            began,
            next_look: began,
            ready: VecDeque::new(),
            in_work: HashSet::new(),
            waiting: Vec::new(),
            incomplete: 0,
            looked: false,
            tally: Tally::default(),
        }
    }

    /// Looks at the folder if it is time to and no complete recording waits.
    fn look(&mut self) -> Result<()> {
        let now = Instant::now();
        if now < self.next_look || !self.ready.is_empty() {
            return Ok(());
        }
        let shelf = self.watcher.shelf;
        let what = || format!("can't read folder {}", shelf.folder().display());
        let mut entries = listing::list(shelf.folder()).with_context(what)?;
        let known = |name: &OsString| self.in_work.contains(name) || self.waiting.contains(name);
        entries.retain(|e| !known(&e.name) && !shelf.has_result(&e.name));
        let beside = |name: &OsStr| listing::stamp(&shelf.folder().join(name));
        let complete = self.arrivals.complete(&entries, beside, now.duration_since(self.began));
        self.incomplete = entries.len() - complete.len();
        self.ready.extend(complete);
        self.looked = true;
        self.next_look = now + self.watcher.poll;
        Ok(())
    }

    fn hand_out<'scope>(&mut self, scope: &'scope Scope<'scope, '_>, sender: &Sender<(OsString, Ended)>)
    where
        'a: 'scope,
    {
        if self.in_work.is_empty() {
            self.ready.extend(self.waiting.drain(..));
        }
        while self.in_work.len() < self.watcher.threads
            && let Some(recording) = self.ready.pop_front()
        {
            self.in_work.insert(recording.clone());
            let (watcher, sender) = (self.watcher, sender.clone());
            scope.spawn(move || {
                let ended = watcher.deal_with(&recording);
                // Nobody listens any more where the watcher stopped for a failure.
                let _ = sender.send((recording, ended));
            });
        }
    }

    /// Waits for the next recording to end, no longer than to the next look.
    fn take_back(
        &mut self,
        ended: &Receiver<(OsString, Ended)>,
        tell: &mut dyn FnMut(&OsStr, &Ended),
    ) -> Result<()> {
        let (recording, end) = match ended.recv_timeout(self.watcher.poll.min(WAKE)) {
            Ok(end) => end,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(()),
        };
        self.in_work.remove(&recording);
        tell(&recording, &end);
        if matches!(end, Ended::Busy) {
            self.waiting.push(recording);
            return Ok(());
        }
        self.ready.extend(self.waiting.drain(..));
        match end {
            Ended::Finished(_) | Ended::Nothing | Ended::Busy => {}
            Ended::Failed(_) => self.tally.failed += 1,
            Ended::Later(_) => {
                self.tally.left += usize::from(self.watcher.once);
                self.ready.clear();
                self.next_look = Instant::now() + PAUSE;
            }
            Ended::Stop(error) => return Err(error),
        }
        Ok(())
    }

    /// Whether a batch is at its end: nothing is left but what is not complete after it had the time.
    fn is_over(&mut self) -> bool {
        let idle = self.looked && self.in_work.is_empty() && self.ready.is_empty() && self.waiting.is_empty();
        if !self.watcher.once || !idle {
            return false;
        }
        let patience = match self.watcher.completeness {
            Completeness::Settled(settle) => 2 * settle + self.watcher.poll,
            Completeness::Marker => Duration::ZERO,
        };
        let over = self.tally.left > 0 || self.incomplete == 0 || self.began.elapsed() > patience;
        if over {
            self.tally.left += self.incomplete;
        }
        over
    }
}
