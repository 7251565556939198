//! Whether this node can use LiveKit: an answer that refuses is told from none at all.

use livekit_api::{
    access_token::{AccessToken, VideoGrants},
    services::{ServerError, ServiceError, databases::DatabaseClient},
};

use super::TIMEOUT;
use crate::config::LiveKit;

/// What the last request to LiveKit showed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// It answers, and accepts our keys.
    Here,
    /// It does not answer.
    Away,
    /// It does not accept our keys.
    Refused,
    /// What answers is no LiveKit.
    Stranger,
}

/// What an answer shows, and its message.
pub(super) struct Seen {
    pub(super) reach: Reach,
    pub(super) words: String,
}

/// What an error shows; nothing where it is one of a LiveKit that is there.
pub(super) async fn seen(error: ServiceError, settings: &LiveKit) -> Result<Seen, ServerError> {
    let error = match error {
        ServiceError::Twirp(error) => error,
        other => return Ok(Seen { reach: Reach::Away, words: other.to_string() }),
    };
    match error {
        ServerError::Twirp(no) if matches!(&*no.code, "unauthenticated" | "permission_denied") => {
            Ok(Seen { reach: Reach::Refused, words: words(&no.msg) })
        }
        ServerError::Twirp(no) => Err(ServerError::Twirp(no)),
        ServerError::Prost(error) => Ok(Seen { reach: Reach::Stranger, words: error.to_string() }),
        // LiveKit refuses in plain text, of which its library says only that it is no JSON.
        ServerError::Request(error) if error.is_decode() => Ok(look_again(settings).await),
        error => Ok(Seen { reach: Reach::Away, words: error.to_string() }),
    }
}

/// Asks by the one client of the library that passes on the answer's text. LiveKit checks the key before anything else.
async fn look_again(settings: &LiveKit) -> Seen {
    let token = AccessToken::with_api_key(&settings.key, settings.secret.expose())
        .with_grants(VideoGrants { room_list: true, ..VideoGrants::default() })
        .with_ttl(TIMEOUT * 2)
        .to_jwt()
        .unwrap_or_default();
    let client =
        DatabaseClient::with_token(&settings.api_url, &token).with_request_timeout(TIMEOUT);
    let (reach, words) = match client.get("-").await {
        Err(ServiceError::Twirp(ServerError::Twirp(no))) => {
            let reach = match &*no.code {
                "unauthenticated" | "permission_denied" => Reach::Refused,
                "internal" | "unavailable" | "deadline_exceeded" | "resource_exhausted" => {
                    Reach::Away
                }
                _ => Reach::Stranger,
            };
            (reach, words(&no.msg))
        }
        Err(ServiceError::Twirp(ServerError::Request(error))) if !error.is_decode() => {
            (Reach::Away, error.to_string())
        }
        _ => (Reach::Stranger, String::new()),
    };
    Seen { reach, words }
}

/// The answer's text, short, on one line, and without the token that LiveKit quotes.
fn words(answer: &str) -> String {
    let page = answer.trim_start().starts_with('<');
    let long = |word: &&str| word.len() > 60;
    let kept = answer.split_whitespace().map(|word| if long(&word) { "…" } else { word });
    let line: String = kept.take(if page { 0 } else { 30 }).collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_livekit_says_is_kept_and_a_token_is_not() {
        let token = format!("eyJ{}", "x".repeat(200));
        let said = format!("invalid token: {token}, error: token signature is invalid\n");
        assert_eq!(words(&said), "invalid token: … error: token signature is invalid");
        assert_eq!(words("invalid API key: other"), "invalid API key: other");
        assert_eq!(words("<html><body>Not here</body></html>"), "");
    }
}
