//! Login tokens: JSON Web Tokens, HS256 and nothing else.
//!
//! Implemented here: the back ends of jsonwebtoken 10 bring RSA, whose crate has an open advisory, or a C library, for
//! one HMAC. The header is compared, never interpreted.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use crate::room::Millis;

/// How long a login lasts, in seconds.
pub const LIFETIME_SECS: u64 = 12 * 60 * 60;

/// `{"alg":"HS256","typ":"JWT"}`
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// The claims of a token. Whether it was logged out or is of an older generation, only the records know.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    /// The account.
    pub(super) sub: Uuid,
    /// The token's own id.
    pub(super) jti: Uuid,
    /// The account's generation of tokens.
    #[serde(rename = "gen")]
    pub(super) generation: i64,
    /// Issued at, in seconds since 1970.
    pub(super) iat: u64,
    /// Expires at, in seconds since 1970.
    pub(super) exp: u64,
}

/// Signs and verifies tokens.
pub(super) struct Tokens {
    mac: Hmac<Sha256>,
}

impl Tokens {
    /// Uses the random key that all nodes share, with the operator's secret (or an empty one) mixed in. So neither a
    /// guessed secret nor a stolen database is enough to forge a token.
    pub(super) fn new(key: &[u8], secret: &str) -> Self {
        // HMAC takes keys of any length.
        let mac = Hmac::new_from_slice(&[key, secret.as_bytes()].concat())
            .unwrap_or_else(|_| unreachable!());
        Self { mac }
    }

    /// A new token for an account.
    pub(super) fn sign(&self, account: Uuid, generation: i64, now: Millis) -> String {
        let iat = now / 1000;
        let claims =
            Claims { sub: account, jti: Uuid::new_v4(), generation, iat, exp: iat + LIFETIME_SECS };
        let mut token =
            format!("{HEADER}.{}", BASE64.encode(serde_json::to_vec(&claims).unwrap_or_default()));
        let signature = self.mac.clone().chain_update(&token).finalize().into_bytes();
        token.push('.');
        BASE64.encode_string(signature, &mut token);
        token
    }

    /// The claims, if the token was signed here and has not expired.
    pub(super) fn check(&self, token: &str, now: Millis) -> Option<Claims> {
        self.read(token).filter(|claims| now / 1000 < claims.exp)
    }

    /// The claims, if the token was signed here, expired or not.
    pub(super) fn read(&self, token: &str) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        if header != HEADER {
            return None;
        }
        self.mac.clone().chain_update(signed).verify_slice(&BASE64.decode(signature).ok()?).ok()?;
        serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_700_000_000_000;

    #[test]
    fn a_token_is_good_for_its_key_its_algorithm_and_its_time_only() {
        let (tokens, account) = (Tokens::new(b"key", "pepper"), Uuid::new_v4());
        let token = tokens.sign(account, 3, NOW);
        let claims = tokens.check(&token, NOW).unwrap();
        assert_eq!((claims.sub, claims.generation, claims.exp - claims.iat), (account, 3, 43_200));
        assert!(
            tokens.check(&token, NOW + 43_199_000).is_some()
                && tokens.check(&token, NOW + 43_200_000).is_none()
        );
        assert_eq!(tokens.read(&token), Some(claims), "signed here, over or not");
        for other in
            [Tokens::new(b"key", ""), Tokens::new(b"other", "pepper"), Tokens::new(b"", "pepper")]
        {
            assert_eq!(other.check(&token, NOW), None);
        }
        assert_ne!(tokens.sign(account, 3, NOW), token, "each can be given back by itself");
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let body = signed.split_once('.').unwrap().1;
        let resigned = |header: &str| {
            let signed = format!("{}.{body}", BASE64.encode(header));
            let mac = tokens.mac.clone().chain_update(&signed).finalize().into_bytes();
            format!("{signed}.{}", BASE64.encode(mac))
        };
        assert_eq!(
            resigned(r#"{"alg":"HS256","typ":"JWT"}"#),
            token,
            "the header is what it is said to be"
        );
        for forged in [
            format!("{}.{body}.", BASE64.encode(r#"{"alg":"none","typ":"JWT"}"#)),
            format!("{}.{body}.{signature}", BASE64.encode(r#"{"alg":"none","typ":"JWT"}"#)),
            resigned(r#"{"alg":"none","typ":"JWT"}"#),
            resigned(r#"{"alg":"HS512","typ":"JWT"}"#),
            resigned(r#"{"alg":"RS256","typ":"JWT"}"#),
            format!("{signed}."),
            signed.to_owned(),
            format!("{signed}A.{signature}"),
            format!(".{token}"),
            format!("{token}."),
            String::new(),
            "..".into(),
        ] {
            assert_eq!(
                (tokens.check(&forged, NOW), tokens.read(&forged)),
                (None, None),
                "{forged}"
            );
        }
    }
}
