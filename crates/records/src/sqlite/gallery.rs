//! Every voiceprint of every customer or proxy, in bounded memory, for building the galleries.

use std::collections::HashMap;
use std::ops::ControlFlow;

use diesel::prelude::*;
use earmark_voiceprint::{CustomerId, ProxyId, Seal, TenantId};

use super::connection::{Conn, Pool};
use super::schema::{customers, proxies};
use super::{tenants, voiceprints};
use crate::{CustomerVoiceprint, ProxyVoiceprint, RecordKind, RecordsError, StoredVoiceprint, Timestamp};

/// Some 6 MB of sealed voiceprints at the very most, at 100 voiceprints of 192 numbers each.
const OWNERS_AT_ONCE: i64 = 64;

pub(super) fn for_each_customer(
    pool: &Pool,
    seal: &dyn Seal,
    tenant: Option<&TenantId>,
    visit: &mut dyn FnMut(CustomerVoiceprint) -> ControlFlow<()>,
) -> Result<(), RecordsError> {
    let owners = |conn: &mut Conn, last: &str| customers_after(conn, tenant, last);
    for_each(pool, seal, owners, |(tenant, customer): &(TenantId, CustomerId), stored| {
        visit(CustomerVoiceprint { tenant: tenant.clone(), customer: customer.clone(), stored })
    })
}

pub(super) fn for_each_proxy(
    pool: &Pool,
    seal: &dyn Seal,
    tenant: Option<&TenantId>,
    visit: &mut dyn FnMut(ProxyVoiceprint) -> ControlFlow<()>,
) -> Result<(), RecordsError> {
    let owners = |conn: &mut Conn, last: &str| proxies_after(conn, tenant, last);
    for_each(pool, seal, owners, |(tenant, proxy, expires_at): &ListedProxy, stored| {
        let (tenant, proxy, expires_at) = (tenant.clone(), proxy.clone(), *expires_at);
        visit(ProxyVoiceprint { tenant, proxy, expires_at, stored })
    })
}

/// Goes through the owners in the order of their random ids, some at a time; no connection is held
/// while a voiceprint is opened or visited.
fn for_each<T>(
    pool: &Pool,
    seal: &dyn Seal,
    owners_after: impl Fn(&mut Conn, &str) -> Result<Vec<(String, T)>, RecordsError>,
    mut visit: impl FnMut(&T, StoredVoiceprint) -> ControlFlow<()>,
) -> Result<(), RecordsError> {
    let mut last = String::new();
    loop {
        let (owners, rows) = pool.read(|conn| {
            let owners = owners_after(conn, &last)?;
            let subjects: Vec<&str> = owners.iter().map(|(subject, _)| subject.as_str()).collect();
            let rows = voiceprints::sealed_of(conn, &subjects)?;
            Ok((owners, rows))
        })?;
        let Some((end, _)) = owners.last() else { return Ok(()) };
        last.clone_from(end);
        let owners: HashMap<String, T> = owners.into_iter().collect();
        for row in rows {
            let Some(owner) = owners.get(row.subject()) else { continue };
            if visit(owner, voiceprints::open(seal, row)?).is_break() {
                return Ok(());
            }
        }
    }
}

type EnrolledCustomer = (TenantId, CustomerId);
type ListedProxy = (TenantId, ProxyId, Option<Timestamp>);

fn customers_after(
    conn: &mut Conn,
    tenant: Option<&TenantId>,
    subject: &str,
) -> Result<Vec<(String, EnrolledCustomer)>, RecordsError> {
    let mut query = customers::table
        .filter(customers::subject_id.gt(subject))
        .order(customers::subject_id)
        .limit(OWNERS_AT_ONCE)
        .select((customers::subject_id.assume_not_null(), customers::tenant_id, customers::customer_id))
        .into_boxed();
    if let Some(tenant) = tenant {
        query = query.filter(customers::tenant_id.eq(tenant.as_str()));
    }
    let found: Vec<(String, String, String)> = query.load(conn)?;
    let typed = |(subject, tenant, id): (String, String, String)| {
        let customer = CustomerId::new(&id).map_err(|_| RecordsError::damaged(RecordKind::Customer, &id))?;
        Ok((subject, (tenants::from_stored(&tenant)?, customer)))
    };
    found.into_iter().map(typed).collect()
}

fn proxies_after(
    conn: &mut Conn,
    tenant: Option<&TenantId>,
    subject: &str,
) -> Result<Vec<(String, ListedProxy)>, RecordsError> {
    let mut query = proxies::table
        .filter(proxies::subject_id.gt(subject))
        .order(proxies::subject_id)
        .limit(OWNERS_AT_ONCE)
        .select((proxies::subject_id, proxies::tenant_id, proxies::proxy_id, proxies::expires_at))
        .into_boxed();
    if let Some(tenant) = tenant {
        query = query.filter(proxies::tenant_id.eq(tenant.as_str()));
    }
    let found: Vec<(String, String, String, Option<i64>)> = query.load(conn)?;
    let typed = |(subject, tenant, id, expires_at): (String, String, String, Option<i64>)| {
        let proxy = ProxyId::new(&id).map_err(|_| RecordsError::damaged(RecordKind::Proxy, &id))?;
        let expires_at = expires_at.map(Timestamp::from_unix_millis);
        Ok((subject, (tenants::from_stored(&tenant)?, proxy, expires_at)))
    };
    found.into_iter().map(typed).collect()
}
