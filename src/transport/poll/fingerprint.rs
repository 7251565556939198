//! Who is there, as far as somebody who polls was told.

use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// Everybody, as one number: nobody knows who that is, but whether it is still the same. In a crowd, how many they are.
#[derive(Clone, Copy, Default)]
pub(super) struct MemberFingerprint {
    pub(super) number: u64,
    crowd: bool,
}

/// Somebody who is there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Somebody {
    client_id: Uuid,
}

/// Who came or went, if that is told; how many are there, and who, if that is told.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change<'a> {
    client_id: Option<Uuid>,
    count: u64,
    #[serde(borrow)]
    members: Option<&'a RawValue>,
}

/// Somebody's part in a company: the same for coming and going.
fn mark(somebody: Uuid) -> u64 {
    somebody.as_u64_pair().1
}

fn everybody(members: &RawValue) -> u64 {
    let members: Vec<Somebody> = serde_json::from_str(members.get()).unwrap_or_default();
    members.iter().fold(0, |all, member| all ^ mark(member.client_id))
}

impl MemberFingerprint {
    /// As a list says, or of a crowd the count.
    pub(super) fn new(members: &RawValue, count: u64, crowd: bool) -> Self {
        if crowd {
            return Self { number: count, crowd };
        }
        Self { number: everybody(members), crowd }
    }

    /// Whether a list and a count are as somebody was told, at a node where that was a crowd or at one where it was none.
    pub(super) fn is_told(told: u64, members: &RawValue, count: u64) -> bool {
        told == count || told == everybody(members)
    }

    /// Takes note of a frame, if it tells of joins and leaves.
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
