//! The rooms at this node: their sessions, and the store's events for them.

use std::{
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ahash::RandomState;
use dashmap::{DashMap, Entry as Slot};
use tokio::time::Instant;

use super::{
    HubConfig, Subscriber, count, kept,
    known_rules::Changed,
    local::LocalRoom,
    people::{Joining, LocalSession, Place},
};
use crate::{
    budget::{ClientAddr, Count, Kept, Resource, Usage},
    protocol::{ApiError, StatusCode},
    room::{LeaveReason, MemberId, RoomId},
    shrink,
    store::{Event, EventHandler, Store},
    ticket::Claims,
};

/// How often addresses get back the budget of messages that logs have dropped.
const BUDGET_LOOK: Duration = Duration::from_secs(10);

/// The rooms that have sessions at this node; handles the store's events.
pub struct RoomRegistry {
    pub(super) rooms: DashMap<RoomId, Arc<LocalRoom>, RandomState>,
    pub(super) config: Arc<HubConfig>,
    /// What addresses publish and upload into rooms that have no session here.
    away: DashMap<(Resource, ClientAddr, RoomId), Arc<Kept>, RandomState>,
    /// Where the members of a crowd are listed.
    pub(super) store: OnceLock<Weak<dyn Store>>,
}

impl RoomRegistry {
    /// No rooms yet.
    pub fn new(config: HubConfig) -> Arc<Self> {
        Arc::new(Self {
            rooms: DashMap::default(),
            config: Arc::new(config),
            away: DashMap::default(),
            store: OnceLock::new(),
        })
    }

    /// Starts the task that counts a room, if it is a crowd.
    pub(super) fn follow_crowd(&self, room: &Arc<LocalRoom>) {
        if let Some(store) = self.store.get().filter(|_| room.is_uncounted()) {
            tokio::spawn(count::follow(Arc::downgrade(room), Weak::clone(store)));
        }
    }

    /// Gives addresses back the budget of messages that logs have dropped, and asks the store for its capacity, while
    /// the store lives.
    pub(super) fn follow_budgets(self: &Arc<Self>, store: Weak<dyn Store>) {
        let rooms = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut look = tokio::time::interval(BUDGET_LOOK);
            loop {
                look.tick().await;
                let (Some(rooms), Some(store)) = (rooms.upgrade(), store.upgrade()) else { return };
                rooms.sweep_knocks(&store);
                let HubConfig { budgets, limits, .. } = &*rooms.config;
                budgets.share_store(store.capacity());
                let age = Duration::from_millis(limits.history_age);
                rooms.rooms.iter().for_each(|room| room.forget_kept(age));
                rooms.away.retain(|_, kept| kept.is_of_use(age));
                budgets.forget();
                shrink::shrink(&rooms.rooms);
                shrink::shrink(&rooms.away);
            }
        });
    }

    /// What an address has published or uploaded into a room, wherever the room's sessions are.
    pub(super) fn kept_of(&self, resource: Resource, id: &RoomId, usage: &Arc<Usage>) -> Arc<Kept> {
        if let Some(room) = self.find(id) {
            return room.kept_of(resource, usage);
        }
        let keep = || Arc::new(usage.keep(&kept::counter(resource, &self.config)));
        let key = (resource, usage.address(), id.clone());
        Arc::clone(&self.away.entry(key).or_insert_with(keep))
    }

    pub(super) fn find(&self, id: &RoomId) -> Option<Arc<LocalRoom>> {
        self.rooms.get(id).map(|room| Arc::clone(&room))
    }

    /// Registers a session, so that it gets events before its snapshot; an older connection of the same member is
    /// closed. Draws the connection's id, so that ids grow in the order in which connections register.
    ///
    /// # Errors
    /// [`ApiError::Replaced`] if a connection that came later has the session, or what the budgets refuse.
    pub(super) fn place(
        &self,
        id: &RoomId,
        Claims { member, name }: &Claims,
        began: Instant,
        tags: &AtomicU64,
        count: Count<'_>,
        subscriber: Arc<dyn Subscriber>,
    ) -> Result<(Arc<LocalRoom>, u64), ApiError> {
        let place =
            Place::Joining(Box::new(Joining { subscriber, waiting: Vec::new(), reset: None }));
        // The entry keeps its shard locked: the room cannot be dropped as empty meanwhile.
        let (room, permit) = match self.rooms.entry(id.clone()) {
            Slot::Occupied(room) => (room.into_ref(), None),
            Slot::Vacant(slot) => {
                let (opened, permit) = (count.hold(Resource::Rooms)?, count.hold(Resource::Seats)?);
                let room = Arc::new(LocalRoom::new(id.clone(), &self.config, opened));
                tokio::spawn(Arc::clone(&room).serve(Arc::clone(&self.config)));
                (slot.insert(room), Some(permit))
            }
        };
        let mut people = room.people.lock();
        let permit = match (permit, people.sessions.get(member)) {
            (Some(permit), _) => permit,
            (None, Some(session)) if session.began > began => return Err(ApiError::Replaced),
            // A member that comes back has its permit already.
            (None, Some(_)) => None,
            (None, None) => count.hold(Resource::Seats)?,
        };
        let tag = tags.fetch_add(1, Ordering::Relaxed);
        let session = LocalSession {
            tag,
            began,
            older: Vec::new(),
            name: name.clone(),
            place,
            permit,
            since: 0,
            unloaded: None,
        };
        let old = people.sessions.insert(*member, session);
        if let (Some(old), Some(session)) = (old, people.sessions.get_mut(member)) {
            if let Some(subscriber) = old.place.subscriber() {
                subscriber.close(&ApiError::Replaced);
            }
            session.older = old.older;
            session.older.push(old.tag);
            session.permit = old.permit;
        }
        drop(people);
        Ok((Arc::clone(&room), tag))
    }

    /// Removes the session if `tag` still holds it, and drops the room if it was the last one here. Returns every tag
    /// under which the store may know the session.
    pub(super) fn unregister(&self, room: &LocalRoom, member: MemberId, tag: u64) -> Vec<u64> {
        let session = {
            let mut people = room.people.lock();
            match people.sessions.get(&member) {
                Some(session) if session.tag == tag => people.remove(member),
                _ => None,
            }
        };
        if let Some((_, room)) =
            self.rooms.remove_if(&room.id, |_, room| room.people.lock().sessions.is_empty())
        {
            room.end();
        }
        let older = session.map(|session| session.older).unwrap_or_default();
        older.into_iter().chain([tag]).collect()
    }

    /// The member's session moved to another node: the connection that held it here is closed, and the session is
    /// removed.
    fn hand_over(&self, room: &LocalRoom, member: MemberId, tag: u64) {
        match room.people.lock().sessions.get_mut(&member) {
            Some(session) if session.tag == tag => {
                if let Some(subscriber) = session.place.subscriber() {
                    subscriber.close(&ApiError::Replaced);
                }
            }
            // A newer connection is here already; it has the session or is about to take it back.
            Some(session) => return session.older.retain(|older| *older != tag),
            None => return,
        }
        self.unregister(room, member, tag);
    }
}

impl EventHandler for RoomRegistry {
    fn on_event(&self, id: &RoomId, event: &Event) {
        let Some(room) = self.find(id) else { return };
        if let Event::Moved { member, tag } = *event {
            self.hand_over(&room, member, tag);
            return;
        }
        if let Event::Unloading { member } = *event {
            room.unload(member);
            return;
        }
        match event {
            Event::Renamed { from, user, .. } => room.people.lock().rename(*from, user),
            Event::Left { member, reason: LeaveReason::Kicked, .. } => {
                self.expel(&room, member.id);
            }
            Event::Burned { end } => return self.burned(id, end),
            Event::Rules { epoch, rules, host, version, count } => {
                let changed = Changed { epoch: *epoch, version: *version, count: *count };
                return self.change_rules(&room, changed, rules, host.as_ref());
            }
            Event::Reset(snapshot) => self.note_rules(&room, snapshot),
            _ => {}
        }
        room.add_event(event);
        if let Event::Joined { .. } | Event::Left { .. } | Event::Reset(_) = event {
            self.follow_crowd(&room);
        }
    }

    fn on_availability(&self, id: &RoomId, up: bool) {
        let Some(room) = self.find(id) else { return };
        let (code, message) = match up {
            true => (StatusCode::StoreAvailable, "all is well again"),
            false => (
                StatusCode::StoreUnavailable,
                "the room is out of reach for the moment; what you send may not arrive yet",
            ),
        };
        room.notice(code, message);
    }
}
