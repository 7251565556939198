//! What the connections to Redis report to this node: broker messages, and connections that go and come.

use std::sync::Arc;

use super::{
    Shared, codec,
    connection::{ConnectionEvents, RedisConnection},
    keys::Keys,
};

impl ConnectionEvents for Shared {
    fn message(&self, channel: &str, line: &str) {
        let Some(watch) = Keys::room_of(channel).and_then(|room| self.rooms.get(room).map(|watch| Arc::clone(&watch))) else {
            return;
        };
        match codec::read_news(line) {
            Some(news) => watch.hear(self, news),
            None => tracing::debug!("news that cannot be read"),
        }
    }

    fn missed(&self, link: &RedisConnection) {
        for watch in self.watches(|slot| self.links.leads_to(slot, link)) {
            watch.inbox().mark_gap();
            watch.wake();
        }
    }

    fn reconnected(&self, link: &RedisConnection) {
        self.presence.doubt();
        self.mark_unsubscribed(&self.watches(|slot| self.links.leads_to(slot, link)));
    }

    fn leads_to(&self, slot: u16, link: &RedisConnection) -> bool {
        self.links.leads_to(slot, link)
    }

    fn link(&self, link: &RedisConnection) {
        for watch in self.watches(|slot| self.links.leads_to(slot, link)) {
            watch.tell_reach(self);
        }
    }

    fn moved(&self, has_moved: &dyn Fn(u16) -> bool) {
        self.presence.doubt();
        let watches = self.watches(has_moved);
        self.mark_unsubscribed(&watches);
        for watch in watches {
            watch.tell_reach(self);
        }
    }
}
