//! Members that take another name.

use tokio::time::Instant;

use super::{
    DEADLINE, Shared,
    codec::{self, Str, garbled},
    scripts,
};
use crate::{
    room::{MemberId, Name, RoomError, RoomId},
    store::StoreError,
};

impl Shared {
    /// See [`crate::store::Store::rename`].
    pub(super) async fn rename(
        &self,
        room: &RoomId,
        id: MemberId,
        name: &Name,
    ) -> Result<(), StoreError> {
        let args = vec![codec::id(id), Str::from(name.encode())];
        let deadline = Instant::now() + DEADLINE;
        let mut reply = self.router.run(&scripts::RENAME, &self.keys(room), args, deadline).await?;
        match reply.word().as_deref() {
            Some("OK") => Ok(()),
            Some("ENOMEMBER") => Err(self.unknown(room, id)),
            Some("EVERIFIED") => Err(RoomError::NameVerified.into()),
            _ => Err(garbled("rename")),
        }
    }
}
