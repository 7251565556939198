//! Accounts in SQL: a SQLite file, or PostgreSQL. The same statements for both, and the only place that names sqlx.

use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions, Permissions, TryLockError},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use sqlx::{
    AnyPool, Executor, Row, SqlSafeStr,
    any::{AnyPoolOptions, AnyRow},
    migrate::{MigrateError, Migration, MigrationType, Migrator},
    sqlite::SqliteConnectOptions,
};
use uuid::Uuid;

use super::{
    AccountError, AccountName,
    name::{CAPITALS, skeleton_of},
};
use crate::room::{Millis, Name, RoomKey};

/// How long a request waits for a connection.
const PATIENCE: Duration = Duration::from_secs(3);

/// Connections to PostgreSQL. Every query here is short.
const CONNECTIONS: u32 = 8;

/// How many accounts one transaction checks again.
const LOOKED_AT: usize = 500;

/// Never changed once released: every later change is a new migration.
const MIGRATIONS: [(i64, &str, &str); 2] = [
    (1, "accounts", include_str!("sql/0001_accounts.sql")),
    (2, "ended tokens", include_str!("sql/0002_ended_tokens.sql")),
];

/// Why the records cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// Not a database that is supported.
    #[error("accounts live in sqlite:<file> or postgres://…")]
    Scheme,
    /// SQLite without a file.
    #[error("accounts would be gone with the process: name a file, as in sqlite:parlor.db")]
    NoFile,
    /// The file cannot be created, or not be made private.
    #[error("{0}: {1}")]
    File(PathBuf, #[source] io::Error),
    /// The database does not answer, or answers with an error.
    #[error("{0}")]
    Sql(#[from] sqlx::Error),
    /// The migrations failed.
    #[error("the tables cannot be brought up to date: {0}")]
    Migrate(#[from] MigrateError),
    /// The key that all nodes share cannot be decoded.
    #[error("the key in the database cannot be read")]
    Key,
}

impl From<sqlx::Error> for AccountError {
    fn from(error: sqlx::Error) -> Self {
        // SQLite's lock; PostgreSQL's shutdown, failover, demotion and lack of connections.
        let away = error.as_database_error().is_some_and(|error| {
            let code = error.code().unwrap_or_default();
            ["57P", "53", "08"].iter().any(|class| code.starts_with(class))
                || code == "25006"
                || error.message().contains("database is locked")
        });
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed => Self::Unavailable,
            _ if away => Self::Unavailable,
            other => Self::Broken(other.to_string()),
        }
    }
}

/// An account as it is stored.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) id: Uuid,
    pub(super) name: Name,
    pub(super) password: String,
    pub(super) generation: i64,
    pub(super) created_at: Millis,
}

impl Record {
    fn read(row: &AnyRow) -> Result<Self, AccountError> {
        let broken = |what: &str| AccountError::Broken(format!("a record without {what}"));
        Ok(Self {
            id: row.try_get::<String, _>("id")?.parse().map_err(|_| broken("id"))?,
            name: row.try_get::<String, _>("name")?.parse().map_err(|_| broken("name"))?,
            password: row.try_get("password")?,
            generation: row.try_get("generation")?,
            created_at: Millis::try_from(row.try_get::<i64, _>("created_at")?)
                .map_err(|_| broken("time"))?,
        })
    }
}

/// The database of accounts.
pub(super) struct Records {
    pool: AnyPool,
}

impl Records {
    /// Opens the database and brings its tables up to date.
    pub(super) async fn open(url: &str) -> Result<Self, RecordsError> {
        sqlx::any::install_default_drivers();
        let options = AnyPoolOptions::new().acquire_timeout(PATIENCE).max_connections(CONNECTIONS);
        // PostgreSQL lets one node at a time run migrations; for a SQLite file, the lock below does.
        let mut alone = None;
        let options = match url.split_once(':') {
            Some(("postgres" | "postgresql", _)) => options,
            Some(("sqlite", rest)) => {
                let (file, settings) = rest.split_once('?').unwrap_or((rest, ""));
                if matches!(file.trim_start_matches("//"), "" | ":memory:")
                    || settings.contains("mode=memory")
                {
                    return Err(RecordsError::NoFile);
                }
                let path = SqliteConnectOptions::from_str(url)?.get_filename().to_owned();
                make_private(&path)?;
                alone = Some(lock(&path).await.map_err(|error| RecordsError::File(path, error))?);
                options.after_connect(|connection, _| {
                    Box::pin(async move {
                        let settings = "PRAGMA busy_timeout = 3000; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON";
                        connection.execute(settings).await.map(|_| ())
                    })
                })
            }
            _ => return Err(RecordsError::Scheme),
        };
        let pool = options.connect(url).await?;
        let step = |(version, name, sql): (i64, &'static str, &'static str)| {
            Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
        };
        Migrator::with_migrations(MIGRATIONS.map(step).into()).run(&pool).await?;
        let records = Self { pool };
        while let Err(error) = records.look_again().await {
            // An account was deleted meanwhile.
            if !error.as_database_error().is_some_and(|error| error.is_foreign_key_violation()) {
                return Err(error.into());
            }
        }
        drop(alone);
        Ok(records)
    }

    /// Stores the skeleton in capitals of accounts from before it existed, or from an older node. An account whose
    /// skeleton another one already has stays without.
    async fn look_again(&self) -> Result<(), sqlx::Error> {
        let mut after = String::new();
        loop {
            let query = sqlx::query(
                "SELECT id, name FROM accounts WHERE id > $1 AND NOT EXISTS \
                 (SELECT 1 FROM looks WHERE account = accounts.id AND substr(look, 1, 2) = $2) ORDER BY id LIMIT $3",
            );
            let query = query
                .bind(&after)
                .bind(CAPITALS)
                .bind(i64::try_from(LOOKED_AT).unwrap_or(i64::MAX));
            let without = query.fetch_all(&self.pool).await?;
            let mut kept = BTreeSet::new();
            for row in &without {
                after = row.try_get("id")?;
                let skeleton_of = skeleton_of(row.try_get("name")?)
                    .into_iter()
                    .filter(|look| look.starts_with(CAPITALS));
                kept.extend(skeleton_of.map(|look| (look, after.clone())));
            }
            let mut change = self.pool.begin().await?;
            // In order, as a registration at the same time inserts them.
            for (look, account) in kept {
                let query = sqlx::query(
                    "INSERT INTO looks (look, account) SELECT $1, id FROM accounts WHERE id = $2 ON CONFLICT DO NOTHING",
                );
                query.bind(look).bind(account).execute(&mut *change).await?;
            }
            change.commit().await?;
            if without.len() < LOOKED_AT {
                return Ok(());
            }
        }
    }

    /// A random key that all nodes share; the first node to ask creates it.
    pub(super) async fn key(&self, purpose: &str) -> Result<Vec<u8>, RecordsError> {
        sqlx::query(
            "INSERT INTO random_keys (purpose, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(purpose)
        .bind(BASE64.encode(RoomKey::random().0))
        .execute(&self.pool)
        .await?;
        let query = sqlx::query("SELECT value FROM random_keys WHERE purpose = $1").bind(purpose);
        let value: String = query.fetch_one(&self.pool).await?.try_get(0)?;
        BASE64.decode(value).ok().filter(|key| key.len() >= 32).ok_or(RecordsError::Key)
    }

    /// Adds an account. False if another account has the name, or one that looks like it.
    pub(super) async fn add(
        &self,
        name: &AccountName,
        password: &str,
        now: Millis,
    ) -> Result<bool, AccountError> {
        let id = Uuid::new_v4().to_string();
        let adding = async {
            let mut change = self.pool.begin().await?;
            // The write comes first: from here on SQLite lets no other connection write.
            sqlx::query(
                "INSERT INTO accounts (id, name, folded, password, generation, created_at) VALUES ($1, $2, $3, $4, 0, $5)",
            )
            .bind(&id)
            .bind(name.as_str())
            .bind(name.folded())
            .bind(password)
            .bind(signed(now))
            .execute(&mut *change)
            .await?;
            // In order, so that two registrations at once do not deadlock.
            for look in skeleton_of(name.as_str()) {
                let query = sqlx::query("INSERT INTO looks (look, account) VALUES ($1, $2)")
                    .bind(look)
                    .bind(&id);
                query.execute(&mut *change).await?;
            }
            change.commit().await
        };
        match adding.await {
            Ok(()) => Ok(true),
            Err(error)
                if error.as_database_error().is_some_and(|error| error.is_unique_violation()) =>
            {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The account with this folded name.
    pub(super) async fn find(&self, folded: &str) -> Result<Option<Record>, AccountError> {
        let query = sqlx::query(
            "SELECT id, name, password, generation, created_at FROM accounts WHERE folded = $1",
        )
        .bind(folded);
        query.fetch_optional(&self.pool).await?.as_ref().map(Record::read).transpose()
    }

    /// The account, unless this token of it was logged out.
    pub(super) async fn holder(
        &self,
        account: Uuid,
        token: Uuid,
    ) -> Result<Option<Record>, AccountError> {
        let query = sqlx::query(
            "SELECT id, name, password, generation, created_at FROM accounts \
             WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM ended_tokens WHERE ended_tokens.id = $2)",
        );
        let query = query.bind(account.to_string()).bind(token.to_string());
        query.fetch_optional(&self.pool).await?.as_ref().map(Record::read).transpose()
    }

    /// Whether an account has this name or one that looks like it.
    pub(super) async fn is_taken(
        &self,
        skeleton_of: &BTreeSet<String>,
    ) -> Result<bool, AccountError> {
        // One statement for two or three skeletons.
        let query = sqlx::query("SELECT 1 FROM looks WHERE look IN ($1, $2, $3) LIMIT 1");
        let query = skeleton_of.iter().cycle().take(3).fold(query, |query, look| query.bind(look));
        Ok(query.fetch_optional(&self.pool).await?.is_some())
    }

    /// Changes the password and ends all tokens. False if another request changed it meanwhile.
    pub(super) async fn set_password(
        &self,
        record: &Record,
        password: &str,
    ) -> Result<bool, AccountError> {
        let query = sqlx::query(
            "UPDATE accounts SET password = $1, generation = generation + 1 WHERE id = $2 AND generation = $3",
        );
        let query = query.bind(password).bind(record.id.to_string()).bind(record.generation);
        Ok(query.execute(&self.pool).await?.rows_affected() == 1)
    }

    /// Ends one token, and forgets tokens that have expired since.
    pub(super) async fn end_token(
        &self,
        token: Uuid,
        expires_at: Millis,
        now: Millis,
    ) -> Result<(), AccountError> {
        let forget =
            sqlx::query("DELETE FROM ended_tokens WHERE expires_at <= $1").bind(signed(now));
        forget.execute(&self.pool).await?;
        let end = sqlx::query(
            "INSERT INTO ended_tokens (id, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        );
        end.bind(token.to_string()).bind(signed(expires_at)).execute(&self.pool).await?;
        Ok(())
    }

    /// Ends all tokens of an account.
    pub(super) async fn end_all(&self, account: Uuid) -> Result<(), AccountError> {
        let query = sqlx::query("UPDATE accounts SET generation = generation + 1 WHERE id = $1")
            .bind(account.to_string());
        query.execute(&self.pool).await?;
        Ok(())
    }

    /// Deletes an account; its name is free again.
    pub(super) async fn remove(&self, account: Uuid) -> Result<(), AccountError> {
        let query = sqlx::query("DELETE FROM accounts WHERE id = $1").bind(account.to_string());
        query.execute(&self.pool).await?;
        Ok(())
    }

    /// Whether the database answers.
    pub(super) async fn ready(&self) -> Result<(), AccountError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Closes the connections.
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// A time as SQL's signed integer, capped at the largest.
fn signed(at: Millis) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}

/// Creates the file if it does not exist, readable by its owner only. SQLite gives its companion files the same mode.
fn make_private(file: &Path) -> Result<(), RecordsError> {
    let failed = |error| RecordsError::File(file.to_owned(), error);
    // Never opened if it exists: closing it would release SQLite's own locks.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    for ending in ["", "-wal", "-shm"] {
        let mut path = file.as_os_str().to_owned();
        path.push(ending);
        match std::fs::set_permissions(&path, Permissions::from_mode(0o600)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    Ok(())
}

/// Waits until no other process can run migrations. Locks the folder, because the locks of the file are SQLite's.
async fn lock(file: &Path) -> io::Result<File> {
    let folder =
        file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = File::open(folder)?;
    let waiting = async {
        loop {
            match folder.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) => {
                    tokio::time::sleep(Duration::from_millis(20)).await
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE * 10, waiting).await??;
    Ok(folder)
}
