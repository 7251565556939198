//! Every setting: its flag, its environment variable, its default and its check.

mod budgets;
mod origin;
mod secret;

use std::{net::SocketAddr, time::Duration};

use clap::{Parser, ValueEnum};

pub use self::{
    budgets::BudgetSettings,
    origin::{AllowedHosts, Authority, NameError, Origin, Origins},
    secret::Secret,
};
use crate::room::{Limits, Millis};

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

/// The settings contradict each other.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConfigError {
    /// Some of a group that only makes sense whole.
    #[error(
        "LiveKit is half set up: {missing} is missing (set {given} as well as {missing}, or none)"
    )]
    HalfLiveKit {
        /// Which are set.
        given: String,
        /// Which are not.
        missing: String,
    },
    /// A LiveKit address no browser can use.
    #[error("LIVEKIT_URL and LIVEKIT_API_URL must start with ws://, wss://, http:// or https://")]
    LiveKitUrl,
    /// A login is required although there are no accounts.
    #[error("PARLOR_REQUIRE_LOGIN needs accounts: DATABASE_URL is missing")]
    NoAccounts,
    /// A quote at one end only, or more than one pair.
    #[error("{0} begins or ends with a quote: write it without quotes")]
    Quotes(&'static str),
    /// A line break within, or a blank within a URL.
    #[error(
        "{0} has a line break, a blank or a control character in it: write it on one line, without blanks if it is a URL"
    )]
    Blanks(&'static str),
    /// Shorter than any renewal could keep up with.
    #[error("PARLOR_LEASE must be at least 1s")]
    Lease,
    /// A reload that no page survives, or that is waited for longer than a lost link.
    #[error("PARLOR_RELOAD_GRACE must be more than 0 and at most PARLOR_GRACE")]
    ReloadGrace,
}

/// LiveKit, fully set up.
#[derive(Clone, Debug)]
pub struct LiveKit {
    /// As browsers reach it.
    pub url: String,
    /// As Parlor itself reaches it.
    pub api_url: String,
    /// API key.
    pub key: String,
    /// API secret.
    pub secret: Secret,
}

impl Config {
    /// Checks what no single setting can check, and takes away what is around secrets and URLs by mistake.
    ///
    /// # Errors
    /// Which setting is missing or wrong, and what is allowed.
    pub fn check(mut self) -> Result<Self, ConfigError> {
        self.tidy()?;
        self.livekit()?;
        if self.lease.millis() < 1000 {
            return Err(ConfigError::Lease);
        }
        if self.reload_grace.is_some_and(|grace| grace.0.is_zero() || grace.0 > self.grace.0) {
            return Err(ConfigError::ReloadGrace);
        }
        if self.require_login.0 && self.database().is_none() {
            return Err(ConfigError::NoAccounts);
        }
        Ok(self)
    }

    /// LiveKit's settings: all of them or none.
    ///
    /// # Errors
    /// [`ConfigError::HalfLiveKit`], [`ConfigError::LiveKitUrl`].
    pub fn livekit(&self) -> Result<Option<LiveKit>, ConfigError> {
        let text = |value: &Option<String>| value.clone().filter(|v| !v.is_empty());
        let url = text(&self.livekit_url);
        let key = text(&self.livekit_api_key);
        let secret = self.livekit_api_secret.clone().filter(|s| !s.expose().is_empty());
        let group = [
            ("LIVEKIT_URL", url.is_some()),
            ("LIVEKIT_API_KEY", key.is_some()),
            ("LIVEKIT_API_SECRET", secret.is_some()),
        ];
        let named = |set: bool| {
            group
                .iter()
                .filter(|(_, is)| *is == set)
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
                .join(" and ")
        };
        match (url, key, secret) {
            (None, None, None) => Ok(None),
            (Some(url), Some(key), Some(secret)) => {
                let api_url = text(&self.livekit_api_url).unwrap_or_else(|| url.clone());
                let known = |url: &str| {
                    let url = url.parse::<hyper::Uri>().unwrap_or_default();
                    url.host().is_some_and(|host| !host.is_empty())
                        && ["ws", "wss", "http", "https"]
                            .contains(&url.scheme_str().unwrap_or_default())
                };
                let usable = known(&url) && known(&api_url);
                if usable {
                    Ok(Some(LiveKit { url, api_url, key, secret }))
                } else {
                    Err(ConfigError::LiveKitUrl)
                }
            }
            _ => Err(ConfigError::HalfLiveKit { given: named(true), missing: named(false) }),
        }
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

/// Yes or no; an empty setting, as compose files like to leave it, is a no.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Switch(pub bool);

impl std::str::FromStr for Switch {
    type Err = &'static str;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        match given.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(Self(true)),
            "" | "false" | "no" | "off" | "0" => Ok(Self(false)),
            _ => Err("true or false"),
        }
    }
}

/// A length of time: `15s`, `30m`, `1h 30m`, or a bare number of seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Period(pub Duration);

impl Period {
    /// In milliseconds.
    pub fn millis(self) -> Millis {
        Millis::try_from(self.0.as_millis()).unwrap_or(Millis::MAX / 4).min(Millis::MAX / 4)
    }
}

impl std::str::FromStr for Period {
    type Err = humantime::DurationError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        given
            .parse()
            .map(Duration::from_secs)
            .or_else(|_| humantime::parse_duration(given))
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(args: &[&str]) -> Result<Config, String> {
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
