//! Where a server is, and how fred is to be used with it.

use std::time::Duration;

use fred::{
    clients::WithOptions,
    error::ErrorKind,
    interfaces::ClientLike,
    prelude::Client,
    types::{
        Builder, RespVersion,
        config::{Config, Options, ReconnectPolicy, TcpConfig},
    },
};

use super::TRY;

/// Why a URL cannot be used. Never shows the URL, which may hold a password.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RedisConfigError {
    /// Not a URL of Redis at all.
    #[error("a Redis URL is redis://[user[:password]@]host[:port][/database], or rediss:// for TLS")]
    BadUrl,
    /// A deployment that is not served yet.
    #[error("{0}:// is not supported yet; use redis:// or rediss://")]
    Unsupported(&'static str),
    /// The certificates of this machine cannot be read.
    #[error("rediss:// needs the trusted certificates of this machine, which cannot be read")]
    Certificates,
}

/// Reads a URL: the address and what to say there, and the number of the database.
pub(in crate::store::redis) fn configure(url: &str) -> Result<(Config, u8), RedisConfigError> {
    let (scheme, _) = url.split_once("://").ok_or(RedisConfigError::BadUrl)?;
    match scheme {
        "redis" | "rediss" => {}
        "redis-cluster" | "rediss-cluster" => return Err(RedisConfigError::Unsupported("redis-cluster")),
        "redis-sentinel" | "rediss-sentinel" => return Err(RedisConfigError::Unsupported("redis-sentinel")),
        _ => return Err(RedisConfigError::BadUrl),
    }
    let mut config = Config::from_url_centralized(url).map_err(|error| match error.kind() {
        ErrorKind::Tls => RedisConfigError::Certificates,
        _ => RedisConfigError::BadUrl,
    })?;
    config.version = RespVersion::RESP3;
    config.fail_fast = false;
    let database = config.database.unwrap_or_default();
    Ok((config, database))
}

/// A client for one connection. `capacity` bounds the messages that wait to be taken.
pub(super) fn client(config: Config, capacity: usize) -> Result<WithOptions<Client>, RedisConfigError> {
    let client = Builder::from_config(config)
        .with_connection_config(|connection| {
            connection.connection_timeout = TRY;
            connection.internal_command_timeout = TRY;
            connection.max_command_attempts = 1;
            connection.max_command_buffer_len = 0;
            connection.tcp =
                TcpConfig { nodelay: Some(true), user_timeout: Some(Duration::from_secs(5)), ..TcpConfig::default() };
        })
        .with_performance_config(|performance| {
            performance.default_command_timeout = TRY;
            performance.broadcast_channel_capacity = capacity;
        })
        .set_policy(ReconnectPolicy::new_exponential(0, 50, 500, 2))
        .build()
        .map_err(|_| RedisConfigError::BadUrl)?;
    let options = Options { fail_fast: true, max_attempts: Some(1), timeout: Some(TRY), ..Options::default() };
    Ok(client.with_options(&options))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_or_refused_without_being_shown() {
        let (config, database) = configure("redis://ann:s%3Acret@localhost:7000/3").unwrap();
        assert_eq!((config.username.as_deref(), config.password.as_deref(), database), (Some("ann"), Some("s:cret"), 3));
        assert!(configure("redis://localhost").is_ok());
        for bad in ["", "localhost:6379", "http://secret@localhost", "redis://", "redis://:secret@localhost/x", "redis://a/1/2"] {
            let error = configure(bad).unwrap_err();
            assert_eq!(error, RedisConfigError::BadUrl, "{bad}");
            assert!(!error.to_string().contains("secret"));
        }
        assert_eq!(configure("redis-cluster://a:1").unwrap_err(), RedisConfigError::Unsupported("redis-cluster"));
        assert_eq!(configure("rediss-sentinel://a:1").unwrap_err(), RedisConfigError::Unsupported("redis-sentinel"));
    }
}
