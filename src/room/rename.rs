//! A member takes another name while it is in the room.

use super::{MemberId, Name, Room, RoomError};

impl Room {
    /// Gives a member another name, and counts it as a version. Returns the name before, or none if it is the same.
    /// What the member said before keeps the name under which it was said.
    ///
    /// # Errors
    /// [`RoomError::NotMember`], or [`RoomError::NameVerified`] for a member that has an account's name.
    pub fn rename(&mut self, id: MemberId, name: &Name) -> Result<Option<Name>, RoomError> {
        let member = &mut self.seats.get_mut(&id).ok_or(RoomError::NotMember)?.member;
        if member.name.as_str() == name.as_str() {
            return Ok(None);
        }
        if member.name.is_verified() {
            return Err(RoomError::NameVerified);
        }
        self.version += 1;
        Ok(Some(std::mem::replace(&mut member.name, name.clone())))
    }
}
