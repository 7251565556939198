//! Every setting: its flag, its environment variable, its default and its check.

mod budgets;
mod command_line;
mod error;
mod livekit;
mod origin;
mod period;
mod receipt_key;
mod secret;
mod switch;

use std::{net::SocketAddr, time::Duration};

use clap::{Parser, ValueEnum};

pub use self::{
    budgets::BudgetSettings,
    command_line::{Command, CommandLine},
    error::ConfigError,
    livekit::LiveKit,
    origin::{AllowedHosts, Authority, NameError, Origin, Origins},
    period::Period,
    secret::Secret,
    switch::{Switch, SwitchOff},
};
use crate::room::Limits;

/// Enough for a reload over one second of round trip.
const RELOAD_GRACE: Duration = Duration::from_secs(5);

/// Ephemeral room chat: open, talk, gone.
#[derive(Clone, Debug, Parser)]
#[command(version, about)]
pub struct Config {
    /// Address to listen on
    #[arg(long, env = "PARLOR_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDR:PORT")]
    pub listen: SocketAddr,

    /// Connections that may wait to be accepted; no more than the kernel allows (Linux: net.core.somaxconn)
    #[arg(long, env = "PARLOR_BACKLOG", default_value_t = 4096, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=65_535))]
    pub backlog: u32,

    /// Redis that carries rooms between nodes (redis://, redis-cluster://, redis-sentinel://, or rediss… for TLS); without it, rooms live in this process
    #[arg(long, env = "REDIS_URL", value_name = "URL", hide_env_values = true)]
    pub redis_url: Option<Secret>,

    /// LiveKit server, as browsers reach it (wss://…)
    #[arg(long, env = "LIVEKIT_URL", value_name = "URL")]
    pub livekit_url: Option<String>,

    /// LiveKit server, as Parlor itself reaches it, if that differs
    #[arg(long, env = "LIVEKIT_API_URL", value_name = "URL")]
    pub livekit_api_url: Option<String>,

    /// LiveKit API key
    #[arg(long, env = "LIVEKIT_API_KEY", value_name = "KEY")]
    pub livekit_api_key: Option<String>,

    /// LiveKit API secret
    #[arg(long, env = "LIVEKIT_API_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub livekit_api_secret: Option<Secret>,

    /// Where accounts live: sqlite:parlor.db or postgres://…; without it, there are none
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<Secret>,

    /// Only people who are logged in may join
    #[arg(long, env = "PARLOR_REQUIRE_LOGIN", value_name = "true|false", default_value = "", hide_default_value = true, num_args = 0..=1, default_missing_value = "true")]
    pub require_login: Switch,

    /// How many proxies stand before this server, each adding to X-Forwarded-For the address it saw; then X-Forwarded-Host is read as well
    #[arg(long, env = "PARLOR_PROXIES", default_value_t = 0, value_name = "COUNT")]
    pub proxies: u8,

    /// Mixed into every room's own random key; the same on all nodes. Then reading Redis is not enough to forge a ticket
    #[arg(
        long,
        env = "PARLOR_SECRET",
        value_name = "SECRET",
        default_value = "",
        hide_env_values = true,
        hide_default_value = true
    )]
    pub secret: Secret,

    /// Signs receipts of rooms that ended: 32 bytes as hex or base64url, the same on all nodes. Without it each node takes a random key that ends with it
    #[arg(
        long,
        env = "PARLOR_RECEIPT_KEY",
        value_name = "KEY",
        default_value = "",
        hide_env_values = true,
        hide_default_value = true
    )]
    pub receipt_key: Secret,

    /// Further origins whose pages may connect, separated by commas (`https://chat.example.org`)
    #[arg(
        long,
        env = "PARLOR_ORIGINS",
        value_name = "ORIGINS",
        default_value = "",
        hide_default_value = true
    )]
    pub origins: Origins,

    /// Hosts that this server answers to, whatever the port, separated by commas; empty for all. `/healthz` and `/readyz` answer to any
    #[arg(
        long,
        env = "PARLOR_ALLOWED_HOSTS",
        value_name = "HOSTS",
        default_value = "",
        hide_default_value = true
    )]
    pub allowed_hosts: AllowedHosts,

    /// Messages a room keeps
    #[arg(long, env = "PARLOR_HISTORY_LEN", default_value_t = 200, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub history_len: u32,

    /// Bytes of text a room keeps, oldest messages dropped first
    #[arg(long, env = "PARLOR_HISTORY_BYTES", default_value_t = 256 * 1024, value_name = "BYTES")]
    pub history_bytes: u32,

    /// How long a message is kept
    #[arg(long, env = "PARLOR_HISTORY_AGE", default_value = "30m", value_name = "TIME")]
    pub history_age: Period,

    /// Bytes of the largest file that members send; 0 for no files
    #[arg(long, env = "PARLOR_FILE_BYTES", default_value_t = 10 << 20, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(0..=1 << 30))]
    pub file_bytes: u64,

    /// Bytes of all files of a room
    #[arg(long, env = "PARLOR_ROOM_FILE_BYTES", default_value_t = 50 << 20, value_name = "BYTES")]
    pub room_file_bytes: u64,

    /// Pages do not offer to copy or save the talk of a room; what a page shows can be copied all the same
    #[arg(long, env = "PARLOR_NO_EXPORT", value_name = "true|false", default_value = "", hide_default_value = true, num_args = 0..=1, default_missing_value = "true")]
    pub no_export: Switch,

    /// The first member of a room is its host, who may remove members, lock the room and end it; false for rooms without hosts
    #[arg(long, env = "PARLOR_ROOM_HOSTS", value_name = "true|false", default_value = "true", num_args = 0..=1, default_missing_value = "true")]
    pub room_hosts: SwitchOff,

    /// How long the seat of a lost link is held
    #[arg(long, env = "PARLOR_GRACE", default_value = "15s", value_name = "TIME")]
    pub grace: Period,

    /// How long the seat of a page that unloads is held, which may only be reloading; at most PARLOR_GRACE [default: 5s, or PARLOR_GRACE if that is less]
    #[arg(long, env = "PARLOR_RELOAD_GRACE", value_name = "TIME")]
    pub reload_grace: Option<Period>,

    /// How long the members of a silent node stay
    #[arg(long, env = "PARLOR_LEASE", default_value = "15s", value_name = "TIME")]
    pub lease: Period,

    /// Seats in a room
    #[arg(long, env = "PARLOR_ROOM_MEMBERS", default_value_t = 500, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub room_members: u32,

    /// Members of a room above which they are counted and no longer named one by one
    #[arg(long, env = "PARLOR_CROWD", default_value_t = 100, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub crowd: u32,

    /// Frames a second that a member may send for long; a flood is slowed, then refused
    #[arg(long, env = "PARLOR_RATE", default_value_t = 20, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: u32,

    /// What one address, and all together, may hold and do
    #[command(flatten)]
    pub budgets: BudgetSettings,

    /// How logs are written
    #[arg(long, env = "PARLOR_LOG", value_enum, default_value_t = LogFormat::Text)]
    pub log: LogFormat,

    /// What is logged: a level, or target=level,…
    #[arg(long, env = "RUST_LOG", default_value = "info", value_name = "FILTER")]
    pub log_filter: String,
}

/// How logs are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// Checks what no single setting can check, and takes away what is around secrets and URLs by mistake.
    ///
    /// # Errors
    /// Which setting is missing or wrong, and what is allowed.
    pub fn check(mut self) -> Result<Self, ConfigError> {
        self.tidy()?;
        self.livekit()?;
        self.receipt_key()?;
        if self.lease.millis() < 1000 {
            return Err(ConfigError::Lease);
        }
        if self.reload_grace.is_some_and(|grace| grace.0.is_zero() || grace.0 > self.grace.0) {
            return Err(ConfigError::ReloadGrace);
        }
        if self.room_file_bytes < self.file_bytes {
            return Err(ConfigError::RoomFiles);
        }
        if self.require_login.0 && self.database().is_none() {
            return Err(ConfigError::NoAccounts);
        }
        Ok(self)
    }

    /// What rooms may hold.
    pub fn limits(&self) -> Limits {
        Limits {
            members: self.room_members as usize,
            listed: self.crowd as usize,
            history_len: self.history_len as usize,
            history_bytes: self.history_bytes as usize,
            history_age: self.history_age.millis(),
            lease: self.lease.millis(),
            // Without a log there is no message that files could belong to.
            file_bytes: match self.history_len {
                0 => 0,
                _ => self.budgets.largest_file(self.file_bytes),
            },
            room_file_bytes: self.room_file_bytes,
            hosts: self.room_hosts.0,
            ..Limits::default()
        }
    }

    /// How long the seat of a page that unloads is held.
    pub fn reload_grace(&self) -> Duration {
        self.reload_grace.map_or(self.grace.0.min(RELOAD_GRACE), |grace| grace.0)
    }

    /// The Redis to use, if any.
    pub fn redis(&self) -> Option<&str> {
        self.redis_url.as_ref().map(Secret::expose).filter(|url| !url.is_empty())
    }

    /// The database of accounts, if there are any.
    pub fn database(&self) -> Option<&str> {
        self.database_url.as_ref().map(Secret::expose).filter(|url| !url.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Also for the tests below this module.
    pub(super) fn config(args: &[&str]) -> Result<Config, String> {
        let config = Config::try_parse_from([&["parlor"], args].concat())
            .map_err(|error| error.to_string())?;
        config.check().map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_needs_to_be_configured() {
        let config = config(&[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!((config.limits(), config.crowd), (Limits::default(), 100));
        assert!(config.livekit().unwrap().is_none() && config.redis().is_none());
        let empty =
            super::tests::config(&["--origins", "", "--redis-url", "", "--livekit-url", ""])
                .unwrap();
        assert!(
            empty.origins.0.is_empty()
                && empty.livekit().unwrap().is_none()
                && empty.redis().is_none()
        );
    }

    #[test]
    fn a_half_set_group_says_what_is_missing() {
        let error = config(&["--livekit-url", "ws://x", "--livekit-api-secret", "s"]).unwrap_err();
        assert!(error.contains("LIVEKIT_API_KEY is missing"), "{error}");
        assert!(
            config(&[
                "--livekit-url",
                "wss://",
                "--livekit-api-secret",
                "s",
                "--livekit-api-key",
                "k"
            ])
            .is_err()
        );
        assert!(
            config(&["--livekit-url", "x", "--livekit-api-secret", "s", "--livekit-api-key", "k"])
                .is_err()
        );
    }

    #[test]
    fn a_login_cannot_be_required_where_nobody_has_one() {
        for yes in [
            &["--require-login"][..],
            &["--require-login", "true"],
            &["--require-login", "1", "--database-url", ""],
        ] {
            let error = config(yes).unwrap_err();
            assert!(error.contains("DATABASE_URL is missing"), "{error}");
            assert!(
                config(&[&["--database-url", "sqlite:x"], &yes[..yes.len().min(2)]].concat())
                    .unwrap()
                    .require_login
                    .0
            );
        }
        for no in ["", "false", "0"] {
            assert!(!config(&["--require-login", no]).unwrap().require_login.0);
        }
    }

    #[test]
    fn wrong_values_are_refused() {
        for args in [
            ["--require-login", "perhaps"],
            ["--listen", "nowhere"],
            ["--history-age", "soon"],
            ["--lease", "10ms"],
            ["--reload-grace", "0s"],
            ["--reload-grace", "16s"],
            ["--room-members", "0"],
            ["--crowd", "1"],
            ["--backlog", "0"],
            ["--origins", "chat.example.org"],
            ["--origins", "https://a.example/path"],
            ["--origins", "https://a.example,https://*.example"],
            ["--allowed-hosts", "a.example,b.example:80"],
            ["--log", "xml"],
            ["--file-bytes", "1073741825"],
            ["--file-bytes", "60000000"],
            ["--room-file-bytes", "1000"],
        ] {
            assert!(config(&args).is_err(), "{args:?}");
        }
        let config = config(&[
            "--origins",
            "https://A.example:443/,http://b:81",
            "--grace",
            "90",
            "--history-age",
            "1h 30m",
        ])
        .unwrap();
        assert_eq!(
            config.origins.0.iter().map(Origin::as_str).collect::<Vec<_>>(),
            ["https://a.example", "http://b:81"]
        );
        assert_eq!((config.grace.millis(), config.history_age.millis()), (90_000, 5_400_000));
    }

    #[test]
    fn reload_is_never_waited_for_longer_than_a_lost_link() {
        let grace = |args: &[&str]| config(args).unwrap().reload_grace();
        assert_eq!(grace(&[]), Duration::from_secs(5));
        assert_eq!(grace(&["--grace", "3s"]), Duration::from_secs(3));
        assert_eq!(grace(&["--grace", "0"]), Duration::ZERO);
        assert_eq!(grace(&["--reload-grace", "15"]), Duration::from_secs(15));
        let error = config(&["--grace", "1s", "--reload-grace", "2s"]).unwrap_err();
        assert!(
            error.contains("PARLOR_RELOAD_GRACE must be more than 0 and at most PARLOR_GRACE"),
            "{error}"
        );
    }

    #[test]
    fn secrets_are_not_shown() {
        let config = config(&[
            "--redis-url",
            "redis://:hunter2@h",
            "--secret",
            "hunter2",
            "--database-url",
            "postgres://u:hunter2@h",
        ])
        .unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
