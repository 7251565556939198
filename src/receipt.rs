//! Receipts: what a node says of the end of a room, signed, so that its members can show it later.
//!
//! A receipt is a JSON Web Signature in compact form: Ed25519 and nothing else. By hand over ring, which TLS brings in
//! any case: the back ends of jsonwebtoken bring RSA or a C library, for one signature.

mod key;
mod verdict;

use std::{collections::BTreeMap, fmt};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use ring::{
    rand::{SystemRandom, generate},
    signature::{Ed25519KeyPair, KeyPair},
};
use serde::{Deserialize, Serialize};

use self::key::Jwk;
pub use self::{
    key::{KeySetError, PublicKey, PublicKeys},
    verdict::{Trust, extract, verdict},
};
use crate::room::RoomId;

/// The only signature.
const ALGORITHM: &str = "EdDSA";

/// What a receipt is, in this version. One with other claims that matter gets another type.
const TYPE: &str = "parlor-receipt+jwt";

/// Who signs.
const ISSUER: &str = "parlor";

/// The first second of the year 10000, which no date has room for.
const YEAR_10000: u64 = 253_402_300_800;

/// What a node says of a room that ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The id of the room.
    pub room: String,
    /// Which of the room's lives ended: its epoch, in hex.
    pub epoch: String,
    /// Why it ended.
    pub cause: Cause,
    /// How many keys the store deleted, by their kind: `members`, `room`, `log` and `files` in Redis, `room` in memory.
    pub keys: BTreeMap<String, u64>,
    /// Entries of the log that were deleted.
    pub entries: u64,
    /// Bytes of text in them.
    pub bytes: u64,
    /// Members that the room had at its end.
    pub members: u64,
    /// Files that were deleted.
    pub files: u64,
    /// What became of the room's video call.
    pub video: VideoOutcome,
    /// Keys of the room that the store still had after the deletion.
    pub keys_left: u64,
    /// The node that deleted it: its id, in hex.
    pub node: String,
    /// When it signed, in seconds since 1970.
    pub iat: u64,
}

/// Why a room ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// Its host burned it.
    Burned,
    /// Its last member left.
    Left,
    /// Its time was over.
    Expired,
}

/// What became of a room's video call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VideoOutcome {
    /// LiveKit deleted its room.
    Removed,
    /// LiveKit had no such room.
    Absent,
    /// LiveKit did not answer.
    Unreachable,
    /// This node has no video.
    Off,
}

/// Why a text is no receipt to rely on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReceiptError {
    /// Something else, or damaged beyond reading.
    #[error("this is no receipt of Parlor's")]
    NotAReceipt,
    /// Of a kind that this version does not know.
    #[error("this version knows no receipt of that kind: its type must be {TYPE}")]
    UnknownVersion,
    /// Signed in a way that is not allowed, or not at all.
    #[error("the signature of a receipt must be {ALGORITHM}")]
    UnknownAlgorithm,
    /// It names one key and brings another.
    #[error("the receipt does not bring the key that it names")]
    WrongKeyId,
    /// Signed with a key that is not among those given.
    #[error("the receipt is signed with another key than those that were given")]
    OtherKey,
    /// Changed after it was signed, or never signed with that key.
    #[error("the signature does not fit: the receipt was changed, or not signed with this key")]
    BadSignature,
    /// Signed, and yet it says what no receipt can.
    #[error("the receipt is signed but does not say what a receipt has to say")]
    BadClaims,
}

/// The system gives no random numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the system gives no random numbers for a key of receipts")]
pub struct NoRandomness;

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    kid: &'a str,
    jwk: Jwk,
}

/// What tells a receipt from all other tokens.
#[derive(Deserialize)]
struct Kind {
    alg: String,
    typ: Option<String>,
}

/// A header has these fields and no others: one that is not understood could change what the signature means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenHeader {
    #[serde(rename = "alg")]
    _alg: String,
    #[serde(rename = "typ")]
    _typ: String,
    kid: String,
    jwk: Jwk,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    #[serde(flatten)]
    receipt: &'a Receipt,
}

#[derive(Deserialize)]
struct GivenClaims {
    iss: String,
    #[serde(flatten)]
    receipt: Receipt,
}

/// Signs receipts.
pub struct ReceiptSigner {
    pair: Ed25519KeyPair,
}

impl ReceiptSigner {
    /// With a key of the operator's.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        // Any 32 bytes are a key.
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).unwrap_or_else(|_| unreachable!());
        Self { pair }
    }

    /// With a new random key, which ends with this process.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn random() -> Result<Self, NoRandomness> {
        let seed = generate::<[u8; 32]>(&SystemRandom::new()).map_err(|_| NoRandomness)?;
        Ok(Self::from_seed(&seed.expose()))
    }

    /// The public half of its key.
    pub fn public_key(&self) -> PublicKey {
        let mut key = [0; 32];
        key.copy_from_slice(self.pair.public_key().as_ref());
        PublicKey(key)
    }

    /// The receipt, signed, with the public key that checks it.
    pub fn sign(&self, receipt: &Receipt) -> String {
        let key = self.public_key();
        let header =
            Header { alg: ALGORITHM, typ: TYPE, kid: &key.thumbprint(), jwk: Jwk::from(key) };
        let mut token = encoded(&header);
        token.push('.');
        token.push_str(&encoded(&Claims { iss: ISSUER, receipt }));
        let signature = self.pair.sign(token.as_bytes());
        token.push('.');
        BASE64.encode_string(signature, &mut token);
        token
    }

    /// Its public key as a JWK set, in JSON.
    pub fn jwks(&self) -> String {
        self.public_key().jwks()
    }
}

impl fmt::Debug for ReceiptSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReceiptSigner({})", self.public_key().thumbprint())
    }
}

/// JSON in base64url. The shapes have string keys and no failing parts.
fn encoded(shape: &impl Serialize) -> String {
    BASE64.encode(serde_json::to_vec(shape).unwrap_or_default())
}

/// What a receipt says, if one of these keys has signed it; without keys, if the key that it brings along has.
///
/// # Errors
/// Why it must not be relied on.
pub fn verify(jws: &str, keys: Option<&PublicKeys>) -> Result<Receipt, ReceiptError> {
    signed(jws, keys).map(|(receipt, _)| receipt)
}

/// As [`verify`], with the key that signed it.
fn signed(jws: &str, keys: Option<&PublicKeys>) -> Result<(Receipt, PublicKey), ReceiptError> {
    let (input, signature) = jws.rsplit_once('.').ok_or(ReceiptError::NotAReceipt)?;
    let (header, claims) = input.split_once('.').ok_or(ReceiptError::NotAReceipt)?;
    let decoded = |part: &str| BASE64.decode(part).map_err(|_| ReceiptError::NotAReceipt);
    let (header, claims, signature) = (decoded(header)?, decoded(claims)?, decoded(signature)?);

    let kind: Kind = serde_json::from_slice(&header).map_err(|_| ReceiptError::NotAReceipt)?;
    if kind.alg != ALGORITHM {
        return Err(ReceiptError::UnknownAlgorithm);
    }
    if kind.typ.as_deref() != Some(TYPE) {
        return Err(ReceiptError::UnknownVersion);
    }
    let header: GivenHeader =
        serde_json::from_slice(&header).map_err(|_| ReceiptError::UnknownVersion)?;
    let key = header.jwk.public_key().ok_or(ReceiptError::WrongKeyId)?;
    if header.kid != key.thumbprint() {
        return Err(ReceiptError::WrongKeyId);
    }
    if keys.is_some_and(|keys| !keys.contains(&key)) {
        return Err(ReceiptError::OtherKey);
    }
    if !key.has_signed(input.as_bytes(), &signature) {
        return Err(ReceiptError::BadSignature);
    }
    let claims: GivenClaims =
        serde_json::from_slice(&claims).map_err(|_| ReceiptError::BadClaims)?;
    if claims.iss != ISSUER || !claims.receipt.is_plausible() {
        return Err(ReceiptError::BadClaims);
    }
    Ok((claims.receipt, key))
}

impl Receipt {
    /// Whether a node could have meant it. What it says is shown in terminals, and signed by a key of anyone's.
    fn is_plausible(&self) -> bool {
        let is_word = |text: &str| {
            !text.is_empty() && text.len() <= 64 && text.bytes().all(|c| c.is_ascii_alphanumeric())
        };
        let room = self.room.parse::<RoomId>();
        room.is_ok_and(|room| room.as_str() == self.room)
            && is_word(&self.epoch)
            && is_word(&self.node)
            && self.keys.keys().all(|kind| is_word(kind))
            && self.iat < YEAR_10000
    }
}

#[cfg(test)]
mod tests;
