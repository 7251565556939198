//! A member takes another name. The store knows the names; the hub asks whether an account has the new one.

use super::Hub;
use crate::{
    protocol::{Ack, ApiError, Timestamp},
    room::{Name, RoomError, RoomId},
    ticket::Claims,
};

impl Hub {
    /// Gives a member another name, and tells the others.
    ///
    /// # Errors
    /// [`ApiError::NameTaken`] if an account has the name, [`NameVerified`](crate::room::RoomError::NameVerified) if
    /// the member's own is an account's, or the store's.
    pub async fn rename(&self, room: &RoomId, who: &Claims, name: &Name) -> Result<Ack, ApiError> {
        // The ticket may be older than the session's name, so it exempts from nothing but the same name.
        if who.name.is_verified() && who.name.as_str() != name.as_str() {
            return Err(RoomError::NameVerified.into());
        }
        if !who.name.is_verified() && self.is_taken(name).await? {
            return Err(ApiError::NameTaken);
        }
        if let Err(error) = self.store.rename(room, who.member, name).await {
            return Err(self.refusal(room, who.member, error).await);
        }
        let timestamp = Timestamp((self.config().clock)());
        Ok(Ack { n: None, seq: None, timestamp, cursor: None, duplicate: None })
    }
}
