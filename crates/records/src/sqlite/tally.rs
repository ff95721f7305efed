//! Counts over many calls, made by the database.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use earmark_voiceprint::{CallId, ProxyId, TenantId};

use super::connection::Conn;
use crate::tally::MAX_HISTORY_CALLS;
use crate::{
    CallTally, Code, Outcome, OutcomeTally, ProxyHistory, RecordKind, RecordsError, StepTally, TallySpan,
    Timestamp,
};

/// The last report on call `c`, if there is one.
macro_rules! last_outcome {
    () => {
        "(SELECT o.outcome FROM call_outcomes o WHERE o.tenant_id = c.tenant_id \
           AND o.call_id = c.call_id ORDER BY o.place DESC LIMIT 1)"
    };
}

/// The tagged calls are few, and an index has them by verdict and time; each needs the first proxy of
/// its last update. 1: the tenant, 2: since, 3: the call to leave out, 4: how many, 5: the proxy.
const HISTORY: &str = concat!(
    "SELECT COUNT(*) AS calls, COUNT(DISTINCT customer_id) AS customers, \
       COUNT(DISTINCT caller_number) AS numbers, MIN(started_at) AS first_at, MAX(started_at) AS last_at, \
       COUNT(CASE WHEN outcome = 'confirmed_proxy' THEN 1 END) AS confirmed, \
       COUNT(CASE WHEN outcome IN ('genuine', 'wrong_person', 'authorized_third_party') THEN 1 END) AS cleared \
     FROM (SELECT c.customer_id, c.caller_number, c.started_at, ",
    last_outcome!(),
    " AS outcome FROM \
         (SELECT * FROM calls WHERE tenant_id = ? AND verdict = 'suspected_proxy' AND started_at >= ? \
            AND call_id <> ? ORDER BY started_at DESC LIMIT ?) c \
       JOIN call_update_proxies p ON p.tenant_id = c.tenant_id AND p.call_id = c.call_id \
         AND p.sequence = c.last_sequence AND p.place = 0 WHERE p.proxy_id = ?) tagged"
);

/// 1: from, 2: the step, 3: the tenant, 4: from, 5: until.
const OVER_TIME: &str = "SELECT (started_at - ?) / ? AS step, verdict, COUNT(*) AS calls FROM calls \
     WHERE tenant_id = ? AND started_at >= ? AND started_at < ? GROUP BY 1, 2 ORDER BY 1, 2";

/// 1: the tenant, 2: from, 3: until.
const OUTCOMES: &str = concat!(
    "SELECT verdict, outcome, COUNT(*) AS calls FROM (SELECT c.verdict, ",
    last_outcome!(),
    " AS outcome FROM calls c WHERE c.tenant_id = ? AND c.started_at >= ? AND c.started_at < ?) reported \
     WHERE outcome IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"
);

#[derive(QueryableByName)]
struct HistoryRow {
    #[diesel(sql_type = BigInt)]
    calls: i64,
    #[diesel(sql_type = BigInt)]
    customers: i64,
    #[diesel(sql_type = BigInt)]
    numbers: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    first_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    last_at: Option<i64>,
    #[diesel(sql_type = BigInt)]
    confirmed: i64,
    #[diesel(sql_type = BigInt)]
    cleared: i64,
}

#[derive(QueryableByName)]
struct StepRow {
    #[diesel(sql_type = BigInt)]
    step: i64,
    #[diesel(sql_type = Nullable<Text>)]
    verdict: Option<String>,
    #[diesel(sql_type = BigInt)]
    calls: i64,
}

#[derive(QueryableByName)]
struct OutcomeRow {
    #[diesel(sql_type = Nullable<Text>)]
    verdict: Option<String>,
    #[diesel(sql_type = Text)]
    outcome: String,
    #[diesel(sql_type = BigInt)]
    calls: i64,
}

pub(super) fn proxy_history(
    conn: &mut Conn,
    tenant: &TenantId,
    proxy: &ProxyId,
    since: Timestamp,
    except: &CallId,
) -> Result<ProxyHistory, RecordsError> {
    let row: HistoryRow = diesel::sql_query(HISTORY)
        .bind::<Text, _>(tenant.as_str())
        .bind::<BigInt, _>(since.unix_millis())
        .bind::<Text, _>(except.as_str())
        .bind::<BigInt, _>(i64::from(MAX_HISTORY_CALLS))
        .bind::<Text, _>(proxy.as_str())
        .get_result(conn)?;
    Ok(ProxyHistory {
        calls: count(row.calls),
        customers: count(row.customers),
        numbers: count(row.numbers),
        first_at: row.first_at.map(Timestamp::from_unix_millis),
        last_at: row.last_at.map(Timestamp::from_unix_millis),
        confirmed: count(row.confirmed),
        cleared: count(row.cleared),
    })
}

pub(super) fn tally(conn: &mut Conn, tenant: &TenantId, span: &TallySpan) -> Result<CallTally, RecordsError> {
    let (from, until) = (span.from.unix_millis(), span.until.unix_millis());
    let steps: Vec<StepRow> = diesel::sql_query(OVER_TIME)
        .bind::<BigInt, _>(from)
        .bind::<BigInt, _>(span.step_ms)
        .bind::<Text, _>(tenant.as_str())
        .bind::<BigInt, _>(from)
        .bind::<BigInt, _>(until)
        .load(conn)?;
    let outcomes: Vec<OutcomeRow> = diesel::sql_query(OUTCOMES)
        .bind::<Text, _>(tenant.as_str())
        .bind::<BigInt, _>(from)
        .bind::<BigInt, _>(until)
        .load(conn)?;
    let step = |row: StepRow| {
        let from = Timestamp::from_unix_millis(from + row.step * span.step_ms);
        Ok(StepTally { from, verdict: verdict(row.verdict)?, calls: count(row.calls) })
    };
    let outcome = |row: OutcomeRow| {
        let damaged = || RecordsError::damaged(RecordKind::Call, &row.outcome);
        let outcome = Outcome::from_code(&row.outcome).ok_or_else(damaged)?;
        Ok(OutcomeTally { verdict: verdict(row.verdict)?, outcome, calls: count(row.calls) })
    };
    Ok(CallTally {
        over_time: steps.into_iter().map(step).collect::<Result<_, RecordsError>>()?,
        outcomes: outcomes.into_iter().map(outcome).collect::<Result<_, RecordsError>>()?,
    })
}

fn verdict(code: Option<String>) -> Result<Option<Code>, RecordsError> {
    code.map(|code| Code::new(&code)).transpose()
}

fn count(rows: i64) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}
