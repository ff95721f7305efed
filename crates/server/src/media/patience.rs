use std::future::Future;
use std::time::Duration;

use earmark_telephony::{CallEvent, Parting, ProtocolError};
use tokio::time::{Instant, sleep_until};

use super::drive::MediaSource;
use super::registry::Command;
use crate::Limits;
use crate::lifecycle::Closing;

/// How long a connection may take to say which call it is.
pub(super) const INTRODUCTION_PATIENCE: Duration = Duration::from_secs(10);
/// A stream that pauses, as one with suppressed silence does, is screened up to the pause.
const FLUSH_AFTER: Duration = Duration::from_millis(200);
/// A century: past the end of time there is nothing to wait for.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// What can happen to a call.
#[derive(Debug, PartialEq)]
pub(super) enum Happened {
    Stream(Result<Vec<CallEvent>, ProtocolError>),
    Told(Command),
    /// Nothing came for a moment, and audio waits.
    Paused,
    /// The server has had enough.
    Enough(Parting),
}

/// What a call is in the middle of.
#[derive(Clone, Copy, Default)]
pub(super) struct State {
    /// The stream has said which call it is.
    pub(super) has_begun: bool,
    /// The caller is on hold: no audio is no sign of anything then.
    pub(super) is_held: bool,
    /// Audio waits that makes no step yet.
    pub(super) is_waiting: bool,
}

/// Waits for what happens to a call next, and not for ever.
pub(super) struct Patience {
    closing: Closing,
    introduced_by: Instant,
    ends_at: Instant,
    idle_timeout: Duration,
    /// When the far end was last heard of, or those who speak for it.
    alive_at: Instant,
    /// When audio came last; what else comes meanwhile, as the other party's, is no audio.
    audio_at: Instant,
}

impl Patience {
    pub(super) fn new(limits: &Limits, introduction: Duration, closing: Closing) -> Self {
        let now = Instant::now();
        Self {
            closing,
            introduced_by: now + introduction,
            ends_at: now + limits.max_stream_duration.min(FAR),
            idle_timeout: limits.idle_timeout.min(FAR),
            alive_at: now,
            audio_at: now,
        }
    }

    /// Something was heard of the call and dealt with: the time that took is not the far end's.
    pub(super) fn renew(&mut self) {
        self.alive_at = Instant::now();
    }

    /// Among it was audio.
    pub(super) fn audio_came(&mut self) {
        self.audio_at = Instant::now();
    }

    pub(super) async fn next(
        &mut self,
        state: State,
        command: impl Future<Output = Command>,
        source: &mut impl MediaSource,
    ) -> Happened {
        let State { has_begun, is_held, is_waiting } = state;
        let idle_at = self.alive_at + self.idle_timeout;
        tokio::select! {
            biased;
            () = self.closing.arrived() => Happened::Enough(Parting::Draining),
            () = sleep_until(self.ends_at) => Happened::Enough(too_long()),
            () = sleep_until(self.introduced_by), if !has_begun => Happened::Enough(idle()),
            command = command => Happened::Told(command),
            events = source.next() => Happened::Stream(events),
            () = sleep_until(self.audio_at + FLUSH_AFTER), if is_waiting => Happened::Paused,
            // The last look: whoever was kept waiting by a slow step of ours has been heard of already.
            () = sleep_until(idle_at), if has_begun && !is_held => Happened::Enough(idle()),
        }
    }
}

fn idle() -> Parting {
    let problem = "nothing came for too long; end a stream that is over".to_owned();
    Parting::Failed { code: "STREAM_IDLE", problem }
}

fn too_long() -> Parting {
    let problem = "the stream is as long as one may be; begin another".to_owned();
    Parting::Failed { code: "STREAM_TOO_LONG", problem }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use earmark_engine::CallUpdate;
    use tokio::time::sleep;

    use super::*;
    use crate::lifecycle::{Lifecycle, Phase};

    /// A far end that says something that is no audio after every such pause; never, if none.
    struct FarEnd(Option<Duration>);

    impl MediaSource for FarEnd {
        async fn next(&mut self) -> Result<Vec<CallEvent>, ProtocolError> {
            match self.0 {
                // It is there already.
                Some(Duration::ZERO) => {}
                Some(pause) => sleep(pause).await,
                None => pending().await,
            }
            Ok(Vec::new())
        }

        async fn tell(&mut self, _update: &CallUpdate) {}

        async fn part(&mut self, _parting: &Parting) {}
    }

    const RUNNING: State = State { has_begun: true, is_held: false, is_waiting: false };
    const HELD: State = State { has_begun: true, is_held: true, is_waiting: false };

    fn limits() -> Limits {
        let (idle_timeout, max_stream_duration) = (Duration::from_secs(60), Duration::from_secs(3600));
        Limits { idle_timeout, max_stream_duration, ..Limits::default() }
    }

    fn patience() -> Patience {
        // Outlives the call, as a server does.
        let lifecycle: &'static Lifecycle = Box::leak(Box::new(Lifecycle::new()));
        Patience::new(&limits(), INTRODUCTION_PATIENCE, lifecycle.closing())
    }

    /// The limit that ends a call, and when; every sign of life is taken.
    async fn end(patience: &mut Patience, state: State, mut source: FarEnd) -> (&'static str, u64) {
        let began = Instant::now();
        loop {
            match patience.next(state, pending(), &mut source).await {
                Happened::Enough(Parting::Failed { code, .. }) => return (code, began.elapsed().as_secs()),
                Happened::Stream(Ok(_)) => patience.renew(),
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn any_sign_of_life_keeps_a_call_but_not_beyond_its_longest() {
        let every = |s| FarEnd(Some(Duration::from_secs(s)));
        assert_eq!(end(&mut patience(), RUNNING, FarEnd(None)).await, ("STREAM_IDLE", 60));
        assert_eq!(end(&mut patience(), RUNNING, every(59)).await, ("STREAM_TOO_LONG", 3600));
        assert_eq!(end(&mut patience(), RUNNING, every(61)).await, ("STREAM_IDLE", 60));
        assert_eq!(end(&mut patience(), HELD, FarEnd(None)).await, ("STREAM_TOO_LONG", 3600));
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_no_call_is_not_waited_for_however_much_comes() {
        let chatter = FarEnd(Some(Duration::ZERO));
        let mut patience = patience();
        tokio::time::advance(INTRODUCTION_PATIENCE).await;
        assert_eq!(end(&mut patience, State::default(), chatter).await.0, "STREAM_IDLE");
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_that_ends_leaves_all_the_time_there_is() {
        let mut patience = patience();
        tokio::time::advance(Duration::from_secs(600)).await;
        let resumed = patience.next(HELD, async { Command::Resumed }, &mut FarEnd(None)).await;
        assert_eq!(resumed, Happened::Told(Command::Resumed));
        patience.renew();
        assert_eq!(end(&mut patience, RUNNING, FarEnd(None)).await, ("STREAM_IDLE", 60));
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_heard_however_long_a_step_took() {
        let mut patience = patience();
        tokio::time::advance(Duration::from_secs(600)).await;
        let waits = patience.next(RUNNING, pending(), &mut FarEnd(Some(Duration::ZERO))).await;
        assert_eq!(waits, Happened::Stream(Ok(Vec::new())));
    }

    #[tokio::test(start_paused = true)]
    async fn audio_that_makes_no_step_is_screened_in_a_pause() {
        let state = State { is_waiting: true, ..RUNNING };
        let happened = patience().next(state, pending(), &mut FarEnd(None)).await;
        assert_eq!(happened, Happened::Paused);
        // Whatever else comes meanwhile.
        let (mut patience, mut agent) = (patience(), FarEnd(Some(Duration::from_millis(20))));
        let mut came = 0;
        while patience.next(state, pending(), &mut agent).await != Happened::Paused {
            patience.renew();
            came += 1;
        }
        assert!((9..=10).contains(&came), "{came}");
        patience.audio_came();
        let next = patience.next(state, pending(), &mut agent).await;
        assert_eq!(next, Happened::Stream(Ok(Vec::new())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_closes_waits_for_nobody() {
        let lifecycle = Lifecycle::new();
        let mut patience = Patience::new(&limits(), INTRODUCTION_PATIENCE, lifecycle.closing());
        lifecycle.enter(Phase::Closing);
        let happened = patience.next(HELD, async { Command::Held }, &mut FarEnd(Some(Duration::ZERO))).await;
        assert_eq!(happened, Happened::Enough(Parting::Draining));
    }
}
