use diesel::migration::{Migration, MigrationSource};
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connection::Conn;
use super::errors::from_message;
use crate::RecordsError;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Brings the database to this program's schema, each step in a transaction of its own; refuses
/// one that a newer program has changed.
pub(super) fn migrate(conn: &mut Conn) -> Result<(), RecordsError> {
    let known: Vec<Box<dyn Migration<Sqlite>>> = MIGRATIONS.migrations().map_err(failed)?;
    let known: Vec<_> = known.iter().map(|m| m.name().version().as_owned()).collect();
    let applied = conn.applied_migrations().map_err(failed)?;
    if let Some(newer) = applied.iter().find(|version| !known.contains(version)) {
        return Err(RecordsError::NewerSchema { version: newer.to_string() });
    }
    conn.run_pending_migrations(MIGRATIONS).map_err(failed)?;
    Ok(())
}

fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> RecordsError {
    from_message(&error.to_string())
}
