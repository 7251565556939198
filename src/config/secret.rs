//! What is kept from logs, and the slips of the pen around it.

use std::fmt;

use super::ConfigError;

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

/// A secret as it was meant.
pub(super) fn tidy_secret(name: &'static str, secret: &mut Secret) -> Result<(), ConfigError> {
    tidy(name, &mut secret.0)
}

/// A setting as it was meant: files and shells leave white space, line breaks and a pair of quotes around it.
/// What could be meant in two ways is refused.
pub(super) fn tidy(name: &'static str, value: &mut String) -> Result<(), ConfigError> {
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
    if kept.contains(char::is_control) || name.ends_with("_URL") && kept.contains(char::is_whitespace) {
        return Err(ConfigError::Blanks(name));
    }
    if kept.len() < value.len() {
        *value = kept.to_owned();
    }
    Ok(())
}
