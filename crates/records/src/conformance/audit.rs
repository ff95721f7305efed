use super::fixtures::*;
use crate::{
    AuditAction, AuditHead, EnrollMode, Enrollment, Outcome, OutcomeReport, RecordKind, Records, RecordsError,
};

/// Who, what and when, in order, chained, under each tenant by itself, with no names in it.
pub fn every_change_is_in_the_audit_trail(records: &dyn Records) {
    let (bank, fund) = (tenant(records), another_tenant(records, "fund"));
    assert_eq!(records.verify_chain(&bank).unwrap(), AuditHead { count: 0, hash: [0; 32] });
    let named = Enrollment {
        display_name: Some("王小明".to_owned()),
        ..enrollment("c", EnrollMode::Create, &[1, 2])
    };
    records.enroll(&bank, &named, &by(), at(1)).unwrap();
    records.enroll(&fund, &named, &by(), at(1)).unwrap();
    records.opt_out(&bank, &customer("c"), &by(), at(2)).unwrap();
    records.opt_in(&bank, &customer("c"), &by(), at(3)).unwrap();
    records.delete_customer(&bank, &customer("c"), &by(), at(4)).unwrap();
    records.add_proxy(&bank, &new_proxy("p", &[3]), &by(), at(5)).unwrap();
    records.remove_proxy(&bank, &proxy_id("p"), &by(), at(6)).unwrap();
    records.begin_call(&bank, &call_start("k", None, 0)).unwrap();
    let report = OutcomeReport {
        outcome: Outcome::ConfirmedProxy,
        proxy: Some(proxy_id("p")),
        note: Some("said to be 李四".to_owned()),
    };
    records.report_outcome(&bank, &call_id("k"), &report, &by(), at(7)).unwrap();
    let _ = records.delete_customer(&bank, &customer("nobody"), &by(), at(8)).unwrap_err();

    let expected = [
        (AuditAction::Enroll, "c"),
        (AuditAction::OptOut, "c"),
        (AuditAction::OptIn, "c"),
        (AuditAction::DeleteCustomer, "c"),
        (AuditAction::ListProxy, "p"),
        (AuditAction::UnlistProxy, "p"),
        (AuditAction::ReportOutcome, "k"),
    ];
    for size in [1, 3, 100] {
        let trail = all_pages(size, |page| records.list_audit(&bank, page), || {});
        assert_eq!(trail.iter().map(|e| (e.action, e.object.as_str())).collect::<Vec<_>>(), expected);
        assert!((1..).zip(&trail).all(|(i, e)| e.sequence == i && e.at == at(i) && e.by == by()));
        let said: String = trail.iter().map(|e| e.detail.as_str()).collect();
        assert!(!said.contains('王') && !said.contains('李') && said.contains("confirmed_proxy p"), "{said}");
        let end = trail.last().unwrap();
        assert_eq!(records.verify_chain(&bank).unwrap(), AuditHead { count: 7, hash: end.hash });
    }
    assert_eq!(records.verify_chain(&fund).unwrap().count, 1);
    let nowhere = earmark_voiceprint::TenantId::new("nowhere").unwrap();
    let unknown = records.verify_chain(&nowhere);
    assert!(matches!(unknown, Err(RecordsError::NotFound { kind: RecordKind::Tenant, .. })));
}
