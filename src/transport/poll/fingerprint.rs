//! A fingerprint of the members that a poller knows.

use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// XOR fingerprint of member ids: equal if the members are the same. In a large room, the number of members.
#[derive(Clone, Copy, Default)]
pub(super) struct MemberFingerprint {
    pub(super) number: u64,
    crowd: bool,
}

/// A member.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Somebody {
    client_id: Uuid,
}

/// A join or a leave, with the member if it is named; the count, and the members if they are listed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change<'a> {
    client_id: Option<Uuid>,
    count: u64,
    #[serde(borrow)]
    members: Option<&'a RawValue>,
}

/// A member's part of the fingerprint: the same for a join and a leave.
fn mark(somebody: Uuid) -> u64 {
    somebody.as_u64_pair().1
}

fn everybody(members: &RawValue) -> u64 {
    let members: Vec<Somebody> = serde_json::from_str(members.get()).unwrap_or_default();
    members.iter().fold(0, |all, member| all ^ mark(member.client_id))
}

impl MemberFingerprint {
    /// From a list of members, or from the count in a large room.
    pub(super) fn new(members: &RawValue, count: u64, crowd: bool) -> Self {
        if crowd {
            return Self { number: count, crowd };
        }
        Self { number: everybody(members), crowd }
    }

    /// Whether a list or a count matches the fingerprint `told`, be it of a node that names the members or one that
    /// counts them.
    pub(super) fn is_told(told: u64, members: &RawValue, count: u64) -> bool {
        told == count || told == everybody(members)
    }

    /// Updates the fingerprint from a frame about joins and leaves.
    pub(super) fn hear(&mut self, json: &[u8]) {
        let kinds: [&[u8]; 3] = [br#"{"type":"joined""#, br#"{"type":"left""#, br#"{"type":"presence""#];
        if !kinds.iter().any(|kind| json.starts_with(kind)) {
            return;
        }
        let Ok(Change { client_id, count, members }) = serde_json::from_slice(json) else { return };
        match (client_id, members) {
            (Some(somebody), _) if !self.crowd => self.number ^= mark(somebody),
            (None, Some(members)) => *self = Self::new(members, count, false),
            _ => *self = Self { number: count, crowd: true },
        }
    }
}
