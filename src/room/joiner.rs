//! Who asks to join a room, and whether the rules let them.

use super::{
    InviteId, Knock, Lock, Member, MemberId, Millis, Name, RoomError, RoomRules,
    ban::{Address, AddressMark, Ban},
};

/// Who asks to join.
#[derive(Clone, Copy, Debug)]
pub struct Joiner<'a> {
    /// The member's id.
    pub id: MemberId,
    /// The name under which the member joins.
    pub name: &'a Name,
    /// The client's address, if it is known.
    pub address: Option<Address>,
    /// The invite that the client has shown; its signature is good.
    pub invite: Option<InviteId>,
}

impl<'a> Joiner<'a> {
    /// A member without an address and without an invite.
    pub fn new(id: MemberId, name: &'a Name) -> Self {
        Self { id, name, address: None, invite: None }
    }
}

/// What the rules say of a new member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Admission {
    /// It joins; with what the rules are from then on, if that changes them.
    Joins(Option<RoomRules>),
    /// It waits; with what the rules are from then on, if that changes them.
    Waits(Option<RoomRules>),
}

impl RoomRules {
    /// Whether a person who is no member may join now. `mark` is the mark of the address.
    ///
    /// # Errors
    /// Why not: [`RoomError::Kicked`], [`RoomError::RoomLocked`], [`RoomError::InviteOnly`], [`RoomError::NotAdmitted`],
    /// [`RoomError::KnocksFull`], or what is wrong with the invite.
    pub fn admit(
        &self,
        now: Millis,
        joiner: &Joiner<'_>,
        mark: Option<&AddressMark>,
    ) -> Result<Admission, RoomError> {
        self.check_bans(joiner, mark)?;
        if self.lock == Lock::Locked {
            return Err(RoomError::RoomLocked);
        }
        let admitted = self.knocks.iter().any(|knock| knock.admitted && knock.id == joiner.id);
        if admitted {
            let mut rules = self.clone();
            rules.knocks.retain(|knock| knock.id != joiner.id);
            rules.sweep(now);
            return Ok(Admission::Joins(Some(rules)));
        }
        if let Some(id) = joiner.invite {
            return self.use_invite(now, id).map(|rules| Admission::Joins(Some(rules)));
        }
        if self.invite_only {
            return Err(RoomError::InviteOnly);
        }
        match self.lock {
            Lock::Knock => self.knock(now, joiner, mark).map(Admission::Waits),
            _ => Ok(Admission::Joins(None)),
        }
    }

    fn check_bans(&self, joiner: &Joiner<'_>, mark: Option<&AddressMark>) -> Result<(), RoomError> {
        if self.bans.is_empty() {
            return Ok(());
        }
        let names =
            [Some(Ban::member(joiner.id)), Ban::account(joiner.name), mark.map(Ban::address)];
        let banned = names.iter().flatten().any(|ban| self.bans.contains(ban));
        if banned { Err(RoomError::Kicked) } else { Ok(()) }
    }

    fn use_invite(&self, now: Millis, id: InviteId) -> Result<RoomRules, RoomError> {
        let mut rules = self.clone();
        let known = rules.invites.iter_mut().find(|invite| invite.id == id);
        // The signature was good, so the room has forgotten it since.
        let invite = known.ok_or(RoomError::InviteExpired)?;
        invite.check(now)?;
        invite.left -= 1;
        Ok(rules)
    }

    fn knock(
        &self,
        now: Millis,
        joiner: &Joiner<'_>,
        mark: Option<&AddressMark>,
    ) -> Result<Option<RoomRules>, RoomError> {
        if let Some(known) = self.knocks.iter().position(|knock| knock.id == joiner.id) {
            let is_fresh = self.knocks[known].at + Knock::FRESH > now;
            return Ok((!is_fresh).then(|| {
                let mut rules = self.clone();
                rules.knocks[known].at = now;
                rules.sweep(now);
                rules
            }));
        }
        // Others of that address that wait already are asked about by themselves.
        if mark.is_some_and(|mark| self.bans.iter().any(|ban| ban.pauses(mark, now))) {
            return Err(RoomError::NotAdmitted);
        }
        let mut rules = self.clone();
        rules.sweep(now);
        if rules.knocks.len() >= Knock::MOST {
            return Err(RoomError::KnocksFull);
        }
        rules.knocks.push(Knock {
            id: joiner.id,
            name: joiner.name.encode(),
            address: mark.cloned(),
            at: now,
            admitted: false,
        });
        Ok(Some(rules))
    }

    /// Takes back the knock of one who no longer waits, and knocks that were not renewed. `None` if there are none.
    pub fn without_knock(&self, now: Millis, id: Option<MemberId>) -> Option<RoomRules> {
        // Asked of every room from time to time: hardly any has knocks, and none is copied for nothing.
        let stays = |knock: &Knock| Some(knock.id) != id && knock.at + Knock::AGE > now;
        if self.knocks.iter().all(stays) {
            return None;
        }
        let mut rules = self.clone();
        rules.knocks.retain(stays);
        Some(rules)
    }

    /// Members that are the same person as one of them: those that use the same account.
    pub(super) fn same_person<'a>(
        of: &'a Member,
        members: &'a [Member],
    ) -> impl Iterator<Item = MemberId> {
        members
            .iter()
            .filter(move |member| {
                member.id == of.id || (of.name.is_verified() && member.name == of.name)
            })
            .map(|member| member.id)
    }
}
