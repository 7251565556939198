//! What everyone knows when a simulation is over.

use super::{super::tests::HERE, *};

impl Simulation {
    /// What a member knows in the end.
    fn received_by(&self, who: MemberId) -> (BTreeMap<MemberId, Name>, Seq, Arc<RoomRules>) {
        let Reader { from, seen: welcome, .. } = &self.readers[&who];
        let mut people = names(welcome);
        assert!(people.len() == welcome.members.len() && people.contains_key(&who));
        let (mut last, mut known) = (welcome.seq, Arc::clone(&welcome.rules));
        for event in &self.told[*from..] {
            match event {
                Event::Joined { member, version, .. } if *version > welcome.version => {
                    let before = people.insert(member.id, member.name.clone());
                    assert!(before.is_none(), "told twice to have joined");
                }
                Event::Left { member, version, .. } if *version > welcome.version => {
                    assert!(
                        member.id != who && people.remove(&member.id).is_some(),
                        "told to have left, and was not here"
                    );
                }
                Event::Renamed { from, user, previous, version, .. }
                    if *version > welcome.version =>
                {
                    assert_eq!(people.insert(*from, user.clone()).as_ref(), Some(previous));
                }
                Event::Rules { rules, version, .. } if *version > welcome.version => {
                    known = Arc::clone(rules);
                }
                Event::Said { entry, .. } if entry.seq > welcome.seq => {
                    assert_eq!(entry.seq, last + 1);
                    last = entry.seq;
                }
                _ => {}
            }
        }
        (people, last, known)
    }
}

fn names(room: &Snapshot) -> BTreeMap<MemberId, Name> {
    room.members.iter().map(|member| (member.id, member.name.clone())).collect()
}

#[test]
fn everybody_ends_up_with_the_people_and_the_words_that_there_are() {
    for seed in 0..2000 {
        let mut play = Simulation::new(seed);
        for _ in 0..60 {
            play.step();
        }
        play.stormy = false;
        for _ in 0..100 {
            play.arrive();
            play.reconcile();
            play.welcome();
        }
        assert!(play.is_at_rest(), "seed {seed}");
        let version = |event: &Event| match event {
            Event::Joined { version, .. }
            | Event::Left { version, .. }
            | Event::Renamed { version, .. }
            | Event::Rules { version, .. }
            | Event::Unchanged { version, .. } => Some(*version),
            _ => None,
        };
        assert!(
            play.told.iter().filter_map(version).is_sorted_by(|one, next| one < next),
            "seed {seed}: versions grow"
        );
        for event in &play.told {
            if let Event::Moved { member, tag } = event {
                play.readers.retain(|who, reader| who != member || reader.tag != *tag);
            }
        }
        let mine = |(who, sits): (&MemberId, &Sits)| (sits.node == HERE).then_some(*who);
        assert!(
            play.readers.keys().copied().eq(play.holders.iter().filter_map(mine)),
            "seed {seed}: who sits here"
        );
        let there = names(&play.room);
        assert!(there.keys().eq(play.holders.keys()), "seed {seed}");
        for (who, session) in play.replica.sessions() {
            assert_eq!(Some(&session.name), there.get(who), "seed {seed}: brought back as");
        }
        for who in play.readers.keys() {
            assert_eq!(
                play.received_by(*who),
                (there.clone(), play.room.seq, Arc::clone(&play.room.rules)),
                "seed {seed}, {who:?}"
            );
        }
    }
}
