//! Tickets: signed claims of the form "member M of room R until T". They prove a session to any node and any
//! transport; the public clientId proves nothing.
//!
//! Tickets are not stored. The key is the room's own random one, so tickets end with the room. The operator can add a
//! secret, so that read access to the store is not enough to forge a ticket.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use crate::room::{InviteId, MemberId, Millis, Name, RoomError, RoomId, RoomKey};

/// How long a ticket is valid. Every welcome brings a new one, and a poll does once half the time is over.
const LIFETIME: Millis = 24 * 60 * 60 * 1000;

/// What a ticket says. Not to be trusted before [`Signer::check`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claims {
    /// The member.
    pub member: MemberId,
    /// The member's name.
    pub name: Name,
}

#[derive(Serialize, Deserialize)]
struct Slip<'a> {
    r: &'a str,
    m: Uuid,
    u: String,
    t: Millis,
}

/// Signs and checks tickets.
#[derive(Clone)]
pub struct Signer {
    secret: Vec<u8>,
}

impl Signer {
    /// With a secret of the operator's, or an empty one.
    pub fn new(secret: &str) -> Self {
        Self { secret: secret.as_bytes().to_vec() }
    }

    fn mac(&self, key: &RoomKey, body: &str) -> Hmac<Sha256> {
        // HMAC takes keys of any length.
        let mut mac = Hmac::<Sha256>::new_from_slice(&[&key.0[..], &self.secret].concat())
            .unwrap_or_else(|_| unreachable!());
        mac.update(body.as_bytes());
        mac
    }

    /// A ticket for a member of a room.
    pub fn sign(&self, key: &RoomKey, room: &RoomId, claims: &Claims, now: Millis) -> String {
        let slip = Slip {
            r: room.as_str(),
            m: claims.member.0,
            u: claims.name.encode(),
            t: now + LIFETIME,
        };
        let mut ticket = BASE64.encode(serde_json::to_vec(&slip).unwrap_or_default());
        let signature = self.mac(key, &ticket).finalize().into_bytes();
        ticket.push('.');
        BASE64.encode_string(signature, &mut ticket);
        ticket
    }

    /// What the ticket says, if it was signed here for this room and is still valid.
    pub fn check(&self, key: &RoomKey, room: &RoomId, ticket: &str, now: Millis) -> Option<Claims> {
        let (body, signature) = ticket.split_once('.')?;
        self.mac(key, body).verify_slice(&BASE64.decode(signature).ok()?).ok()?;
        read(room, ticket).filter(|(_, until)| now < *until).map(|(claims, _)| claims)
    }

    /// Whether more than half the time of a valid ticket is over.
    pub fn is_aging(room: &RoomId, ticket: &str, now: Millis) -> bool {
        read(room, ticket).is_some_and(|(_, until)| until < now + LIFETIME / 2)
    }

    /// The member that a ticket for this room claims, signed or not. That is enough to look the member up, and to
    /// tell a member of a deleted room from a stranger.
    pub fn claimed(room: &RoomId, ticket: &str) -> Option<MemberId> {
        read(room, ticket).map(|(claims, _)| claims.member)
    }
}

impl Signer {
    /// The text of an invite to a room: `<id>.<until>.<signature>`.
    pub fn sign_invite(&self, key: &RoomKey, room: &RoomId, id: InviteId, until: Millis) -> String {
        let body = format!("{id}.{until}");
        let signature = self.mac(key, &invite_body(room, &body)).finalize().into_bytes();
        format!("{body}.{}", BASE64.encode(signature))
    }

    /// What an invite says, whoever signed it: its id, and when it ends.
    pub fn read_invite(&self, text: &str) -> Option<(InviteId, Millis)> {
        let (body, _) = text.rsplit_once('.')?;
        let (id, until) = body.split_once('.')?;
        Some((id.parse().ok()?, until.parse().ok()?))
    }

    /// The id of an invite that was signed here for this room and has not ended.
    ///
    /// # Errors
    /// [`RoomError::BadInvite`] for what is no invite; [`RoomError::InviteExpired`] where its time is over, or where it
    /// is not of this life of the room.
    pub fn check_invite(
        &self,
        key: &RoomKey,
        room: &RoomId,
        text: &str,
        now: Millis,
    ) -> Result<InviteId, RoomError> {
        let (id, until) = self.read_invite(text).ok_or(RoomError::BadInvite)?;
        let (body, signature) = text.rsplit_once('.').ok_or(RoomError::BadInvite)?;
        let signature = BASE64.decode(signature).map_err(|_| RoomError::BadInvite)?;
        let signed = self.mac(key, &invite_body(room, body)).verify_slice(&signature).is_ok();
        if signed && now < until { Ok(id) } else { Err(RoomError::InviteExpired) }
    }
}

/// No ticket's body has such a form, so no signature is good for both.
fn invite_body(room: &RoomId, body: &str) -> String {
    format!("invite {room} {body}")
}

fn read(room: &RoomId, ticket: &str) -> Option<(Claims, Millis)> {
    let (body, _) = ticket.split_once('.')?;
    let json = BASE64.decode(body).ok()?;
    let slip: Slip = serde_json::from_slice(&json).ok()?;
    let claims = Claims { member: MemberId(slip.m), name: Name::decode(&slip.u)? };
    (slip.r == room.as_str()).then_some((claims, slip.t))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_for_its_room_its_key_and_its_time_only() {
        let (signer, key) = (Signer::new("pepper"), RoomKey::random());
        let room: RoomId = "general".parse().unwrap();
        let claims = Claims { member: MemberId::random(), name: "Ann".parse().unwrap() };
        let ticket = signer.sign(&key, &room, &claims, 1000);
        assert_eq!(signer.check(&key, &room, &ticket, 1000), Some(claims.clone()));
        let known = Claims { name: claims.name.clone().verified(), ..claims };
        assert_eq!(
            signer.check(&key, &room, &signer.sign(&key, &room, &known, 1000), 1000),
            Some(known)
        );
        assert_eq!(signer.check(&key, &room, &ticket, 1000 + LIFETIME), None, "too late");
        assert!(
            !Signer::is_aging(&room, &ticket, 1000 + LIFETIME / 2)
                && Signer::is_aging(&room, &ticket, 1001 + LIFETIME / 2)
        );
        assert_eq!(signer.check(&RoomKey::random(), &room, &ticket, 1000), None, "another life");
        assert_eq!(
            signer.check(&key, &"other".parse().unwrap(), &ticket, 1000),
            None,
            "another room"
        );
        assert_eq!(Signer::new("").check(&key, &room, &ticket, 1000), None, "another secret");
        let (body, signature) = ticket.split_once('.').unwrap();
        for forged in [
            body.to_string(),
            format!("{body}."),
            format!("{body}A.{signature}"),
            format!(".{signature}"),
            String::new(),
            ".".into(),
        ] {
            assert_eq!(signer.check(&key, &room, &forged, 1000), None, "{forged}");
        }
    }
}
