//! A member takes another name. The store knows the names; the hub asks whether an account has the new one.

use super::Hub;
use crate::{
    protocol::{Ack, ApiError, Timestamp},
    room::{Name, RoomId},
    ticket::Claims,
};

impl Hub {
    /// Gives a member another name, and tells the others.
    ///
    /// # Errors
    /// [`ApiError::NameTaken`] if an account has the name, [`NameVerified`](crate::room::RoomError::NameVerified) if
    /// the member's own is an account's, or the store's.
    pub async fn rename(&self, room: &RoomId, who: &Claims, name: &Name) -> Result<Ack, ApiError> {
        // A verified name stays in any case: the store says so.
        if let Some(accounts) = self.config().accounts.as_ref().filter(|_| !who.name.is_verified())
            && accounts.is_taken(name).await?
        {
            return Err(ApiError::NameTaken);
        }
        self.store.rename(room, who.member, name).await?;
        let timestamp = Timestamp((self.config().clock)());
        Ok(Ack { n: None, seq: None, timestamp, cursor: None, duplicate: None })
    }
}
