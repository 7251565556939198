//! What a host decides, and what follows from it.

use super::{
    HistoryRule, Invite, InviteId, Limits, Lock, Member, MemberId, Millis, RoomError, RoomRules,
    Title,
    ban::{AddressMark, Ban},
    length,
};

/// How long an address that was refused may not knock again.
const PAUSE: Millis = 60_000;

/// A host's decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HostAction {
    /// A member leaves and does not come back.
    Kick {
        /// The member.
        member: MemberId,
        /// No new member from its address joins either.
        address: bool,
    },
    /// Whether new members may join.
    Lock(Lock),
    /// A person who waits may join.
    Admit(MemberId),
    /// A person who waits may not.
    Refuse(MemberId),
    /// Another member is the host.
    Host(MemberId),
    /// When the room ends, and how long messages are kept. Outer `None`: as before; inner `None`: no such rule.
    Lifetime {
        /// When the room ends.
        ends_at: Option<Option<Millis>>,
        /// How long messages are kept, in milliseconds.
        message_age: Option<Option<Millis>>,
    },
    /// How much of the log new members get.
    History(HistoryRule),
    /// The room's title.
    Topic(Title),
    /// A member may not send messages, or may again.
    Mute {
        /// The member.
        member: MemberId,
        /// It may not.
        muted: bool,
    },
    /// Whether new members need an invite.
    InviteOnly(bool),
    /// A new invite.
    Invite(Invite),
    /// An invite ends.
    Revoke(InviteId),
}

/// What follows from a host's decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// The rules from then on.
    pub rules: RoomRules,
    /// Members that leave in the same step.
    pub kicked: Vec<MemberId>,
}

impl HostAction {
    /// The member that it removes, whose address has to be known.
    pub fn kicks(&self) -> Option<MemberId> {
        if let Self::Kick { member, .. } = self { Some(*member) } else { None }
    }
}

impl RoomRules {
    /// The rules after a decision of `by`. `members` are all members; `mark` is the mark of the address of the one that
    /// is kicked.
    ///
    /// # Errors
    /// [`RoomError::NotHost`], or what is wrong with the decision.
    pub fn decide(
        &self,
        now: Millis,
        limits: &Limits,
        by: MemberId,
        action: &HostAction,
        members: &[Member],
        mark: Option<&AddressMark>,
    ) -> Result<Decision, RoomError> {
        self.check_host(by)?;
        let member =
            |id: MemberId| members.iter().find(|member| member.id == id).ok_or(RoomError::NoMember);
        let mut rules = self.clone();
        let mut kicked = Vec::new();
        match action {
            HostAction::Kick { member: id, address } => {
                let target = member(*id)?;
                if *id == by {
                    return Err(RoomError::BadTarget);
                }
                kicked.extend(Self::same_person(target, members).filter(|id| *id != by));
                let addresses = mark.filter(|_| *address).map(Ban::address);
                let bans = kicked.iter().map(|id| Ban::member(*id));
                for ban in bans.chain(Ban::account(&target.name)).chain(addresses) {
                    if !rules.bans.contains(&ban) {
                        rules.bans.push(ban);
                    }
                }
                rules.bans.retain(|ban| !ban.is_over(now));
                if rules.bans.len() > length::BANS {
                    return Err(RoomError::BansFull);
                }
                rules.muted.retain(|id| !kicked.contains(id));
            }
            HostAction::Lock(lock) => rules.lock = *lock,
            HostAction::Admit(id) => {
                rules.sweep(now);
                let mut knocks = rules.knocks.iter_mut();
                let knock = knocks.find(|knock| knock.id == *id).ok_or(RoomError::NoMember)?;
                (knock.admitted, knock.at) = (true, now);
            }
            HostAction::Refuse(id) => {
                let at = rules.knocks.iter().position(|knock| knock.id == *id);
                let knock = rules.knocks.remove(at.ok_or(RoomError::NoMember)?);
                rules.bans.retain(|ban| !ban.is_over(now));
                let pause = knock.address.map(|mark| Ban::pause(&mark, now + PAUSE));
                rules.bans.extend(pause.filter(|_| self.bans.len() < length::BANS));
            }
            HostAction::Host(id) => rules.host = Some(member(*id)?.id),
            HostAction::Lifetime { ends_at, message_age } => {
                rules.set_lifetime(now, limits, *ends_at, *message_age)?;
            }
            HostAction::History(history) => rules.history = *history,
            HostAction::Topic(title) => rules.title = title.clone(),
            HostAction::Mute { member: id, muted } => {
                member(*id)?;
                if *id == by {
                    return Err(RoomError::BadTarget);
                }
                rules.muted.retain(|known| known != id);
                rules.muted.extend(muted.then_some(*id));
            }
            HostAction::InviteOnly(only) => rules.invite_only = *only,
            HostAction::Invite(invite) => {
                rules.invites.retain(|known| now < known.until);
                if rules.invites.len() >= Invite::MOST {
                    return Err(RoomError::InvitesFull);
                }
                rules.invites.push(invite.clone());
            }
            HostAction::Revoke(id) => {
                let mut invites = rules.invites.iter_mut();
                let invite = invites.find(|known| known.id == *id).ok_or(RoomError::BadInvite)?;
                invite.revoked = true;
            }
        }
        Ok(Decision { rules, kicked })
    }

    fn set_lifetime(
        &mut self,
        now: Millis,
        limits: &Limits,
        ends_at: Option<Option<Millis>>,
        message_age: Option<Option<Millis>>,
    ) -> Result<(), RoomError> {
        if let Some(ends) = ends_at {
            // A request takes a moment, and clocks differ.
            let soonest = now + limits.min_life.saturating_sub(length::LIFE_SLACK);
            let latest = now + limits.max_life + length::LIFE_SLACK;
            if ends.is_some_and(|ends| ends < soonest || ends > latest) {
                return Err(RoomError::BadLifetime);
            }
            self.ends_at = ends;
        }
        if let Some(age) = message_age {
            let shortest = limits.min_message_age.min(limits.history_age);
            if age.is_some_and(|age| age < shortest || age > limits.history_age) {
                return Err(RoomError::BadLifetime);
            }
            self.message_age = age;
        }
        Ok(())
    }
}
