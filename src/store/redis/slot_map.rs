//! Which server has which slot.

use fred::types::{Value, config::Server};

/// Slots of a Redis Cluster. A server that stands alone has them all.
pub(super) const SLOTS: u16 = 16384;

/// Slots from `first` to `last`, and their master.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Range {
    first: u16,
    last: u16,
    server: Server,
}

/// Which server has which slots, in the order of slots.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct SlotMap(Vec<Range>);

impl SlotMap {
    /// Every slot at one server.
    pub(super) fn all_at(server: Server) -> Self {
        Self(vec![Range { first: 0, last: SLOTS - 1, server }])
    }

    /// Reads the answer to CLUSTER SLOTS. A server without a name of its own is the one that was `asked`.
    /// A server that knows of no slot is not part of a Cluster, or not yet, and gives no map.
    pub(super) fn read(answer: Value, asked: &Server) -> Option<Self> {
        let mut ranges = Vec::new();
        for range in list(answer)? {
            let mut words = list(range)?.into_iter();
            let (first, last) = (number(words.next()?)?, number(words.next()?)?);
            // The master stands first; after it come its replicas.
            let mut master = list(words.next()?)?.into_iter();
            let host = match master.next()? {
                Value::String(host) if !host.is_empty() && &*host != "?" => host,
                Value::String(_) | Value::Null => asked.host.clone(),
                _ => return None,
            };
            ranges.push(Range { first, last, server: Server::new(host, number(master.next()?)?) });
        }
        ranges.sort_unstable();
        (!ranges.is_empty()).then_some(Self(ranges))
    }

    /// The server of a slot, if there is one.
    pub(super) fn server(&self, slot: u16) -> Option<&Server> {
        let after = self.0.partition_point(|range| range.first <= slot);
        let range = self.0.get(after.checked_sub(1)?)?;
        (slot <= range.last).then_some(&range.server)
    }

    /// Every server, as often as it has ranges, and how many slots each range holds.
    pub(super) fn servers(&self) -> impl Iterator<Item = (&Server, u32)> {
        self.0
            .iter()
            .map(|range| (&range.server, u32::from(range.last.saturating_sub(range.first)) + 1))
    }

    /// The view that most of `views` share; between equals, the one that is known already.
    pub(super) fn agreed(&self, views: &[Self]) -> Option<Self> {
        let votes = |view: &Self| views.iter().filter(|other| *other == view).count();
        views.iter().max_by_key(|view| (votes(view), *view == self)).cloned()
    }
}

fn list(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(values) => Some(values),
        _ => None,
    }
}

fn number(value: Value) -> Option<u16> {
    value.as_u64().and_then(|number| u16::try_from(number).ok())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn range(first: i64, last: i64, host: Value, port: i64) -> Value {
        let node = |host, port: i64| {
            Value::Array(vec![host, port.into(), "id".into(), Value::Array(Vec::new())])
        };
        Value::Array(vec![
            first.into(),
            last.into(),
            node(host, port),
            node("replica".into(), port + 1),
        ])
    }

    fn map(ranges: Vec<Value>) -> SlotMap {
        SlotMap::read(Value::Array(ranges), &Server::new("asked", 1)).unwrap()
    }

    #[test]
    fn slots_are_found_at_their_masters_and_holes_nowhere() {
        let map = map(vec![
            range(200, 300, "b".into(), 2),
            range(0, 99, "a".into(), 1),
            range(100, 100, "b".into(), 2),
        ]);
        let at = |slot| map.server(slot).map(|server| server.to_string());
        for (slot, server) in [
            (0, Some("a:1")),
            (99, Some("a:1")),
            (100, Some("b:2")),
            (101, None),
            (300, Some("b:2")),
            (301, None),
        ] {
            assert_eq!(at(slot).as_deref(), server, "{slot}");
        }
        assert_eq!(map.servers().map(|(_, slots)| slots).sum::<u32>(), 202);
        assert_eq!(SlotMap::default().server(0), None);
        assert_eq!(
            SlotMap::all_at(Server::new("a", 1)).server(SLOTS - 1),
            Some(&Server::new("a", 1))
        );
    }

    #[test]
    fn server_without_a_name_is_the_one_that_was_asked() {
        for host in [Value::Null, "".into(), "?".into()] {
            assert_eq!(map(vec![range(0, 1, host, 7)]).server(0), Some(&Server::new("asked", 7)));
        }
        for nothing in ["MOVED".into(), Value::Array(Vec::new())] {
            assert_eq!(SlotMap::read(nothing, &Server::new("asked", 1)), None);
        }
    }

    #[test]
    fn most_decide_and_between_equals_nothing_changes() {
        let (old, new) =
            (SlotMap::all_at(Server::new("old", 1)), SlotMap::all_at(Server::new("new", 1)));
        assert_eq!(old.agreed(&[]), None);
        assert_eq!(old.agreed(&[new.clone(), old.clone()]), Some(old.clone()));
        assert_eq!(old.agreed(&[old.clone(), new.clone(), new.clone()]), Some(new.clone()));
        assert_eq!(SlotMap::default().agreed(std::slice::from_ref(&new)), Some(new));
    }
}
