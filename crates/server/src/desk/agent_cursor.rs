//! Where an agent's page is in the streams of its calls: one event's id says it all, so that the
//! server keeps nothing of a page that left.

use earmark_voiceprint::CallId;

use super::query::{decoded, encoded};

/// Calls that a page may be in the middle of. An agent has one or two at a time.
const MAX_CALLS: usize = 8;
/// That many ids, each character of them escaped, and their numbers.
const MAX_TEXT_BYTES: usize = 8192;

/// What of an agent's calls was told: those that began before the page did are none of its matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AgentCursor {
    /// Calls begun before this moment that are not in the list were told or are not to be.
    since_ms: i64,
    /// The latest begun last.
    calls: Vec<Place>,
}

/// How far one call was told.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    call: CallId,
    began_ms: i64,
    told: u32,
    over: bool,
}

impl AgentCursor {
    /// A page that is opened now.
    pub(super) fn from_now(now_ms: i64) -> Self {
        Self { since_ms: now_ms, calls: Vec::new() }
    }

    pub(super) fn since_ms(&self) -> i64 {
        self.since_ms
    }

    /// The calls told of that are not over.
    pub(super) fn open_calls(&self) -> impl Iterator<Item = &CallId> {
        self.calls.iter().filter(|place| !place.over).map(|place| &place.call)
    }

    /// Whether a call was told of at all.
    pub(super) fn knows(&self, call: &CallId) -> bool {
        self.calls.iter().any(|place| place.call == *call)
    }

    /// Whether all of a call was told.
    pub(super) fn is_over(&self, call: &CallId) -> bool {
        self.calls.iter().any(|place| place.call == *call && place.over)
    }

    /// The last update told of a call.
    pub(super) fn told(&self, call: &CallId) -> u32 {
        self.calls.iter().find(|place| place.call == *call).map_or(0, |place| place.told)
    }

    /// From now on the call is told up to `told`; a call that is new to a full list takes the place
    /// of the oldest that is over, else of the oldest, of which nothing more is told.
    pub(super) fn tell(&mut self, call: &CallId, began_ms: i64, told: u32, over: bool) {
        match self.calls.iter_mut().find(|place| place.call == *call) {
            Some(place) => {
                place.told = place.told.max(told);
                place.over |= over;
            }
            None => {
                self.calls.push(Place { call: call.clone(), began_ms, told, over });
                self.calls.sort_by_key(|place| place.began_ms);
                if self.calls.len() > MAX_CALLS {
                    let oldest = self.calls.remove(self.calls.iter().position(|p| p.over).unwrap_or(0));
                    self.since_ms = self.since_ms.max(oldest.began_ms + 1);
                }
            }
        }
    }

    /// Nothing more is told of a call: it became another agent's.
    pub(super) fn leave(&mut self, call: &CallId) {
        if let Some(place) = self.calls.iter_mut().find(|place| place.call == *call) {
            place.over = true;
        }
    }

    /// A call that was left goes on here after all.
    pub(super) fn take_back(&mut self, call: &CallId) {
        if let Some(place) = self.calls.iter_mut().find(|place| place.call == *call) {
            place.over = false;
        }
    }

    /// As an event's id.
    pub(super) fn to_text(&self) -> String {
        let mut text = self.since_ms.to_string();
        for place in &self.calls {
            let sign = if place.over { '!' } else { '=' };
            text.push_str(&format!(
                ";{}@{}{sign}{}",
                encoded(place.call.as_str()),
                place.began_ms,
                place.told
            ));
        }
        text
    }

    /// From an event's id; none if it is not one of ours.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_TEXT_BYTES {
            return None;
        }
        let mut parts = text.split(';');
        let since_ms = parts.next()?.parse().ok()?;
        let calls: Vec<Place> = parts.map(Place::parse).collect::<Option<_>>()?;
        (calls.len() <= MAX_CALLS).then_some(Self { since_ms, calls })
    }
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        let (call, rest) = text.split_once('@')?;
        let (began, told, over) = match rest.split_once('!') {
            Some((began, told)) => (began, told, true),
            None => rest.split_once('=').map(|(began, told)| (began, told, false))?,
        };
        let call = CallId::new(&decoded(call)?).ok()?;
        Some(Self { call, began_ms: began.parse().ok()?, told: told.parse().ok()?, over })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn call(id: &str) -> CallId {
        CallId::new(id).unwrap()
    }

    #[test]
    fn knows_how_far_each_call_was_told() {
        let mut cursor = AgentCursor::from_now(100);
        cursor.tell(&call("b"), 120, 0, false);
        cursor.tell(&call("a"), 110, 3, false);
        cursor.tell(&call("a"), 110, 5, true);
        assert_eq!(cursor.to_text(), "100;a@110!5;b@120=0");
        assert_eq!((cursor.told(&call("a")), cursor.told(&call("b")), cursor.told(&call("c"))), (5, 0, 0));
        assert_eq!(cursor.open_calls().collect::<Vec<_>>(), [&call("b")]);
        assert!(cursor.is_over(&call("a")) && !cursor.is_over(&call("b")) && !cursor.knows(&call("c")));
    }

    #[test]
    fn a_call_that_left_may_come_back() {
        let mut cursor = AgentCursor::from_now(100);
        cursor.tell(&call("a"), 110, 3, false);
        cursor.leave(&call("a"));
        assert!(cursor.is_over(&call("a")) && cursor.told(&call("a")) == 3);
        cursor.take_back(&call("a"));
        assert_eq!(cursor.open_calls().collect::<Vec<_>>(), [&call("a")]);
        cursor.leave(&call("never told of"));
        assert!(!cursor.knows(&call("never told of")));
    }

    #[test]
    fn forgets_the_oldest_for_good() {
        let mut cursor = AgentCursor::from_now(0);
        for n in 0..20 {
            cursor.tell(&call(&format!("k{n}")), 100 + n, 1, true);
        }
        assert!(!cursor.knows(&call("k11")) && cursor.knows(&call("k12")));
        assert_eq!(cursor.since_ms(), 112, "so that it is not told again");
    }

    #[test]
    fn a_call_that_goes_on_is_not_forgotten_for_later_ones_that_are_over() {
        let mut cursor = AgentCursor::from_now(0);
        for n in 1..20 {
            cursor.tell(&call(&format!("k{n}")), 100 + n, 1, true);
        }
        // It began before all of them, and became this agent's late.
        cursor.tell(&call("late"), 50, 9, false);
        cursor.tell(&call("next"), 200, 1, true);
        assert_eq!(cursor.open_calls().collect::<Vec<_>>(), [&call("late")]);
        assert_eq!(cursor.calls.len(), MAX_CALLS);
    }

    #[test]
    fn what_is_not_ours_is_no_place() {
        let many = (0..9).map(|n| format!(";k{n}@1=1")).collect::<String>();
        for bad in [
            "",
            "x",
            "1;",
            "1;a",
            "1;a@1",
            "1;a@1=x",
            "1;@1=1",
            "1;a@1=99999999999",
            &format!("1{many}"),
            &"9".repeat(9000),
        ] {
            assert_eq!(AgentCursor::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_place_survives_its_text(
            since in any::<i64>(),
            calls in prop::collection::vec(("[^\\p{Cc}\\s]{1,20}", 0i64..1000, any::<u32>(), any::<bool>()), 0..12),
        ) {
            let mut cursor = AgentCursor::from_now(since);
            for (id, began, told, over) in calls {
                cursor.tell(&call(&id), began, told, over);
            }
            let text = cursor.to_text();
            prop_assert!(text.bytes().all(|b| b.is_ascii_graphic()));
            prop_assert_eq!(AgentCursor::parse(&text), Some(cursor));
        }

        #[test]
        fn any_text_is_taken_without_a_panic(text in "\\PC{0,200}") {
            let _ = AgentCursor::parse(&text);
        }
    }
}
