use std::collections::HashSet;
use std::ops::ControlFlow;

use earmark_voiceprint::TenantId;

use super::fixtures::*;
use crate::Records;

/// Of one tenant or of all; a customer's together; none that was deleted; and it can be stopped.
pub fn galleries_get_every_voiceprint_once(records: &dyn Records) {
    let (bank, fund) = (tenant(records), another_tenant(records, "fund"));
    for i in 0..150u32 {
        enroll(records, &bank, &format!("c{i}"), &[3 * i, 3 * i + 1, 3 * i + 2][..1 + i as usize % 3]);
    }
    enroll(records, &fund, "c0", &[900]);
    enroll(records, &bank, "deleted", &[901]);
    records.delete_customer(&bank, &customer("deleted"), &by(), at(20)).unwrap();
    enroll(records, &bank, "refused", &[902]);
    records.opt_out(&bank, &customer("refused"), &by(), at(20)).unwrap();
    records.add_proxy(&bank, &new_proxy("p1", &[910, 911]), &by(), at(20)).unwrap();
    records.add_proxy(&fund, &new_proxy("p1", &[912]), &by(), at(20)).unwrap();

    assert_eq!(customers_of(records, None), 301);
    assert_eq!(customers_of(records, Some(&bank)), 300);
    assert_eq!(customers_of(records, Some(&fund)), 1);
    let mut seen = 0;
    let stop_at_third = &mut |_| {
        seen += 1;
        if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    records.for_each_customer_voiceprint(None, stop_at_third).unwrap();
    assert_eq!(seen, 3);

    for (tenant, expected) in [(None, vec![910, 911, 912]), (Some(&bank), vec![910, 911])] {
        let mut found = Vec::new();
        let take = &mut |v: crate::ProxyVoiceprint| {
            assert_eq!((v.proxy, v.expires_at), (proxy_id("p1"), Some(at(1_000_000))));
            found.push(v.stored.voiceprint.values().to_vec());
            ControlFlow::Continue(())
        };
        records.for_each_proxy_voiceprint(tenant, take).unwrap();
        let is_there = |seed: &u32| found.contains(&voiceprint(*seed).values().to_vec());
        assert!(found.len() == expected.len() && expected.iter().all(is_there));
    }
}

/// How many there are; fails if one comes twice, is wrong, or a customer's do not come together.
fn customers_of(records: &dyn Records, tenant: Option<&TenantId>) -> usize {
    let (mut ids, mut owners, mut last) = (HashSet::new(), HashSet::new(), None);
    let take = &mut |v: crate::CustomerVoiceprint| {
        let owner = Some((v.tenant.clone(), v.customer.clone()));
        if owner != last {
            assert!(owners.insert(owner.clone()), "{owner:?} comes twice");
            last = owner;
        }
        assert!(ids.insert(v.stored.info.id));
        let own = records.customer_voiceprints(&v.tenant, &v.customer).unwrap();
        let same = own.iter().find(|o| o.info.id == v.stored.info.id).unwrap();
        assert_eq!(same.voiceprint.values(), v.stored.voiceprint.values());
        ControlFlow::Continue(())
    };
    records.for_each_customer_voiceprint(tenant, take).unwrap();
    ids.len()
}
