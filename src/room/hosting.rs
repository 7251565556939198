//! What the rules of a room do to its members: admission, removal, succession, the end.

use std::{borrow::Cow, fmt::Write, sync::Arc};

use sha2::{Digest, Sha256};

use super::{
    Address, AddressMark, Admission, EndCause, HostAction, Joiner, Limits, Member, MemberId,
    Millis, Room, RoomEnd, RoomError, RoomId, RoomRules,
};

/// Members that left in one step.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Departed {
    /// The members. Each leave is a version.
    pub members: Vec<Member>,
    /// The rules changed in the same step: one more version, after those.
    pub rules: bool,
}

impl Room {
    /// Who decides here, and what was decided.
    pub fn rules(&self) -> &Arc<RoomRules> {
        &self.rules
    }

    /// The limits of this room: its host may keep messages for a shorter time.
    pub(super) fn within<'a>(&self, limits: &'a Limits) -> Cow<'a, Limits> {
        match self.rules.message_age {
            Some(age) if age < limits.history_age => {
                Cow::Owned(Limits { history_age: age, ..*limits })
            }
            _ => Cow::Borrowed(limits),
        }
    }

    /// Drops what is too old or too much of the log.
    pub(super) fn trim(&mut self, now: Millis, limits: &Limits) {
        let limits = self.within(limits);
        self.log.trim(now, &limits, &mut self.files);
    }

    /// Whether a new member may join, and what that changes.
    pub(super) fn admit(&mut self, now: Millis, joiner: &Joiner<'_>) -> Result<(), RoomError> {
        if !self.rules.gated() {
            return Ok(());
        }
        let mark = joiner.address.map(|address| self.mark(address));
        let admission = self.rules.admit(now, joiner, mark.as_ref())?;
        let (rules, waits) = match admission {
            Admission::Joins(rules) => (rules, false),
            Admission::Waits(rules) => (rules, true),
        };
        if let Some(rules) = rules {
            self.set_rules(rules);
        }
        if waits { Err(RoomError::Knocking) } else { Ok(()) }
    }

    fn set_rules(&mut self, rules: RoomRules) {
        self.rules = Arc::new(rules);
        self.version += 1;
    }

    /// Members have left: the host's right passes on if it was one of them.
    pub(super) fn depart(&mut self, members: Vec<Member>) -> Departed {
        let concerns = |id: &MemberId| members.iter().any(|member| member.id == *id);
        let rules = &self.rules;
        if !rules.host.iter().chain(&rules.muted).any(concerns) {
            return Departed { members, rules: false };
        }
        let mut rules = (**rules).clone();
        rules.forget(&members, self.order.iter());
        self.set_rules(rules);
        Departed { members, rules: true }
    }

    /// Carries out what `by` decided as the host. The room may not be empty after this: its host stays.
    ///
    /// # Errors
    /// As [`RoomRules::decide`]; nothing is changed then.
    pub fn decide(
        &mut self,
        now: Millis,
        limits: &Limits,
        by: MemberId,
        action: &HostAction,
    ) -> Result<Departed, RoomError> {
        self.member(by)?;
        let address = action.kicks().and_then(|id| self.seats.get(&id)?.address);
        let mark = address.map(|address| self.mark(address));
        let members: Vec<Member> = self.seats.values().map(|seat| seat.member.clone()).collect();
        let decision = self.rules.decide(now, limits, by, action, &members, mark.as_ref())?;
        let members = decision.kicked.iter().filter_map(|id| self.remove(*id)).collect();
        let rules = decision.rules != *self.rules;
        if rules {
            self.set_rules(decision.rules);
            self.trim(now, limits);
        }
        Ok(Departed { members, rules })
    }

    /// Takes back the knock of one who no longer waits, and knocks that were not renewed. Says whether there were any.
    pub fn end_knock(&mut self, now: Millis, id: Option<MemberId>) -> bool {
        let rules = self.rules.without_knock(now, id);
        let changes = rules.is_some();
        if let Some(rules) = rules {
            self.set_rules(rules);
        }
        changes
    }

    /// Whether the room may be ended: by its host, or by none because its time is over.
    ///
    /// # Errors
    /// [`RoomError::NotMember`], [`RoomError::NotHost`].
    pub fn check_end(&self, now: Millis, by: Option<MemberId>) -> Result<EndCause, RoomError> {
        match by {
            Some(by) => {
                self.member(by)?;
                self.rules.check_host(by)?;
                Ok(EndCause::Burned)
            }
            None if self.rules.is_over(now) => Ok(EndCause::Expired),
            None => Err(RoomError::NotHost),
        }
    }

    /// What goes when this room is removed. `members` were there.
    pub fn end(&self, room: &RoomId, cause: EndCause, members: u64) -> RoomEnd {
        let (entries, text) = self.log.size();
        let (files, held) = self.files.size();
        RoomEnd {
            room: room.clone(),
            epoch: self.epoch,
            cause,
            entries,
            bytes: text + held,
            members,
            files,
            keys: vec![("room", 1)],
            keys_left: 0,
        }
    }

    fn mark(&self, address: Address) -> AddressMark {
        let hash = Sha256::new().chain_update(self.key.0).chain_update(address.0).finalize();
        let mut digits = String::with_capacity(16);
        for byte in &hash[..8] {
            // Writing to memory cannot fail.
            let _ = write!(digits, "{byte:02x}");
        }
        AddressMark::new(&digits)
    }
}
