//! Public keys, as JSON Web Keys of Ed25519 (RFC 8037).

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ALGORITHM;

const FAMILY: &str = "OKP";
const CURVE: &str = "Ed25519";

/// What checks the signature of receipts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(pub(super) [u8; 32]);

impl PublicKey {
    /// The name of the key (RFC 7638): SHA-256 of its required members, in base64url.
    pub fn thumbprint(&self) -> String {
        let x = BASE64.encode(self.0);
        // In the order of the alphabet and without blanks, as RFC 7638 asks.
        let members = format!(r#"{{"crv":"{CURVE}","kty":"{FAMILY}","x":"{x}"}}"#);
        BASE64.encode(Sha256::digest(members))
    }

    /// A JWK set of this key alone, in JSON.
    pub fn jwks(&self) -> String {
        let kid = self.thumbprint();
        let key = Listed { jwk: Jwk::from(*self), kid: &kid, alg: ALGORITHM, usage: "sig" };
        // The shape has string keys and no failing parts.
        serde_json::to_string(&KeySet { keys: [key] }).unwrap_or_default()
    }

    pub(super) fn has_signed(&self, text: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(text, signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.thumbprint())
    }
}

/// A public key on the wire.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Jwk {
    kty: String,
    crv: String,
    x: String,
}

impl Jwk {
    /// The key, if it is one of Ed25519.
    pub(super) fn public_key(&self) -> Option<PublicKey> {
        let ours = self.kty == FAMILY && self.crv == CURVE;
        let bytes = BASE64.decode(&self.x).ok().filter(|_| ours)?;
        Some(PublicKey(bytes.try_into().ok()?))
    }
}

impl From<PublicKey> for Jwk {
    fn from(key: PublicKey) -> Self {
        Self { kty: FAMILY.into(), crv: CURVE.into(), x: BASE64.encode(key.0) }
    }
}

#[derive(Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    jwk: Jwk,
    kid: &'a str,
    alg: &'a str,
    #[serde(rename = "use")]
    usage: &'a str,
}

#[derive(Serialize, Deserialize)]
struct KeySet<K> {
    keys: K,
}

/// The keys of which any may have signed a receipt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicKeys(Vec<PublicKey>);

impl PublicKeys {
    pub(super) fn contains(&self, key: &PublicKey) -> bool {
        self.0.contains(key)
    }
}

impl From<PublicKey> for PublicKeys {
    fn from(key: PublicKey) -> Self {
        Self(vec![key])
    }
}

/// A text is no set of keys to check receipts with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeySetError {
    /// Not a JWK set at all.
    #[error("this is no JWK set, as /.well-known/parlor-receipt-key answers it")]
    NotASet,
    /// None of its keys is one of Ed25519.
    #[error("this JWK set has no key of Ed25519")]
    NoKey,
}

impl FromStr for PublicKeys {
    type Err = KeySetError;

    /// Reads a JWK set. Keys of other families are passed over, as RFC 7517 asks.
    fn from_str(given: &str) -> Result<Self, KeySetError> {
        let set: KeySet<Vec<serde_json::Value>> =
            serde_json::from_str(given).map_err(|_| KeySetError::NotASet)?;
        let key = |listed| serde_json::from_value::<Jwk>(listed).ok()?.public_key();
        let keys: Vec<PublicKey> = set.keys.into_iter().filter_map(key).collect();
        if keys.is_empty() { Err(KeySetError::NoKey) } else { Ok(Self(keys)) }
    }
}
