//! Accounts: one contract, held by a SQLite file and by a real PostgreSQL.

use std::{cell::Cell, net::IpAddr, os::unix::fs::PermissionsExt, sync::Arc};

use futures_util::future::join_all;
use parlor::{
    account::{AccountError, Accounts, Cost, LIFETIME_SECS, OpenError},
    room::{Millis, Name},
};
use sqlx::{
    AnyConnection, Connection, Row, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

use crate::support::{dir::Dir, postgres::Postgres};

const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const PASSWORD: &str = "correct horse";

thread_local! {
    // A test and all that it asks run on one thread.
    static NOW: Cell<Millis> = const { Cell::new(1_700_000_000_000) };
}

fn clock() -> Millis {
    NOW.get()
}

/// A database of its own for one test.
struct Database {
    url: String,
    dir: Option<Dir>,
    _server: Option<Arc<Postgres>>,
}

impl Database {
    fn sqlite() -> Self {
        let dir = Dir::new();
        Self { url: dir.sqlite(), dir: Some(dir), _server: None }
    }

    async fn postgres() -> Self {
        let server = Postgres::shared();
        Self { url: server.database().await, dir: None, _server: Some(server) }
    }

    async fn open(&self) -> Accounts {
        Accounts::open(&self.url, "", Cost::LEAST, clock).await.unwrap()
    }
}

macro_rules! contract {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test] async fn $name() { super::$name(super::Database::sqlite()).await })+
        }
        mod on_postgres {
            $(#[tokio::test] async fn $name() { super::$name(super::Database::postgres().await).await })+
        }
    };
}

contract! {
    an_account_is_registered_logged_in_and_known,
    exactly_one_of_many_gets_a_name,
    names_that_look_alike_are_one_name,
    a_token_ends_by_time_by_logout_by_a_new_password_and_with_the_account,
    what_hostile_people_send_does_nothing,
    accounts_and_tokens_outlive_the_server,
    tables_of_the_version_before_are_brought_up_to_date,
    a_guesser_runs_out_of_tries_and_the_owner_does_not,
    nobody_learns_from_the_work_whether_there_is_an_account,
}

async fn an_account_is_registered_logged_in_and_known(database: Database) {
    let accounts = database.open().await;
    accounts.register(HOME, "  Анна ", PASSWORD).await.unwrap();
    for spelling in ["Анна", "анна", " АННА "] {
        let token = accounts.login(HOME, spelling, PASSWORD).await.unwrap();
        let account = accounts.who(&token).await.unwrap();
        assert_eq!((account.name.as_str(), account.created_at), ("Анна", clock()));
    }
    for (user, password) in [
        ("Анна", "correct hors"),
        ("Анна", "correct horsee"),
        ("Ann", PASSWORD),
        ("", PASSWORD),
        ("Анна", ""),
    ] {
        assert_eq!(
            accounts.login(HOME, user, password).await,
            Err(AccountError::WrongLogin),
            "{user} {password}"
        );
    }
}

async fn exactly_one_of_many_gets_a_name(database: Database) {
    let nodes = [database.open().await, database.open().await];
    let spellings = ["Olga", "olga", "OLGA", "0lga", "Оlga", "OIga"].iter().cycle().take(24);
    let tries = spellings.enumerate().map(|(n, name)| nodes[n % 2].register(HOME, name, PASSWORD));
    let outcomes = join_all(tries).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");

    assert!(
        outcomes
            .iter()
            .filter_map(|outcome| outcome.as_ref().err())
            .all(|error| *error == AccountError::NameTaken)
    );
}

async fn names_that_look_alike_are_one_name(database: Database) {
    let accounts = database.open().await;
    accounts.register(HOME, "Paypal", PASSWORD).await.unwrap();
    for name in ["paypal", "PAYPAL", "PaypaI", "Раураl", "Pаypal", "Ｐａｙｐａｌ", "Pay pal"]
    {
        assert_eq!(
            accounts.register(HOME, name, PASSWORD).await,
            Err(AccountError::NameTaken),
            "{name}"
        );
        assert!(accounts.is_taken(&name.parse().unwrap()).await.unwrap(), "{name}");
    }
    let guest: Name = "Pay\u{ad}\u{2800}pal\u{200d}".parse().unwrap();
    assert!(accounts.is_taken(&guest).await.unwrap(), "what guests may write and accounts may not");
    accounts.register(HOME, "Tom", PASSWORD).await.unwrap();
    for capitals in ["ТОМ", "том"] {
        assert_eq!(
            accounts.register(HOME, capitals, PASSWORD).await,
            Err(AccountError::NameTaken),
            "{capitals}"
        );
        assert!(accounts.is_taken(&capitals.parse().unwrap()).await.unwrap(), "{capitals}");
    }
    for free in ["Paypa", "PaypaI2", "😀", "Guest 1a2b"] {
        assert!(!accounts.is_taken(&free.parse().unwrap()).await.unwrap(), "{free}");
    }
}

async fn a_token_ends_by_time_by_logout_by_a_new_password_and_with_the_account(database: Database) {
    let accounts = database.open().await;
    accounts.register(HOME, "Ann", PASSWORD).await.unwrap();
    let login = async || accounts.login(HOME, "Ann", PASSWORD).await.unwrap();
    let is_over = async |token: &str| accounts.who(token).await == Err(AccountError::NotLoggedIn);

    let (one, two) = (login().await, login().await);
    accounts.logout(&one, false).await.unwrap();
    accounts.logout(&one, false).await.unwrap();
    assert!(is_over(&one).await && !is_over(&two).await, "each by itself");
    let three = login().await;
    accounts.logout(&three, true).await.unwrap();
    assert!(is_over(&two).await && is_over(&three).await, "or all of them");

    let (old, begun) = (login().await, clock());
    NOW.set(begun + LIFETIME_SECS * 1000 - 1);
    assert!(!is_over(&old).await);
    NOW.set(begun + LIFETIME_SECS * 1000);
    assert!(is_over(&old).await);

    let (here, elsewhere) = (login().await, login().await);
    let change =
        |old: &'static str, new: &'static str| accounts.change_password(HOME, &here, old, new);
    assert_eq!(change("wrong horse", "new password").await, Err(AccountError::WrongLogin));
    assert_eq!(change(PASSWORD, "short").await, Err(AccountError::BadPassword));
    assert!(!is_over(&elsewhere).await);
    let fresh = change(PASSWORD, "new password").await.unwrap();
    assert!(is_over(&here).await && is_over(&elsewhere).await && !is_over(&fresh).await);
    assert_eq!(accounts.login(HOME, "Ann", PASSWORD).await, Err(AccountError::WrongLogin));
    assert!(accounts.login(HOME, "Ann", "new password").await.is_ok());

    assert_eq!(accounts.delete(HOME, &fresh, PASSWORD).await, Err(AccountError::WrongLogin));
    assert_eq!(accounts.delete(HOME, &here, "new password").await, Err(AccountError::NotLoggedIn));
    accounts.delete(HOME, &fresh, "new password").await.unwrap();
    assert!(is_over(&fresh).await);
    accounts.register(HOME, "ann", PASSWORD).await.unwrap();
    assert!(is_over(&fresh).await, "whoever has the name next is somebody else");
}

async fn what_hostile_people_send_does_nothing(database: Database) {
    let accounts = database.open().await;
    accounts.register(HOME, "Ann", PASSWORD).await.unwrap();
    let long = "x".repeat(60_000);
    for name in [
        "' OR '1'='1",
        "Ann'; DROP TABLE accounts; --",
        "Ann\0",
        "\"; --",
        "$1",
        "%",
        "A%",
        "A_n",
        &long,
    ] {
        let login = accounts.login(HOME, name, PASSWORD).await;
        assert!(
            matches!(login, Err(AccountError::WrongLogin | AccountError::TooManyTries(_))),
            "{name}: {login:?}"
        );
    }
    assert_eq!(accounts.register(HOME, "O'Neil", PASSWORD).await, Ok(()), "a quote is no harm");
    assert!(accounts.login(HOME, "o'neil", PASSWORD).await.is_ok());
    for password in
        ["x".repeat(73), "я".repeat(37), "1234567".into(), "12345678\0".into(), String::new(), long]
    {
        assert_eq!(accounts.register(HOME, "Bob", &password).await, Err(AccountError::BadPassword));
    }
    let whole = "x".repeat(72);
    accounts.register(HOME, "Bob", &whole).await.unwrap();
    assert!(accounts.login(HOME, "Bob", &whole).await.is_ok());
    for other in [format!("{whole}x"), format!("{}y", "x".repeat(71)), "x".repeat(71)] {
        assert_eq!(accounts.login(HOME, "Bob", &other).await, Err(AccountError::WrongLogin));
    }
    for token in ["", "..", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJBbm4ifQ.", "a.b.c.d"] {
        assert_eq!(accounts.who(token).await, Err(AccountError::NotLoggedIn));
    }
}

async fn accounts_and_tokens_outlive_the_server(database: Database) {
    let before = database.open().await;
    before.register(HOME, "Ann", PASSWORD).await.unwrap();
    let token = before.login(HOME, "Ann", PASSWORD).await.unwrap();
    before.close().await;
    assert_eq!(
        before.who(&token).await,
        Err(AccountError::Unavailable),
        "a database that is away is no wrong login"
    );
    let after = database.open().await;
    assert_eq!(after.who(&token).await.unwrap().name.as_str(), "Ann");
    let peppered = Accounts::open(&database.url, "a secret", Cost::LEAST, clock).await.unwrap();
    assert_eq!(
        peppered.who(&token).await,
        Err(AccountError::NotLoggedIn),
        "another secret, another key"
    );
    let token = peppered.login(HOME, "Ann", PASSWORD).await.unwrap();
    assert_eq!(after.who(&token).await, Err(AccountError::NotLoggedIn));
}

async fn tables_of_the_version_before_are_brought_up_to_date(database: Database) {
    sqlx::any::install_default_drivers();
    if let Some(dir) = &database.dir {
        std::fs::File::create(dir.join("parlor.db")).unwrap();
    }
    let mut old = AnyConnection::connect(&database.url).await.unwrap();
    let first = include_str!("../../../src/account/sql/0001_accounts.sql").into_sql_str();
    let first = Migration::new(1, "accounts".into(), MigrationType::Simple, first, false);
    Migrator::with_migrations(vec![first]).run(&mut old).await.unwrap();
    let hash = "$2b$04$1yRWpyHzDmYsVOWBeCfLB.6uqAsk1HJZyDIYMgTpWAVQDZpZHYKhq";
    for (table, sql) in [
        (
            "accounts",
            "INSERT INTO accounts VALUES ('6e2b0a4e-0a5c-4c9a-8f39-0c7e5c1f0001', 'Ann', 'ann', $1, 0, 7)",
        ),
        ("looks", "INSERT INTO looks VALUES ('ann', '6e2b0a4e-0a5c-4c9a-8f39-0c7e5c1f0001')"),
    ] {
        let query = sqlx::query(sql);
        let query = if table == "accounts" { query.bind(hash) } else { query };
        assert_eq!(query.execute(&mut old).await.unwrap().rows_affected(), 1);
    }
    old.close().await.unwrap();

    // Two nodes at once, as a deployment does.
    let (one, two) = tokio::join!(database.open(), database.open());
    assert!(one.is_taken(&"Ann".parse().unwrap()).await.unwrap());
    assert!(
        one.is_taken(&"ανν".parse().unwrap()).await.unwrap(),
        "by a look that was not kept then"
    );
    assert_eq!(two.register(HOME, "ann", PASSWORD).await, Err(AccountError::NameTaken));
    let mut now = AnyConnection::connect(&database.url).await.unwrap();
    let row = sqlx::query("SELECT COUNT(*), MAX(version) FROM _sqlx_migrations")
        .fetch_one(&mut now)
        .await
        .unwrap();
    assert_eq!((row.get::<i64, _>(0), row.get::<i64, _>(1)), (2, 2));
    // What the new table is for.
    two.register(HOME, "Bob", PASSWORD).await.unwrap();
    let token = two.login(HOME, "Bob", PASSWORD).await.unwrap();
    two.logout(&token, false).await.unwrap();
    assert_eq!(one.who(&token).await, Err(AccountError::NotLoggedIn));
}

async fn a_guesser_runs_out_of_tries_and_the_owner_does_not(database: Database) {
    let accounts = database.open().await;
    accounts.register(HOME, "Ann", PASSWORD).await.unwrap();
    accounts.login(HOME, "Ann", PASSWORD).await.unwrap();
    let away = |last| IpAddr::from([198, 51, 100, last]);
    for (user, from) in [("Ann", away(1)), ("nobody", away(2))] {
        let tries = join_all((0..20).map(|_| accounts.login(from, user, "wrong horse"))).await;
        let wrong =
            tries.iter().filter(|outcome| **outcome == Err(AccountError::WrongLogin)).count();
        let refused = tries
            .iter()
            .filter(|outcome| matches!(outcome, Err(AccountError::TooManyTries(_))))
            .count();
        assert_eq!(
            (wrong, refused),
            (10, 10),
            "whether or not there is such an account: {tries:?}"
        );
    }
    assert!(matches!(
        accounts.login(away(1), "Ann", PASSWORD).await,
        Err(AccountError::TooManyTries(_))
    ));
    let owner = join_all((0..50).map(|_| accounts.login(HOME, "Ann", PASSWORD))).await;
    assert!(owner.iter().all(Result::is_ok), "fifty right ones at once: {owner:?}");
}

/// Counted rather than timed: each hash is the same work.
async fn nobody_learns_from_the_work_whether_there_is_an_account(database: Database) {
    let accounts = database.open().await;
    accounts.register(HOME, "Ann", PASSWORD).await.unwrap();
    let long = "x".repeat(73);
    for (password, hashes) in [("wrong horse", 1), ("short", 0), (&*long, 0)] {
        for user in ["Ann", "nobody", "", "' OR '1'='1"] {
            let before = accounts.hashes();
            assert_eq!(accounts.login(HOME, user, password).await, Err(AccountError::WrongLogin));
            assert_eq!(accounts.hashes() - before, hashes, "{user} {password}");
        }
    }
    let before = accounts.hashes();
    let token = accounts.login(HOME, "Ann", PASSWORD).await.unwrap();
    accounts.change_password(HOME, &token, PASSWORD, "new password").await.unwrap();
    assert_eq!(accounts.hashes() - before, 3);
}

#[tokio::test]
async fn the_file_is_for_its_owner_only() {
    let database = Database::sqlite();
    let file = database.dir.as_deref().unwrap().join("parlor.db");
    std::fs::write(&file, "").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let accounts = database.open().await;
    accounts.register(HOME, "Ann", PASSWORD).await.unwrap();
    let modes: Vec<(String, u32)> = std::fs::read_dir(file.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                entry.metadata().unwrap().permissions().mode() & 0o777,
            )
        })
        .collect();
    assert_eq!(modes.len(), 3, "the file, its log and its index: {modes:?}");
    assert!(modes.iter().all(|(_, mode)| *mode == 0o600), "{modes:?}");
}

#[tokio::test]
async fn what_is_no_database_of_ours_is_refused_with_a_reason() {
    for (url, reason) in [
        ("mysql://localhost/parlor", "sqlite:<file> or postgres://"),
        ("parlor.db", "sqlite:<file> or postgres://"),
        ("sqlite:/nowhere/at/all/parlor.db", "/nowhere/at/all/parlor.db"),
        ("sqlite::memory:", "name a file"),
        ("sqlite://:memory:", "name a file"),
        ("sqlite:", "name a file"),
        ("sqlite:parlor.db?mode=memory", "name a file"),
        ("postgres://parlor:hunter2@127.0.0.1:1/parlor", ""),
    ] {
        let error: OpenError = match Accounts::open(url, "", Cost::LEAST, clock).await {
            Ok(_) => panic!("{url} was opened"),
            Err(error) => error,
        };
        let message = error.to_string();
        assert!(message.contains(reason) && !message.contains("hunter2"), "{message}");
    }
}
