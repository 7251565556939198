//! What addresses keep in a room at this node: text of messages, or files.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;

use super::HubConfig;
use crate::{
    budget::{ClientAddr, Kept, Resource, RoomBytes, Usage},
    room::PublishResult,
    store::StoreError,
};

/// The counters of one resource in one room: of all addresses together, and of each.
pub(super) struct KeptByAddress {
    all: Arc<RoomBytes>,
    each: Mutex<HashMap<ClientAddr, Arc<Kept>>>,
}

impl KeptByAddress {
    pub(super) fn new(resource: Resource, config: &HubConfig) -> Self {
        Self { all: counter(resource, config), each: Mutex::default() }
    }

    /// What an address keeps here.
    pub(super) fn of(&self, usage: &Arc<Usage>) -> Arc<Kept> {
        let mut each = self.each.lock();
        Arc::clone(each.entry(usage.address()).or_insert_with(|| Arc::new(usage.keep(&self.all))))
    }

    /// Gives addresses back the budget of what the room has dropped.
    pub(super) fn forget(&self, history_age: Duration) {
        self.all.forget(history_age);
        self.each.lock().retain(|_, kept| kept.is_of_use(history_age));
    }

    /// Gives all of it back: the room is deleted, or has no session here any more.
    pub(super) fn release(&self) {
        self.all.release();
        self.each.lock().values().for_each(|kept| kept.release());
    }
}

/// The counter of all addresses in a room.
pub(super) fn counter(
    resource: Resource,
    HubConfig { budgets, limits, .. }: &HubConfig,
) -> Arc<RoomBytes> {
    match resource {
        Resource::Files => budgets.room_files(limits.room_file_bytes),
        _ => budgets.room_text(limits.history_bytes, limits.history_len),
    }
}

/// Whether a message may be in the log that was not there before. A store that does not answer may have taken it.
pub(super) fn may_stand(said: &Result<PublishResult, StoreError>) -> bool {
    match said {
        Ok(said) => !said.repeated,
        Err(error) => matches!(error, StoreError::Unavailable),
    }
}
