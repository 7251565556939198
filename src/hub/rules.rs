//! The rules of a room at this node: who is told when they change, and the end of a room.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use indexmap::IndexMap;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::{
    LocalRoom, RoomRegistry,
    frame::Content,
    frame_order::FrameOrder,
    known_rules::Changed,
    people::{LocalSession, People},
};
use crate::{
    protocol::{ApiError, RulesDto, ServerMessage, True},
    room::{Knock, MemberId, Millis, Name, RoomEnd, RoomError, RoomId, RoomRules, Snapshot},
    store::{Store, StoreError},
};

/// How long this node waits before it asks again whether a room may end whose time is over.
const AGAIN: Duration = Duration::from_secs(1);

impl RoomRegistry {
    /// The rules have changed: all members are told, and the host of those who wait.
    pub(super) fn change_rules(
        &self,
        room: &Arc<LocalRoom>,
        Changed { epoch, version, count }: Changed,
        rules: &Arc<RoomRules>,
        host: Option<&Name>,
    ) {
        let before = {
            let mut people = room.people.lock();
            let Some(before) = people.rules.replace((epoch, version), rules) else { return };
            tell_host(&people, &room.id, &before, rules);
            self.follow_end(room, &mut people);
            before
        };
        let mut pending = room.pending.lock();
        pending.crowd.note_unchanged(epoch, version, count);
        let order = FrameOrder::Presence { epoch, version };
        let passed = rules.host.filter(|host| before.host != Some(*host));
        if let Some((host, user)) = passed.zip(host) {
            pending.push(order, Content::Host { host, user: user.clone() }, &room.id);
        }
        let told = RulesDto::from(&*before) != RulesDto::from(&**rules);
        if told || before.muted != rules.muted {
            pending.push(order, Content::Rules { rules: Arc::clone(rules) }, &room.id);
        }
        if !pending.is_empty() {
            room.start_flush(pending);
        }
    }

    /// The rules as a snapshot has them.
    pub(super) fn note_rules(&self, room: &Arc<LocalRoom>, snapshot: &Snapshot) {
        let at = (snapshot.epoch, snapshot.version);
        let mut people = room.people.lock();
        people.rules.replace(at, &snapshot.rules);
        self.follow_end(room, &mut people);
    }

    /// The host has removed a member: its connection is closed, and its session here is gone.
    pub(super) fn expel(&self, room: &LocalRoom, member: MemberId) {
        let tag = {
            let people = room.people.lock();
            let Some(session) = people.sessions.get(&member) else { return };
            if let Some(subscriber) = session.place.subscriber() {
                subscriber.close(&RoomError::Kicked.into());
            }
            session.tag
        };
        self.unregister(room, member, tag);
    }

    /// The room has ended: every member gets the receipt, and every connection is closed.
    pub(super) fn burned(&self, id: &RoomId, end: &Arc<RoomEnd>) {
        let Some((_, room)) = self.rooms.remove(id) else { return };
        let sessions = room.people.lock().end();
        room.end();
        let (config, end) = (Arc::clone(&self.config), Arc::clone(end));
        tokio::spawn(async move { close_all(&sessions, &config.receipt(&end).await) });
    }

    /// Takes back knocks that were not renewed, where the host's session is here.
    pub(super) fn sweep_knocks(&self, store: &Arc<dyn Store>) {
        for room in &self.rooms {
            let rules = room.people.lock().rules.get();
            let stale = rules.without_knock((self.config.clock)(), None).is_some();
            if stale
                && rules.host.is_some_and(|host| room.people.lock().sessions.contains_key(&host))
            {
                let (store, room) = (Arc::clone(store), room.id.clone());
                // What fails is tried again at the next look.
                tokio::spawn(async move { store.end_knock(&room, None).await });
            }
        }
    }

    /// Ends the room when its time is over, if it is to end.
    fn follow_end(&self, room: &Arc<LocalRoom>, people: &mut People) {
        let ends_at = people.rules.get().ends_at;
        let timer = people.rules.timer.as_ref().map(|(ends, _)| *ends);
        if timer == ends_at {
            return;
        }
        people.rules.timer = ends_at.zip(self.store.get()).map(|(ends, store)| {
            let task =
                end_in_time(Arc::downgrade(room), Weak::clone(store), ends, self.config.clock);
            (ends, AbortOnDropHandle::new(tokio::spawn(task)))
        });
    }
}

/// Tells the host, if its session is here, who waits and who no longer does.
fn tell_host(people: &People, room: &RoomId, before: &RoomRules, rules: &RoomRules) {
    let session = rules.host.and_then(|host| people.sessions.get(&host));
    let Some(subscriber) = session.and_then(|session| session.place.live()) else { return };
    let known = |knock: &Knock| before.waiting().any(|other| other.id == knock.id);
    let waits = |knock: &Knock| rules.waiting().any(|other| other.id == knock.id);
    let same = before.host == rules.host;
    let encoder = subscriber.encoder();
    for knock in rules.waiting().filter(|knock| !same || !known(knock)) {
        if let Some(user) = Name::decode(&knock.name) {
            let (user, verified) = (&user, True::when(user.is_verified()));
            let frame = ServerMessage::Knock { client_id: knock.id, user, verified, room };
            subscriber.deliver(&[encoder.encode(&frame)]);
        }
    }
    for knock in before.waiting().filter(|knock| same && !waits(knock)) {
        let frame = ServerMessage::KnockOver { client_id: knock.id, room };
        subscriber.deliver(&[encoder.encode(&frame)]);
    }
}

fn close_all(sessions: &IndexMap<MemberId, LocalSession, ahash::RandomState>, receipt: &str) {
    for subscriber in sessions.values().filter_map(|session| session.place.subscriber()) {
        let frame = ServerMessage::Receipt { receipt };
        subscriber.deliver(&[subscriber.encoder().encode(&frame)]);
        subscriber.close(&ApiError::Burned);
    }
}

/// Waits for the end of a room, and ends it. All its nodes do, and the first one does it for all.
async fn end_in_time(
    room: Weak<LocalRoom>,
    store: Weak<dyn Store>,
    ends: Millis,
    clock: fn() -> Millis,
) {
    loop {
        let left = Duration::from_millis(ends.saturating_sub(clock()));
        if left.is_zero() {
            break;
        }
        // The wall clock may be set meanwhile.
        sleep(left.min(Duration::from_secs(60))).await;
    }
    loop {
        let (Some(room), Some(store)) = (room.upgrade(), store.upgrade()) else { return };
        match store.burn(&room.id, None).await {
            // The event closes what is here. Without the room, the node is about to hear of its end.
            Ok(_) | Err(StoreError::Refused(RoomError::NotMember)) => return,
            // The clock of the store may be behind, or the store away.
            Err(_) => {}
        }
        drop((room, store));
        sleep(AGAIN).await;
    }
}
