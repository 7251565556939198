//! What is kept from logs, and the slips of the pen around it.

use std::fmt;

use super::{Config, ConfigError};

/// Never shown by Debug.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self(secret)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "Secret(unset)" } else { "Secret(…)" })
    }
}

impl Config {
    /// Takes away what is around secrets and URLs by mistake.
    pub(super) fn tidy(&mut self) -> Result<(), ConfigError> {
        for (name, secret) in [
            ("REDIS_URL", self.redis_url.as_mut()),
            ("DATABASE_URL", self.database_url.as_mut()),
            ("LIVEKIT_API_SECRET", self.livekit_api_secret.as_mut()),
            ("PARLOR_SECRET", Some(&mut self.secret)),
            ("PARLOR_RECEIPT_KEY", Some(&mut self.receipt_key)),
        ] {
            secret.map_or(Ok(()), |secret| tidy(name, &mut secret.0))?;
        }
        for (name, value) in [
            ("LIVEKIT_URL", self.livekit_url.as_mut()),
            ("LIVEKIT_API_URL", self.livekit_api_url.as_mut()),
            ("LIVEKIT_API_KEY", self.livekit_api_key.as_mut()),
        ] {
            value.map_or(Ok(()), |value| tidy(name, value))?;
        }
        Ok(())
    }
}

/// A setting as it was meant: files and shells leave white space, line breaks and a pair of quotes around it.
/// What could be meant in two ways is refused.
fn tidy(name: &'static str, value: &mut String) -> Result<(), ConfigError> {
    const QUOTES: [char; 2] = ['"', '\''];
    let mut kept = value.trim();
    for quote in QUOTES {
        if let Some(inner) = kept.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            kept = inner.trim();
            break;
        }
    }
    if kept.starts_with(QUOTES) || kept.ends_with(QUOTES) {
        return Err(ConfigError::Quotes(name));
    }
    if kept.contains(char::is_control) || is_url(name, kept) && kept.contains(char::is_whitespace) {
        return Err(ConfigError::Blanks(name));
    }
    if kept.len() < value.len() {
        *value = kept.to_owned();
    }
    Ok(())
}

/// A path of SQLite's may hold blanks, and is no URL in that.
fn is_url(name: &str, value: &str) -> bool {
    name.ends_with("_URL") && !value.starts_with("sqlite:")
}

#[cfg(test)]
mod tests {
    use super::super::tests::config;

    #[test]
    fn what_a_file_leaves_around_a_secret_is_taken_away_and_what_could_mean_two_things_is_refused()
    {
        let with = |secret: &str| {
            config(&[
                "--livekit-url",
                "ws://x",
                "--livekit-api-key",
                "key",
                "--livekit-api-secret",
                secret,
            ])
        };
        for around in
            ["hunter2", "hunter2\n", " hunter2\r\n", "\"hunter2\"", "'hunter2'\n", "\" hunter2\""]
        {
            assert_eq!(
                with(around).unwrap().livekit().unwrap().unwrap().secret.expose(),
                "hunter2",
                "{around:?}"
            );
        }
        assert_eq!(
            with("two words").unwrap().livekit().unwrap().unwrap().secret.expose(),
            "two words"
        );
        for wrong in ["\"hunter2", "hunter2'", "''hunter2''", "hunt\ner2", "hunt\rer2", "hunt\0er2"]
        {
            let error = with(wrong).unwrap_err();
            assert!(error.starts_with("LIVEKIT_API_SECRET") && !error.contains("hunt"), "{error}");
        }
        for (flag, name) in [
            ("--redis-url", "REDIS_URL"),
            ("--database-url", "DATABASE_URL"),
            ("--secret", "PARLOR_SECRET"),
            ("--receipt-key", "PARLOR_RECEIPT_KEY"),
            ("--livekit-api-key", "LIVEKIT_API_KEY"),
            ("--livekit-url", "LIVEKIT_URL"),
            ("--livekit-api-url", "LIVEKIT_API_URL"),
        ] {
            let error = config(&[flag, "a\rb"]).unwrap_err();
            assert!(error.starts_with(name), "{error}");
        }
        let tidied = config(&[
            "--redis-url",
            "\"redis://h\"\n",
            "--database-url",
            "sqlite:x\r\n",
            "--secret",
            "s\n",
        ])
        .unwrap();
        assert_eq!(
            (tidied.redis(), tidied.database(), tidied.secret.expose()),
            (Some("redis://h"), Some("sqlite:x"), "s")
        );
        assert!(config(&["--redis-url", "redis://h /1"]).unwrap_err().starts_with("REDIS_URL"));
        assert_eq!(
            config(&["--database-url", "sqlite:/my dir/x"]).unwrap().database(),
            Some("sqlite:/my dir/x")
        );
        assert!(config(&["--redis-url", "\"\"", "--livekit-url", " "]).unwrap().redis().is_none());
    }
}
