use super::fixtures::*;
use crate::{NewProxy, RecordKind, Records, RecordsError};

/// With and without what is optional.
pub fn proxies_are_read_back_as_they_were_listed(records: &dyn Records) {
    let bank = tenant(records);
    let asked = new_proxy("代理-1", &[1, 2]);
    let done = records.add_proxy(&bank, &asked, &by(), at(10)).unwrap();
    assert!(!done.replayed && done.voiceprints.len() == 2);
    let found = records.proxy(&bank, &asked.proxy).unwrap();
    assert_eq!((&found.proxy, &found.label), (&asked.proxy, &asked.label));
    assert_eq!((&found.legal_basis, &found.note), (&asked.legal_basis, &asked.note));
    assert_eq!((&found.source_call, found.expires_at), (&asked.source_call, asked.expires_at));
    assert_eq!((found.created_by, found.created_at), (by(), at(10)));
    assert!(found.voiceprints.iter().map(|v| v.id).eq(done.voiceprints));
    assert_eq!(found.voiceprints[1].net_speech, voiceprint(2).net_speech());

    let bare = NewProxy { note: None, source_call: None, expires_at: None, ..new_proxy("bare", &[3]) };
    records.add_proxy(&bank, &bare, &by(), at(11)).unwrap();
    let found = records.proxy(&bank, &bare.proxy).unwrap();
    assert_eq!((found.note, found.source_call, found.expires_at), (None, None, None));

    let again = records.add_proxy(&bank, &NewProxy { label: "x".to_owned(), ..asked.clone() }, &by(), at(12));
    assert!(matches!(again, Err(RecordsError::AlreadyExists { kind: RecordKind::Proxy, .. })));
    assert_eq!(records.proxy(&bank, &asked.proxy).unwrap().label, asked.label);
}

/// Nothing of a listing that is refused for any reason.
pub fn a_proxy_needs_a_legal_basis_and_a_future(records: &dyn Records) {
    let bank = tenant(records);
    let good = new_proxy("p", &[1]);
    let bad = [
        NewProxy { legal_basis: String::new(), ..good.clone() },
        NewProxy { legal_basis: " \n\t ".to_owned(), ..good.clone() },
        NewProxy { legal_basis: "x".repeat(3000), ..good.clone() },
        NewProxy { label: String::new(), ..good.clone() },
        NewProxy { note: Some("nul \0".to_owned()), ..good.clone() },
        NewProxy { expires_at: Some(at(10)), ..good.clone() },
        NewProxy { voiceprints: Vec::new(), ..good.clone() },
    ];
    for bad in bad {
        let refused = records.add_proxy(&bank, &bad, &by(), at(10));
        assert!(matches!(refused, Err(RecordsError::InvalidField { .. })), "{refused:?}");
        assert!(matches!(records.proxy(&bank, &good.proxy), Err(RecordsError::NotFound { .. })));
    }
}

/// And its id may be used again.
pub fn a_removed_proxy_leaves_nothing(records: &dyn Records) {
    let bank = tenant(records);
    let asked = new_proxy("p", &[1, 2]);
    let done = records.add_proxy(&bank, &asked, &by(), at(10)).unwrap();
    assert_eq!(records.remove_proxy(&bank, &asked.proxy, &by(), at(20)).unwrap(), done.voiceprints);
    assert!(matches!(records.proxy(&bank, &asked.proxy), Err(RecordsError::NotFound { .. })));
    let again = records.remove_proxy(&bank, &asked.proxy, &by(), at(21));
    assert!(matches!(again, Err(RecordsError::NotFound { kind: RecordKind::Proxy, .. })));
    let anew = records.add_proxy(&bank, &asked, &by(), at(30)).unwrap();
    assert!(anew.voiceprints > done.voiceprints);
}

/// Every proxy once, by id.
pub fn proxies_are_listed_in_pages(records: &dyn Records) {
    let bank = tenant(records);
    for i in (0..11).rev() {
        records.add_proxy(&bank, &new_proxy(&format!("p{i:02}"), &[i, i + 1]), &by(), at(10)).unwrap();
    }
    for size in [1, 4, 11, 100] {
        let found = all_pages(size, |page| records.list_proxies(&bank, page), || {});
        assert_eq!(found.len(), 11);
        assert!(found.is_sorted_by(|a, b| a.proxy < b.proxy));
        assert!(found.iter().all(|p| p.voiceprints.len() == 2));
    }
}
