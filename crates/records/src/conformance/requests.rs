use super::fixtures::*;
use crate::{EnrollMode, Enrolled, Enrollment, NewProxy, ProxyAdded, Records, RecordsError, RequestOutcome};

/// And gives the first result, also when the state has moved on since.
pub fn a_request_sent_again_is_done_once(records: &dyn Records) {
    let bank = tenant(records);
    let key = request("r-1", "enroll c");
    assert_eq!(records.request_outcome(&bank, &key).unwrap(), None);
    enroll(records, &bank, "c", &[1]);
    let asked = Enrollment { request: Some(key.clone()), ..enrollment("c", EnrollMode::Replace, &[2, 3]) };
    let done = records.enroll(&bank, &asked, &by(), at(20)).unwrap();
    let replay = Enrolled { replayed: true, ..done.clone() };
    for _ in 0..2 {
        assert_eq!(records.enroll(&bank, &asked, &by(), at(30)).unwrap(), replay);
    }
    let outcome = records.request_outcome(&bank, &key).unwrap();
    assert_eq!(outcome, Some(RequestOutcome::Enrolled(replay.clone())));
    assert!(
        records.customer(&bank, &asked.customer).unwrap().voiceprints.iter().map(|v| v.id).eq(done.added)
    );
    assert_eq!(records.verify_chain(&bank).unwrap().count, 2);

    records.delete_customer(&bank, &asked.customer, &by(), at(40)).unwrap();
    assert_eq!(records.enroll(&bank, &asked, &by(), at(50)).unwrap(), replay);
    assert!(matches!(records.customer(&bank, &asked.customer), Err(RecordsError::NotFound { .. })));

    let listing = NewProxy { request: Some(request("r-2", "list p")), ..new_proxy("p", &[4]) };
    let done = records.add_proxy(&bank, &listing, &by(), at(20)).unwrap();
    let again = records.add_proxy(&bank, &listing, &by(), at(21)).unwrap();
    assert_eq!(again, ProxyAdded { replayed: true, ..done });
    let outcome = records.request_outcome(&bank, &request("r-2", "list p")).unwrap();
    assert_eq!(outcome, Some(RequestOutcome::ProxyAdded(again)));
}

/// Another content, or another kind of request, under the same id is refused.
pub fn a_request_id_is_for_one_request(records: &dyn Records) {
    let (bank, fund) = (tenant(records), another_tenant(records, "fund"));
    let with = |id: &str, content: &str| Enrollment {
        request: Some(request("r", content)),
        ..enrollment(id, EnrollMode::Add, &[1])
    };
    records.enroll(&bank, &with("c", "one"), &by(), at(10)).unwrap();
    let reused = records.enroll(&bank, &with("d", "two"), &by(), at(11));
    assert!(matches!(reused, Err(RecordsError::RequestIdReused { id }) if id == "r"));
    assert!(matches!(records.customer(&bank, &customer("d")), Err(RecordsError::NotFound { .. })));
    let asked = records.request_outcome(&bank, &request("r", "two"));
    assert!(matches!(asked, Err(RecordsError::RequestIdReused { .. })));
    let listing = NewProxy { request: Some(request("r", "one")), ..new_proxy("p", &[2]) };
    let reused = records.add_proxy(&bank, &listing, &by(), at(12));
    assert!(matches!(reused, Err(RecordsError::RequestIdReused { .. })));
    assert!(!records.enroll(&fund, &with("c", "two"), &by(), at(13)).unwrap().replayed);
}

/// Only what was done is remembered.
pub fn a_failed_request_may_be_sent_again(records: &dyn Records) {
    let bank = tenant(records);
    enroll(records, &bank, "c", &[1]);
    let key = request("r", "create c");
    let asked = Enrollment { request: Some(key.clone()), ..enrollment("c", EnrollMode::Create, &[2]) };
    assert!(matches!(records.enroll(&bank, &asked, &by(), at(20)), Err(RecordsError::AlreadyExists { .. })));
    assert_eq!(records.request_outcome(&bank, &key).unwrap(), None);
    records.delete_customer(&bank, &customer("c"), &by(), at(30)).unwrap();
    assert!(!records.enroll(&bank, &asked, &by(), at(40)).unwrap().replayed);
}

/// Those before the moment, and only those.
pub fn requests_are_forgotten_when_old(records: &dyn Records) {
    let bank = tenant(records);
    for (id, millis) in [("old", 10), ("new", 20)] {
        let asked = Enrollment { request: Some(request(id, id)), ..enrollment(id, EnrollMode::Create, &[1]) };
        records.enroll(&bank, &asked, &by(), at(millis)).unwrap();
    }
    assert_eq!(records.forget_requests(&bank, at(20)).unwrap(), 1);
    assert_eq!(records.request_outcome(&bank, &request("old", "old")).unwrap(), None);
    assert!(records.request_outcome(&bank, &request("new", "new")).unwrap().is_some());
}
