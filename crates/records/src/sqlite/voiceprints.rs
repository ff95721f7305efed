//! The biometrics: sealed, and joined with whose they are by a random id only.

use std::collections::HashMap;

use diesel::prelude::*;
use earmark_voiceprint::{ModelId, NetSpeech, Quality, Seal, SealError, Sealed, TenantId, Voiceprint};
use zeroize::Zeroizing;

use super::connection::Conn;
use super::schema::{counters, subjects, voiceprints};
use crate::{NewVoiceprint, RecordsError, StoredVoiceprint, Timestamp, VoiceprintId, VoiceprintInfo};

const COUNTER: &str = "voiceprint";
/// How many values one `IN (...)` may have; both databases allow some 32,000.
pub(super) const IDS_AT_ONCE: usize = 1000;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = voiceprints)]
pub(super) struct InfoRow {
    voiceprint_id: i64,
    tenant_id: String,
    subject_id: String,
    model_id: String,
    net_speech_s: f64,
    snr_db: f64,
    clipped_fraction: f64,
    level_dbfs: f64,
    bandwidth_hz: f64,
    weight: f64,
    channel: Option<String>,
    source: Option<String>,
    created_at: i64,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = voiceprints)]
pub(super) struct SealedRow {
    #[diesel(embed)]
    info: InfoRow,
    key_id: String,
    sealed: Vec<u8>,
}

impl SealedRow {
    pub(super) fn subject(&self) -> &str {
        &self.info.subject_id
    }

    #[cfg(test)]
    pub(super) fn sealed_bytes(&self) -> &[u8] {
        &self.sealed
    }
}

/// Makes a random id to keep a customer's, a proxy's or a call's voiceprints under.
pub(super) fn new_subject(conn: &mut Conn, tenant: &TenantId) -> Result<String, RecordsError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| RecordsError::Seal(SealError::Cipher))?;
    let subject = uuid::Builder::from_random_bytes(random).into_uuid().to_string();
    diesel::insert_into(subjects::table)
        .values((subjects::subject_id.eq(&subject), subjects::tenant_id.eq(tenant.as_str())))
        .execute(conn)?;
    Ok(subject)
}

/// Seals and keeps voiceprints under a subject.
pub(super) fn insert(
    conn: &mut Conn,
    seal: &dyn Seal,
    tenant: &TenantId,
    subject: &str,
    new: &[NewVoiceprint],
    now: Timestamp,
) -> Result<Vec<VoiceprintId>, RecordsError> {
    let first = reserve(conn, new.len())?;
    let rows = (first..)
        .zip(new)
        .map(|(id, new)| seal_row(seal, info_row(id, tenant, subject, new, now), &new.voiceprint))
        .collect::<Result<Vec<_>, _>>()?;
    let ids = rows.iter().map(|row| VoiceprintId::from_stored(row.info.voiceprint_id)).collect();
    // One by one: diesel would wrap a batch in a savepoint, whose failed rollback hides a full disk.
    for row in rows {
        diesel::insert_into(voiceprints::table).values(row).execute(conn)?;
    }
    Ok(ids)
}

/// Takes `count` numbers that were never given out; the first of them.
fn reserve(conn: &mut Conn, count: usize) -> Result<i64, RecordsError> {
    let count = count as i64;
    let next: i64 = diesel::update(counters::table.find(COUNTER))
        .set(counters::next_value.eq(counters::next_value + count))
        .returning(counters::next_value)
        .get_result(conn)?;
    Ok(next - count)
}

fn info_row(id: i64, tenant: &TenantId, subject: &str, new: &NewVoiceprint, now: Timestamp) -> InfoRow {
    InfoRow {
        voiceprint_id: id,
        tenant_id: tenant.to_string(),
        subject_id: subject.to_owned(),
        model_id: new.voiceprint.model().to_string(),
        net_speech_s: new.voiceprint.net_speech().seconds().into(),
        snr_db: new.quality.snr_db.into(),
        clipped_fraction: new.quality.clipped_fraction.into(),
        level_dbfs: new.quality.level_dbfs.into(),
        bandwidth_hz: new.quality.bandwidth_hz.into(),
        weight: new.weight.into(),
        channel: new.channel.clone(),
        source: new.source.clone(),
        created_at: now.unix_millis(),
    }
}

fn seal_row(seal: &dyn Seal, info: InfoRow, voiceprint: &Voiceprint) -> Result<SealedRow, RecordsError> {
    let plain: Zeroizing<Vec<u8>> =
        Zeroizing::new(voiceprint.values().iter().flat_map(|v| v.to_le_bytes()).collect());
    let Sealed { key_id, bytes } = seal.seal(&plain, &context(&info)).map_err(RecordsError::Seal)?;
    Ok(SealedRow { info, key_id, sealed: bytes })
}

/// What a sealed voiceprint is bound to: it opens only in the row it was sealed for, as the model's
/// and with the net speech it was sealed with.
fn context(info: &InfoRow) -> Vec<u8> {
    let parts = [
        b"earmark voiceprint 1".as_slice(),
        info.tenant_id.as_bytes(),
        info.subject_id.as_bytes(),
        &info.voiceprint_id.to_le_bytes(),
        info.model_id.as_bytes(),
        &info.net_speech_s.to_le_bytes(),
    ];
    parts.into_iter().flat_map(|p| [&(p.len() as u64).to_le_bytes(), p].concat()).collect()
}

/// Opens a row.
pub(super) fn open(seal: &dyn Seal, row: SealedRow) -> Result<StoredVoiceprint, RecordsError> {
    let id = VoiceprintId::from_stored(row.info.voiceprint_id);
    let damaged = |source| RecordsError::DamagedVoiceprint { id, source };
    let context = context(&row.info);
    let sealed = Sealed { key_id: row.key_id, bytes: row.sealed };
    let plain = Zeroizing::new(seal.open(&sealed, &context).map_err(damaged)?);
    let info = info(row.info);
    let (numbers, rest) = plain.as_chunks::<4>();
    let values: Zeroizing<Vec<f32>> =
        Zeroizing::new(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect());
    let voiceprint = Voiceprint::from_unit(info.model.clone(), &values, info.net_speech)
        .ok()
        .filter(|_| rest.is_empty())
        .ok_or_else(|| damaged(SealError::Tampered))?;
    Ok(StoredVoiceprint { info, voiceprint })
}

fn info(row: InfoRow) -> VoiceprintInfo {
    VoiceprintInfo {
        id: VoiceprintId::from_stored(row.voiceprint_id),
        model: ModelId::from_stored(&row.model_id),
        net_speech: NetSpeech::from_seconds(row.net_speech_s as f32),
        quality: Quality {
            snr_db: row.snr_db as f32,
            clipped_fraction: row.clipped_fraction as f32,
            level_dbfs: row.level_dbfs as f32,
            bandwidth_hz: row.bandwidth_hz as f32,
        },
        weight: row.weight as f32,
        channel: row.channel,
        source: row.source,
        created_at: Timestamp::from_unix_millis(row.created_at),
    }
}

/// The rows of some subjects, those of one subject together and in the order of their numbers.
pub(super) fn sealed_of(conn: &mut Conn, subjects: &[&str]) -> Result<Vec<SealedRow>, RecordsError> {
    let rows = voiceprints::table
        .filter(voiceprints::subject_id.eq_any(subjects))
        .order((voiceprints::subject_id, voiceprints::voiceprint_id))
        .select(SealedRow::as_select())
        .load(conn)?;
    Ok(rows)
}

/// What is known of the voiceprints of some subjects, by subject.
pub(super) fn infos_of(
    conn: &mut Conn,
    subjects: &[&str],
) -> Result<HashMap<String, Vec<VoiceprintInfo>>, RecordsError> {
    let mut found: HashMap<String, Vec<VoiceprintInfo>> = HashMap::new();
    for some in subjects.chunks(IDS_AT_ONCE) {
        let rows = voiceprints::table
            .filter(voiceprints::subject_id.eq_any(some))
            .order(voiceprints::voiceprint_id)
            .select(InfoRow::as_select())
            .load(conn)?;
        for row in rows {
            found.entry(row.subject_id.clone()).or_default().push(info(row));
        }
    }
    Ok(found)
}

/// How many voiceprints a subject has.
pub(super) fn count_of(conn: &mut Conn, subject: &str) -> Result<usize, RecordsError> {
    let own = voiceprints::table.filter(voiceprints::subject_id.eq(subject));
    let count: i64 = own.count().get_result(conn)?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Deletes the voiceprints of a subject; which.
pub(super) fn delete_of(conn: &mut Conn, subject: &str) -> Result<Vec<VoiceprintId>, RecordsError> {
    let own = voiceprints::table.filter(voiceprints::subject_id.eq(subject));
    let ids: Vec<i64> =
        own.select(voiceprints::voiceprint_id).order(voiceprints::voiceprint_id).load(conn)?;
    diesel::delete(own).execute(conn)?;
    Ok(ids.into_iter().map(VoiceprintId::from_stored).collect())
}

/// Deletes a subject that nothing refers to any more.
pub(super) fn delete_subject(conn: &mut Conn, subject: &str) -> Result<(), RecordsError> {
    diesel::delete(subjects::table.find(subject)).execute(conn)?;
    Ok(())
}

/// Fails if some voiceprints are of a key that is not at hand, at the cost of one row a key.
pub(super) fn check_keys(conn: &mut Conn, seal: &dyn Seal) -> Result<(), RecordsError> {
    let mut last = String::new();
    loop {
        let row = voiceprints::table
            .filter(voiceprints::key_id.gt(&last))
            .order((voiceprints::key_id, voiceprints::voiceprint_id))
            .select(SealedRow::as_select())
            .first(conn)
            .optional()?;
        let Some(row) = row else { return Ok(()) };
        last.clone_from(&row.key_id);
        if let Err(RecordsError::DamagedVoiceprint { source: SealError::UnknownKey { key_id }, .. }) =
            open(seal, row)
        {
            return Err(RecordsError::KeyMissing { key_id });
        }
    }
}

/// Whether there is any voiceprint at all.
pub(super) fn any(conn: &mut Conn) -> Result<bool, RecordsError> {
    let one: Option<i64> = voiceprints::table.select(voiceprints::voiceprint_id).first(conn).optional()?;
    Ok(one.is_some())
}

#[cfg(test)]
pub(super) fn count_all(conn: &mut Conn) -> Result<i64, RecordsError> {
    Ok(voiceprints::table.count().get_result(conn)?)
}
