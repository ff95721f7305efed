use super::fixtures::*;
use crate::{
    CallEnd, CustomerStatus, EnrollMode, Enrollment, MAX_VOICEPRINTS_PER_SUBJECT, PageRequest, RecordKind,
    Records, RecordsError,
};

/// Ids, names, times, facts of the recordings, and every bit of the voiceprints.
pub fn customers_are_read_back_as_they_were_enrolled(records: &dyn Records) {
    let bank = tenant(records);
    let asked = enrollment("客户-1", EnrollMode::Create, &[1, 2, 3]);
    let done = records.enroll(&bank, &asked, &by(), at(10)).unwrap();
    assert!(!done.replayed && done.removed.is_empty());
    assert!(done.added.is_sorted() && done.added.len() == 3);

    let found = records.customer(&bank, &asked.customer).unwrap();
    assert_eq!(found.customer, asked.customer);
    assert_eq!(found.display_name, asked.display_name);
    assert_eq!(found.status, CustomerStatus::Enrolled);
    assert_eq!((found.created_at, found.updated_at), (at(10), at(10)));
    let opened = records.customer_voiceprints(&bank, &asked.customer).unwrap();
    assert_eq!(opened.len(), 3);
    for (i, (asked, opened)) in asked.voiceprints.iter().zip(&opened).enumerate() {
        assert_eq!(opened.voiceprint.values(), asked.voiceprint.values());
        assert_eq!(opened.info, found.voiceprints[i]);
        assert_eq!(opened.info.id, done.added[i]);
        assert_eq!(&opened.info.model, asked.voiceprint.model());
        assert_eq!(opened.info.net_speech, asked.voiceprint.net_speech());
        assert_eq!((opened.info.quality, opened.info.weight), (asked.quality, asked.weight));
        assert_eq!((&opened.info.channel, &opened.info.source), (&asked.channel, &asked.source));
        assert_eq!(opened.info.created_at, at(10));
    }
}

/// Each mode does what it says, and numbers of deleted voiceprints are never given out again.
pub fn enrollment_modes_create_add_and_replace(records: &dyn Records) {
    let bank = tenant(records);
    let enroll = |mode, seeds: &[u32], name: Option<&str>| {
        let asked = Enrollment { display_name: name.map(str::to_owned), ..enrollment("c", mode, seeds) };
        records.enroll(&bank, &asked, &by(), at(20))
    };
    let first = enroll(EnrollMode::Create, &[1, 2], Some("name")).unwrap();
    let again = enroll(EnrollMode::Create, &[3], None);
    assert!(
        matches!(again, Err(RecordsError::AlreadyExists { kind: RecordKind::Customer, id }) if id == "c")
    );

    let more = enroll(EnrollMode::Add, &[3], None).unwrap();
    assert!(more.removed.is_empty() && more.added > first.added);
    let found = records.customer(&bank, &customer("c")).unwrap();
    assert_eq!(found.display_name.as_deref(), Some("name"));
    assert_eq!(found.voiceprints.len(), 3);

    let other = enroll(EnrollMode::Replace, &[4], Some("other name")).unwrap();
    assert_eq!(other.removed, [first.added, more.added.clone()].concat());
    assert!(other.added > more.added);
    let kept = records.customer_voiceprints(&bank, &customer("c")).unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].voiceprint.values(), voiceprint(4).values());
    records.delete_customer(&bank, &customer("c"), &by(), at(30)).unwrap();
    assert!(enroll(EnrollMode::Replace, &[5], None).unwrap().added > other.added);
}

/// Nothing of an enrollment that is refused for any reason.
pub fn a_refused_enrollment_leaves_nothing(records: &dyn Records) {
    let bank = tenant(records);
    let good = enrollment("c", EnrollMode::Add, &[1, 2]);
    let mut bad = vec![
        Enrollment { voiceprints: Vec::new(), ..good.clone() },
        Enrollment { voiceprints: vec![new_voiceprint(1); MAX_VOICEPRINTS_PER_SUBJECT + 1], ..good.clone() },
        Enrollment { display_name: Some("two\nlines".to_owned()), ..good.clone() },
        Enrollment { display_name: Some(String::new()), ..good.clone() },
    ];
    for weight in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let mut asked = good.clone();
        asked.voiceprints[1].weight = weight;
        bad.push(asked);
    }
    let mut asked = good.clone();
    asked.voiceprints[1].quality.snr_db = f32::NAN;
    bad.push(asked);
    for bad in bad {
        let refused = records.enroll(&bank, &bad, &by(), at(10));
        assert!(matches!(refused, Err(RecordsError::InvalidField { .. })), "{refused:?}");
        let found = records.customer(&bank, &good.customer);
        assert!(matches!(found, Err(RecordsError::NotFound { kind: RecordKind::Customer, .. })));
    }
    let nowhere = earmark_voiceprint::TenantId::new("nowhere").unwrap();
    let refused = records.enroll(&nowhere, &good, &by(), at(10));
    assert!(matches!(refused, Err(RecordsError::NotFound { kind: RecordKind::Tenant, .. })));
    assert_eq!(records.verify_chain(&bank).unwrap().count, 0);

    let full =
        enrollment("c", EnrollMode::Create, &(0..MAX_VOICEPRINTS_PER_SUBJECT as u32).collect::<Vec<_>>());
    records.enroll(&bank, &full, &by(), at(10)).unwrap();
    let refused = records.enroll(&bank, &enrollment("c", EnrollMode::Add, &[1]), &by(), at(11));
    assert!(matches!(refused, Err(RecordsError::InvalidField { .. })));
    let found = records.customer(&bank, &customer("c")).unwrap();
    assert_eq!((found.voiceprints.len(), found.updated_at), (MAX_VOICEPRINTS_PER_SUBJECT, at(10)));
}

/// Also for a customer never seen before, until the customer opts in again.
pub fn an_opt_out_deletes_and_is_remembered(records: &dyn Records) {
    let bank = tenant(records);
    let id = customer("c");
    let asked = enrollment("c", EnrollMode::Create, &[1, 2]);
    let enrolled = records.enroll(&bank, &asked, &by(), at(10)).unwrap();
    assert_eq!(records.opt_out(&bank, &id, &by(), at(20)).unwrap(), enrolled.added);
    assert!(records.opt_out(&bank, &id, &by(), at(21)).unwrap().is_empty());
    assert!(records.opt_out(&bank, &customer("stranger"), &by(), at(22)).unwrap().is_empty());
    for id in ["c", "stranger"] {
        let found = records.customer(&bank, &customer(id)).unwrap();
        assert_eq!(found.status, CustomerStatus::OptedOut);
        assert!(found.voiceprints.is_empty());
        for mode in [EnrollMode::Create, EnrollMode::Add, EnrollMode::Replace] {
            let refused = records.enroll(&bank, &enrollment(id, mode, &[1]), &by(), at(30));
            assert!(matches!(refused, Err(RecordsError::OptedOut { .. })), "{refused:?}");
        }
    }
    assert_eq!(records.customer(&bank, &id).unwrap().updated_at, at(20));

    records.opt_in(&bank, &id, &by(), at(40)).unwrap();
    records.opt_in(&bank, &id, &by(), at(41)).unwrap();
    let found = records.customer(&bank, &id).unwrap();
    assert_eq!((found.status, found.updated_at), (CustomerStatus::NotEnrolled, at(40)));
    records.enroll(&bank, &asked, &by(), at(50)).unwrap();
    assert_eq!(records.customer(&bank, &id).unwrap().status, CustomerStatus::Enrolled);
    records.opt_in(&bank, &id, &by(), at(60)).unwrap();
    assert_eq!(records.customer(&bank, &id).unwrap().status, CustomerStatus::Enrolled);
    let unknown = records.opt_in(&bank, &customer("nobody"), &by(), at(60));
    assert!(matches!(unknown, Err(RecordsError::NotFound { kind: RecordKind::Customer, .. })));
}

/// Not even the voiceprints kept from calls; only the calls' decisions stay.
pub fn a_deleted_customer_leaves_nothing(records: &dyn Records) {
    let bank = tenant(records);
    let id = customer("c");
    enroll(records, &bank, "c", &[1, 2]);
    let call = call_start("call-1", Some("c"), 100);
    records.begin_call(&bank, &call).unwrap();
    let kept = new_voiceprint(9);
    let end = CallEnd { last: &update(0, "match"), duration_s: 9.0, voiceprint: Some(&kept) };
    records.finish_call(&bank, &call.call, &end, at(200)).unwrap();
    assert!(records.call_voiceprint(&bank, &call.call).unwrap().is_some());

    assert_eq!(records.delete_customer(&bank, &id, &by(), at(300)).unwrap().len(), 2);
    assert!(matches!(records.customer(&bank, &id), Err(RecordsError::NotFound { .. })));
    assert!(matches!(records.customer_voiceprints(&bank, &id), Err(RecordsError::NotFound { .. })));
    let again = records.delete_customer(&bank, &id, &by(), at(301));
    assert!(matches!(again, Err(RecordsError::NotFound { .. })));
    assert!(records.call_voiceprint(&bank, &call.call).unwrap().is_none());
    let conclusion = records.call(&bank, &call.call).unwrap().conclusion.unwrap();
    assert!(!conclusion.has_voiceprint);
    assert!(records.list_customers(&bank, &PageRequest::default()).unwrap().items.is_empty());
    enroll(records, &bank, "c", &[3]);
    assert_eq!(records.customer(&bank, &id).unwrap().voiceprints.len(), 1);
}

/// The same ids under two tenants are two customers.
pub fn tenants_are_apart(records: &dyn Records) {
    let (bank, fund) = (tenant(records), another_tenant(records, "fund"));
    assert!(!records.ensure_tenant(&bank, at(5)).unwrap());
    assert_eq!(records.tenants().unwrap(), [bank.clone(), fund.clone()]);
    enroll(records, &bank, "c", &[1]);
    assert!(matches!(records.customer(&fund, &customer("c")), Err(RecordsError::NotFound { .. })));
    enroll(records, &fund, "c", &[2, 3]);
    records.add_proxy(&bank, &new_proxy("p", &[4]), &by(), at(10)).unwrap();
    assert!(matches!(records.proxy(&fund, &proxy_id("p")), Err(RecordsError::NotFound { .. })));
    records.begin_call(&bank, &call_start("k", None, 0)).unwrap();
    assert!(matches!(records.call(&fund, &call_id("k")), Err(RecordsError::NotFound { .. })));
    records.delete_customer(&bank, &customer("c"), &by(), at(20)).unwrap();
    assert_eq!(records.customer(&fund, &customer("c")).unwrap().voiceprints.len(), 2);
    let first = PageRequest { size: crate::PageSize::new(1), token: None };
    enroll(records, &fund, "d", &[5]);
    let token = records.list_customers(&fund, &first).unwrap().next;
    let elsewhere = records.list_customers(&bank, &PageRequest { token, ..first });
    assert!(matches!(elsewhere, Err(RecordsError::BadPageToken)));
}

/// Every customer once, in order, whatever the size of the pages and whoever is added meanwhile.
pub fn customers_are_listed_in_pages_that_inserts_do_not_shift(records: &dyn Records) {
    let bank = tenant(records);
    let before: Vec<String> = (0..23).map(|i| format!("c{i:02}5")).collect();
    for (i, id) in before.iter().enumerate() {
        enroll(records, &bank, id, &[i as u32]);
    }
    for size in [1, 7, 23, 1000] {
        let found = all_pages(size, |page| records.list_customers(&bank, page), || {});
        assert!(found.iter().map(|c| c.customer.as_str()).eq(before.iter().map(String::as_str)));
        assert!(found.iter().all(|c| c.voiceprints.len() == 1));
    }
    let mut added = 0;
    let found = all_pages(
        4,
        |page| records.list_customers(&bank, page),
        || {
            enroll(records, &bank, &format!("a{added:02}"), &[1]);
            enroll(records, &bank, &format!("c{added:02}7"), &[1]);
            added += 1;
        },
    );
    let ids: Vec<&str> = found.iter().map(|c| c.customer.as_str()).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    assert!(before.iter().all(|id| ids.contains(&id.as_str())), "{ids:?}");
}
