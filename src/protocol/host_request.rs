//! What the host of a room may ask for.

use serde::Deserialize;
use serde_json::Value;

use super::ApiError;
use crate::room::{HistoryRule, HostAction, InviteId, Lock, MAX_N, MemberId, Millis, RoomError};

/// A request of the host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HostRequest {
    /// A decision of which the rules of the room know.
    Decide(HostAction),
    /// A member is removed, with all that it sent.
    Purge(HostAction),
    /// The published tracks of a member are muted in the call, of which kinds.
    Hush {
        /// The member.
        member: MemberId,
        /// The microphone.
        audio: bool,
        /// The camera and the screen.
        video: bool,
    },
    /// The room ends for all.
    Burn,
}

/// The fields of all requests; each needs some of them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "one JSON object")]
struct Fields {
    #[serde(rename = "type")]
    kind: String,
    client_id: Option<String>,
    address: Option<bool>,
    messages: Option<bool>,
    lock: Option<String>,
    history: Option<String>,
    title: Option<String>,
    muted: Option<bool>,
    audio: Option<bool>,
    video: Option<bool>,
    invite_only: Option<bool>,
    invite: Option<String>,
    #[serde(default, deserialize_with = "given")]
    ends_at: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    message_age: Option<Value>,
}

/// `null` is a value, unlike a field that is missing.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl HostRequest {
    /// Reads a frame.
    ///
    /// # Errors
    /// What is wrong with it; [`ApiError::UnknownType`] if it is no request of the host.
    pub(super) fn parse(json: &str) -> Result<Self, ApiError> {
        let fields: Fields = serde_json::from_str(json)
            .map_err(|error| ApiError::BadFrame(format!("a frame is one JSON object: {error}")))?;
        let kind = fields.kind.clone();
        fields.request(&kind)
    }
}

impl Fields {
    fn request(self, kind: &str) -> Result<HostRequest, ApiError> {
        let bad = |needs: &str| ApiError::BadFrame(needs.to_owned());
        let member = || {
            let id = self.client_id.as_deref().and_then(|id| id.parse().ok());
            id.map(MemberId).ok_or_else(|| {
                bad(&format!("{kind} needs \"clientId\": the id of a member, or of one who waits"))
            })
        };
        let action = match kind {
            "kick" => {
                let (member, address) = (member()?, self.address.unwrap_or(true));
                let kick = HostAction::Kick { member, address };
                return Ok(match self.messages {
                    Some(true) => HostRequest::Purge(kick),
                    _ => HostRequest::Decide(kick),
                });
            }
            "lock" => HostAction::Lock(match self.lock.as_deref() {
                Some("open") => Lock::Open,
                Some("locked") => Lock::Locked,
                Some("knock") => Lock::Knock,
                _ => return Err(bad("lock needs \"lock\": open, locked or knock")),
            }),
            "history" => HostAction::History(match self.history.as_deref() {
                Some("all") => HistoryRule::All,
                Some("since_join") => HistoryRule::SinceJoin,
                _ => return Err(bad("history needs \"history\": all or since_join")),
            }),
            "admit" => HostAction::Admit(member()?),
            "refuse" => HostAction::Refuse(member()?),
            "host" => HostAction::Host(member()?),
            "burn" => return Ok(HostRequest::Burn),
            "mute" => {
                let muted = self.muted.ok_or_else(|| bad("mute needs \"muted\": true or false"))?;
                HostAction::Mute { member: member()?, muted }
            }
            "hush" => {
                let (audio, video) = (self.audio.unwrap_or(false), self.video.unwrap_or(false));
                if !audio && !video {
                    return Err(bad("hush needs \"audio\": true, \"video\": true, or both"));
                }
                return Ok(HostRequest::Hush { member: member()?, audio, video });
            }
            "topic" => {
                let title = self.title.as_deref();
                HostAction::Topic(title.ok_or_else(|| bad("topic needs \"title\""))?.parse()?)
            }
            "invite-only" => {
                let only = self
                    .invite_only
                    .ok_or_else(|| bad("invite-only needs \"inviteOnly\": true or false"))?;
                HostAction::InviteOnly(only)
            }
            "revoke" => {
                let id: InviteId = self.invite.as_deref().unwrap_or_default().parse()?;
                HostAction::Revoke(id)
            }
            "lifetime" => self.lifetime()?,
            _ => return Err(ApiError::UnknownType),
        };
        Ok(HostRequest::Decide(action))
    }

    fn lifetime(&self) -> Result<HostAction, ApiError> {
        let bad = RoomError::BadLifetime;
        let ends_at = match &self.ends_at {
            None => None,
            Some(Value::Null) => Some(None),
            Some(value) => Some(Some(moment(value).ok_or(bad)?)),
        };
        let message_age = match &self.message_age {
            None => None,
            Some(Value::Null) => Some(None),
            Some(value) => {
                let seconds = value.as_u64().filter(|seconds| *seconds <= MAX_N / 1000);
                Some(Some(seconds.ok_or(bad)? * 1000))
            }
        };
        if ends_at.is_none() && message_age.is_none() {
            return Err(ApiError::BadFrame(
                "lifetime needs \"endsAt\": a time, \"messageAge\": whole seconds, or both; null takes a rule away".into(),
            ));
        }
        Ok(HostAction::Lifetime { ends_at, message_age })
    }
}

/// A time of the wire, or milliseconds since the Unix epoch.
fn moment(value: &Value) -> Option<Millis> {
    match value {
        Value::String(text) => {
            let time = humantime::parse_rfc3339_weak(text.trim()).ok()?;
            let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
            Millis::try_from(since.as_millis()).ok()
        }
        value => value.as_u64().filter(|millis| *millis <= MAX_N),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "00000000-0000-0000-0000-000000000001";

    fn parse(kind: &str, fields: &str) -> Result<HostRequest, &'static str> {
        let json = format!(r#"{{"type":"{kind}"{fields}}}"#);
        HostRequest::parse(&json).map_err(|error| error.code())
    }

    #[test]
    fn each_request_is_read_whole_or_refused() {
        let member: MemberId = MemberId(ID.parse().unwrap());
        let id = format!(r#","clientId":"{ID}""#);
        let decide = |action| Ok(HostRequest::Decide(action));
        let kick = |address| HostAction::Kick { member, address };
        for (kind, fields, expected) in [
            ("kick", id.clone(), decide(kick(true))),
            ("kick", format!(r#"{id},"address":false"#), decide(kick(false))),
            ("kick", format!(r#"{id},"messages":true"#), Ok(HostRequest::Purge(kick(true)))),
            ("lock", r#","lock":"knock""#.into(), decide(HostAction::Lock(Lock::Knock))),
            ("host", id.clone(), decide(HostAction::Host(member))),
            (
                "mute",
                format!(r#"{id},"muted":true"#),
                decide(HostAction::Mute { member, muted: true }),
            ),
            ("burn", String::new(), Ok(HostRequest::Burn)),
            (
                "lifetime",
                r#","endsAt":"2026-01-01T00:00:01.500Z""#.into(),
                decide(HostAction::Lifetime {
                    ends_at: Some(Some(1_767_225_601_500)),
                    message_age: None,
                }),
            ),
            (
                "lifetime",
                r#","endsAt":null,"messageAge":60"#.into(),
                decide(HostAction::Lifetime {
                    ends_at: Some(None),
                    message_age: Some(Some(60_000)),
                }),
            ),
            (
                "topic",
                r#","title":" Tea ""#.into(),
                decide(HostAction::Topic("Tea".parse().unwrap())),
            ),
            ("kick", String::new(), Err("bad_frame")),
            ("kick", r#","clientId":7"#.into(), Err("bad_frame")),
            ("lock", r#","lock":"shut""#.into(), Err("bad_frame")),
            ("lock", String::new(), Err("bad_frame")),
            ("mute", id.clone(), Err("bad_frame")),
            ("hush", id.clone(), Err("bad_frame")),
            ("topic", String::new(), Err("bad_frame")),
            ("topic", format!(r#","title":"{}""#, "x".repeat(513)), Err("bad_title")),
            ("topic", r#","title":"a\nb""#.into(), Err("bad_title")),
            ("lifetime", String::new(), Err("bad_frame")),
            ("lifetime", r#","endsAt":"soon""#.into(), Err("bad_lifetime")),
            ("lifetime", r#","messageAge":1.5"#.into(), Err("bad_lifetime")),
            ("revoke", r#","invite":"x""#.into(), Err("bad_invite")),
        ] {
            assert_eq!(parse(kind, &fields), expected, "{kind} {fields}");
        }
        assert_eq!(parse("shout", ""), Err("unknown_type"));
    }
}
