//! LiveKit's settings: all of them or none.

use super::{Config, ConfigError, Secret};

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
}
