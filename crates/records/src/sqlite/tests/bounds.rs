use super::super::evidence::{Which, of_calls};
use super::*;
use crate::conformance::fixtures::{call_start, update};

/// A list of calls reads each call's last update, however many there are before it.
#[test]
fn only_the_last_update_is_read_for_a_list() {
    let folder = folder();
    let records = open(folder.path()).unwrap();
    records.ensure_tenant(&bank(), now()).unwrap();
    for id in ["a", "b"] {
        let start = call_start(id, None, 0);
        records.begin_call(&bank(), &start).unwrap();
        for sequence in [0, 1, 4] {
            records.append_update(&bank(), &start.call, &update(sequence, "match")).unwrap();
        }
    }
    let read = |which| records.pool.read(|conn| of_calls(conn, &bank(), &["a", "b"], which)).unwrap();
    let (all, last) = (read(Which::All), read(Which::Last));
    for id in ["a", "b"] {
        assert_eq!(all[id], [update(0, "match"), update(1, "match"), update(4, "match")]);
        assert_eq!(last[id], [update(4, "match")]);
    }
}
