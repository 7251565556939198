//! How a storm ends: those whom the hosts remove are out, all agree, and the rooms are ended.

use std::{collections::BTreeSet, time::Duration};

use super::{
    super::{
        diary::Diary,
        manner::Wish,
        person::Person,
        receipts::{self, Signers},
        until,
    },
    Backend, Storm,
};

/// Whether the room is ended by its host.
fn is_burned(room: usize) -> bool {
    room.is_multiple_of(2)
}

impl<B: Backend> Storm<B> {
    /// Every pest has been refused once more, and tries no more. Returns what must not have happened.
    async fn pests_end(&mut self) -> Vec<String> {
        self.pests_are_out().await;
        for (_, pest) in &self.pests {
            let then = pest.answers();
            until("a pest is refused", || {
                let again = pest.answers() > then + 1;
                async move { again.then_some(()) }
            })
            .await;
        }
        let mut wrong = Vec::new();
        for (number, (room, pest)) in self.pests.iter().enumerate() {
            let strange = pest.stop();
            if !self.is_undone(number) {
                wrong.extend(strange.into_iter().map(|what| format!("storm-{room}: {what}")));
            }
        }
        wrong
    }

    /// Redis took a removal and lost it with the room's newest messages. Those before the strike it must know.
    pub(super) fn is_undone(&self, number: usize) -> bool {
        let (room, pest) = &self.pests[number];
        let began_anew = |person: &Person| person.diary().lives.len() > 1;
        self.lossy
            && number >= self.crowd.len()
            && pest.is_back()
            && self.crowd[*room].iter().any(began_anew)
    }

    /// Nobody talks any more, the pests are out, and all agree. Returns what must not have happened.
    pub async fn calm(&mut self) -> Vec<String> {
        self.everybody(Wish::Hush);
        let wrong = self.pests_end().await;
        self.all_agree().await;
        let hosts = (0..self.crowd.len()).filter_map(|room| self.is_still_host(room));
        wrong.into_iter().chain(hosts).collect()
    }

    /// Waits until no rule hinders anybody.
    pub async fn is_calm(&self) {
        until("no rule hinders anybody", || {
            let mut people = self.crowd.iter().flatten();
            let calm = people.all(|person| person.diary().rules.is_calm());
            async move { calm.then_some(()) }
        })
        .await;
    }

    /// A host that nobody was told to have left is the host still.
    fn is_still_host(&self, room: usize) -> Option<String> {
        let (first, people) = (&self.hosts[room], &self.crowd[room]);
        let left = |person: &Person| person.diary().departures.iter().any(|(id, ..)| id == first);
        let host = people[0].diary().rules.host.clone();
        let lost = host.as_ref() != Some(first) && !people.iter().any(left);
        lost.then(|| format!("storm-{room}: the host was {first}, and is {host:?}"))
    }

    /// Half of the rooms are ended by their hosts, the others by the last leave. Returns what is wrong with that.
    pub(super) async fn end(&mut self) -> Vec<String> {
        let signers = Signers::of(&self.fleet).await;
        for (number, room) in self.crowd.iter().enumerate() {
            let wish = if is_burned(number) { Wish::Stay } else { Wish::Leave };
            room.iter().for_each(|person| person.wish(wish));
            // Last, because the others are to expect it.
            let host = room.iter().find(|person| person.diary().decides());
            if let Some(host) = host.filter(|_| is_burned(number)) {
                host.wish(Wish::Burn);
            }
        }
        let mut wrong = self.all_go().await;
        for (number, room) in self.crowd.iter().enumerate() {
            let guards: Vec<_> = room.iter().map(Person::diary).collect();
            let diaries: Vec<&Diary> = guards.iter().map(|diary| &**diary).collect();
            let name = format!("storm-{number}");
            wrong.extend(if is_burned(number) {
                receipts::of_a_burn(&signers, &name, &diaries)
            } else {
                receipts::of_leaves(&signers, &name, &diaries)
            });
        }
        wrong
    }

    /// What is wrong with the ends of rooms that were all burned.
    pub async fn burned(&self) -> Vec<String> {
        let signers = Signers::of(&self.fleet).await;
        let mut wrong = Vec::new();
        for (number, room) in self.crowd.iter().enumerate() {
            let guards: Vec<_> = room.iter().map(Person::diary).collect();
            let diaries: Vec<&Diary> = guards.iter().map(|diary| &**diary).collect();
            wrong.extend(receipts::of_a_burn(&signers, &format!("storm-{number}"), &diaries));
        }
        wrong
    }

    /// Waits until every member has gone. Returns who cannot.
    pub async fn all_go(&mut self) -> Vec<String> {
        let mut stuck = Vec::new();
        for person in self.crowd.iter_mut().flatten() {
            if tokio::time::timeout(Duration::from_secs(60), person.gone()).await.is_err() {
                stuck.push(format!("cannot leave: {}", person.diary()));
            }
        }
        stuck
    }

    /// Waits until every member is there, waits for no ack, and stands where the others of the room stand.
    pub(super) async fn all_agree(&self) {
        for room in &self.crowd {
            until("all that was said is heard by all", || {
                let diaries: Vec<_> = room.iter().map(Person::diary).collect();
                let people: BTreeSet<String> =
                    diaries.iter().map(|diary| diary.id.clone()).collect();
                let place = diaries[0].place().map(|(epoch, seq)| (epoch.to_owned(), seq));
                let view = diaries[0].rules.view();
                let host_is_there = view.0.as_ref().is_some_and(|host| people.contains(host));
                let settled = diaries.iter().all(|diary| {
                    diary.linked
                        && diary.quiet
                        && diary.place()
                            == place.as_ref().map(|(epoch, seq)| (epoch.as_str(), *seq))
                        && diary.roster == people
                        && diary.rules.is_calm()
                        && diary.rules.view() == view
                });
                let settled = settled && host_is_there;
                async move { settled.then_some(()) }
            })
            .await;
        }
    }
}
