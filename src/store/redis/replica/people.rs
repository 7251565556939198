//! The members of a room, as their node was told.

use std::collections::HashMap;

use crate::room::{CallMark, JoinOrder, Member, MemberId, Name};

/// The members of a room, at whatever node.
#[derive(Default)]
pub(super) struct People {
    members: HashMap<MemberId, Member>,
    order: JoinOrder,
}

impl People {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// The member with this id.
    pub(super) fn get(&self, id: MemberId) -> Option<&Member> {
        self.members.get(&id)
    }

    /// Takes a member in, in the place of what was known of it.
    pub(super) fn insert(&mut self, member: Member) {
        self.remove(member.id);
        self.order.insert(&member);
        self.members.insert(member.id, member);
    }

    /// Takes a member out.
    pub(super) fn remove(&mut self, id: MemberId) {
        if let Some(member) = self.members.remove(&id) {
            self.order.remove(&member);
        }
    }

    /// Gives a member another name.
    pub(super) fn rename(&mut self, id: MemberId, name: &Name) {
        if let Some(member) = self.members.get_mut(&id) {
            member.name = name.clone();
        }
    }

    /// Records a member's call mark, and returns the member's name, if the mark is newer.
    pub(super) fn call(&mut self, id: MemberId, call: CallMark) -> Option<Name> {
        let member = self.members.get_mut(&id).filter(|member| member.call < call)?;
        member.call = call;
        self.order.call(id);
        Some(member.name.clone())
    }

    /// The members that a subscriber is told of; see [`JoinOrder::listed`].
    pub(super) fn listed(&self, most: usize, reader: MemberId) -> Vec<Member> {
        let get = |id| self.get(id).cloned();
        if self.len() <= most {
            return self.order.iter().filter_map(get).collect();
        }
        let listed =
            self.order.listed(most, reader, |id| self.get(id).map(|member| member.joined_at));
        listed.into_iter().filter_map(get).collect()
    }
}

impl FromIterator<Member> for People {
    fn from_iter<I: IntoIterator<Item = Member>>(members: I) -> Self {
        let mut people = Self::default();
        members.into_iter().for_each(|member| people.insert(member));
        people
    }
}
