//! What the connections to Redis report to this node: broker messages, and connections that go and come.

use std::sync::Arc;

use super::{
    Shared, broker_message,
    connection::{ConnectionEvents, RedisConnection},
    keys::Keys,
};

impl ConnectionEvents for Shared {
    fn message(&self, channel: &str, line: &str) {
        let Some(subscription) = Keys::room_of(channel)
            .and_then(|room| self.rooms.get(room).map(|subscription| Arc::clone(&subscription)))
        else {
            return;
        };
        match broker_message::read_messages(&subscription.room, line) {
            Some(message) => subscription.receive(self, message),
            None => tracing::debug!("news that cannot be read"),
        }
    }

    fn missed(&self, connection: &RedisConnection) {
        for subscription in self.subscriptions(|slot| self.router.leads_to(slot, connection)) {
            subscription.replica().mark_gap();
            subscription.wake();
        }
    }

    fn reconnected(&self, connection: &RedisConnection) {
        self.presence.doubt();
        self.mark_unsubscribed(&self.subscriptions(|slot| self.router.leads_to(slot, connection)));
    }

    fn leads_to(&self, slot: u16, connection: &RedisConnection) -> bool {
        self.router.leads_to(slot, connection)
    }

    fn link(&self, connection: &RedisConnection) {
        for subscription in self.subscriptions(|slot| self.router.leads_to(slot, connection)) {
            subscription.tell_reach(self);
        }
    }

    fn moved(&self, has_moved: &dyn Fn(u16) -> bool) {
        self.presence.doubt();
        let subscriptions = self.subscriptions(has_moved);
        self.mark_unsubscribed(&subscriptions);
        for subscription in subscriptions {
            subscription.tell_reach(self);
        }
    }
}
