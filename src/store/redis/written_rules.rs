//! The rules of a room as they stand in Redis.

use crate::room::{MemberId, Millis, RoomRules};

/// The host, gated (0 or 1), when the room ends and how long messages are kept (0: no such rule), and the rest as JSON:
/// `<host or -> <gated> <ends> <age> <json>`. Empty for a room without a host and without rules.
pub(super) fn write_rules(rules: &RoomRules) -> String {
    if *rules == RoomRules::default() {
        return String::new();
    }
    let host = rules.host.map_or_else(|| "-".to_owned(), |host| host.to_string());
    let gated = u8::from(rules.gated());
    let (ends, age) = (rules.ends_at.unwrap_or(0), rules.message_age.unwrap_or(0));
    // Writing strings and numbers to memory cannot fail.
    let json = serde_json::to_string(rules).unwrap_or_default();
    format!("{host} {gated} {ends} {age} {json}")
}

/// Reads what [`write_rules`] wrote, perhaps at a node of another version. `None` for anything else.
pub(super) fn read_rules(text: &str) -> Option<RoomRules> {
    if text.is_empty() {
        return Some(RoomRules::default());
    }
    let mut words = text.splitn(5, ' ');
    let host = match words.next()? {
        "-" => None,
        id => Some(MemberId(id.parse().ok()?)),
    };
    let _gated = words.next()?;
    let some = |number: Millis| (number > 0).then_some(number);
    let (ends_at, message_age) =
        (some(words.next()?.parse().ok()?), some(words.next()?.parse().ok()?));
    // serde would accept a list of the fields in their order.
    let json = words.next().filter(|json| json.starts_with('{'))?;
    let rules: RoomRules = serde_json::from_str(json).ok()?;
    Some(RoomRules { host, ends_at, message_age, ..rules })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::room::{Ban, HistoryRule, Lock};

    #[test]
    fn rules_are_read_as_they_were_written() {
        let host = Some(MemberId::random());
        let rules = RoomRules {
            host,
            lock: Lock::Knock,
            history: HistoryRule::SinceJoin,
            ends_at: Some(1_767_225_600_000),
            message_age: Some(60_000),
            invite_only: true,
            title: "Tea at \"five\"".parse().unwrap(),
            bans: vec![Ban::member(MemberId::random())],
            muted: vec![MemberId::random()],
            ..RoomRules::default()
        };
        for rules in [rules, RoomRules { host, ..RoomRules::default() }, RoomRules::default()] {
            assert_eq!(read_rules(&write_rules(&rules)), Some(rules));
        }
        for text in ["-", "- 0 0 0", "- 0 0 0 []", "x 0 0 0 {}", "- 0 -1 0 {}", "- 0 0 0 {} {}"] {
            assert_eq!(read_rules(text), None, "{text}");
        }
    }
}
