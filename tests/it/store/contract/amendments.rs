//! Amendments: what a member may change in an earlier message, and what the store keeps of it.

use parlor::{
    room::{
        Amendment, Content, Cursor, Joiner, Limits, MemberId, Message, NewEntry, PublishResult,
        Reaction, RoomError, RoomId, Text,
    },
    store::StoreError,
};
use tokio::time::Instant;

use super::world::World;
use crate::support::{Node, a_room, entry, name, tag, text, until};

fn thumb(target: u64, on: bool) -> Text {
    Amendment::React(Reaction { target, emoji: "👍", on }).into()
}

fn edit(target: u64, text: &str) -> Text {
    Amendment::Edit { target, text: Some(text) }.into()
}

fn delete(target: u64) -> Text {
    Amendment::Delete { target }.into()
}

fn reply(target: u64, text: &str) -> Text {
    Message { reply_to: Some(target), text, ..Message::default() }.into()
}

async fn say(
    node: &Node,
    room: &RoomId,
    from: MemberId,
    text: Text,
) -> Result<PublishResult, StoreError> {
    node.store.publish(room, from, NewEntry { n: None, text }).await
}

/// The messages of the log: number, text (of a deleted one none), and reactions.
async fn log(
    node: &Node,
    room: &RoomId,
) -> Vec<(u64, Option<String>, Vec<(String, Vec<MemberId>)>)> {
    let history = node.snapshot(room).await.unwrap().history;
    let messages = history.iter().filter_map(|entry| match entry.text.content() {
        Content::Message(message) => {
            let reactions = message.reactions();
            Some((
                entry.seq,
                (!message.deleted).then(|| message.text.to_owned()),
                reactions.map(|(emoji, from)| (emoji.to_owned(), from.collect())).collect(),
            ))
        }
        Content::Amendment(_) => None,
    });
    messages.collect()
}

pub(super) async fn messages_are_changed_in_place_and_everybody_is_told<W: World>() {
    let world = W::new().await;
    let (mut here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let (ann, bob) = (here.join(&room, "Ann").await, there.join(&room, "Bob").await);
    let said = [
        (0, ann.id, text("hello")),
        (1, bob.id, thumb(1, true)),
        (0, ann.id, edit(1, "hello \nagain")),
        (1, bob.id, reply(1, "hi")),
        (0, ann.id, thumb(4, true)),
        (1, bob.id, thumb(4, true)),
        (0, ann.id, thumb(4, false)),
        (1, bob.id, text("nonsense")),
        (1, bob.id, delete(8)),
    ];
    for (seq, (node, from, text)) in (1..).zip(&said) {
        let node = [&here, &there][*node];
        assert_eq!(say(node, &room, *from, text.clone()).await.unwrap().seq, seq);
    }
    for node in [&mut here, &mut there] {
        for (seq, (_, from, text)) in (1..).zip(&said) {
            let entry = node.heard.entry().await;
            assert_eq!((entry.seq, entry.from, &entry.text), (seq, *from, text));
        }
        let thumbs = |of| vec![("👍".to_owned(), vec![of])];
        assert_eq!(
            log(node, &room).await,
            [
                (1, Some("hello \nagain".to_owned()), thumbs(bob.id)),
                (4, Some("hi".to_owned()), thumbs(bob.id)),
                (8, None, vec![]),
            ]
        );
    }
    let history = here.snapshot(&room).await.unwrap().history;
    let Content::Message(first) = history[0].text.content() else { panic!("{history:?}") };
    assert_eq!(first.edited, Some(history.iter().find(|entry| entry.seq == 3).unwrap().at));
    here.leave(&room, &ann).await;
    there.leave(&room, &bob).await;
    assert!(world.is_empty());
}

pub(super) async fn only_what_may_be_changed_is_changed<W: World>() {
    let world = W::with(Limits { history_len: 3, ..Limits::default() }).await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let (ann, bob) = (here.join(&room, "Ann").await, there.join(&room, "Bob").await);
    for words in ["one", "two", "three", "four"] {
        say(&here, &room, ann.id, text(words)).await.unwrap();
    }
    say(&here, &room, ann.id, delete(2)).await.unwrap();
    let before = log(&here, &room).await;
    use RoomError::{NoTarget, NotYours};
    for (what, why) in [
        (edit(3, "mine"), NotYours),
        (delete(3), NotYours),
        // Pushed out, deleted, an amendment, and not there yet.
        (thumb(1, true), NoTarget),
        (thumb(2, true), NoTarget),
        (delete(2), NoTarget),
        (thumb(5, true), NoTarget),
        (reply(5, "what?"), NoTarget),
        (thumb(6, true), NoTarget),
        (reply(6, "what?"), NoTarget),
        (edit(99, "mine"), NoTarget),
    ] {
        let refused = there.store.publish(&room, bob.id, entry(1, &what)).await;
        assert_eq!(refused, Err(why.into()), "{what:?}");
    }
    assert_eq!(log(&here, &room).await, before);
    // What is refused uses up no counter. Who answers what is gone answers it all the same.
    for (n, gone) in [(1, 1), (2, 2)] {
        let said = there.store.publish(&room, bob.id, entry(n, &reply(gone, "yes"))).await.unwrap();
        assert_eq!((said.seq, said.repeated), (5 + n, false));
    }
}

pub(super) async fn what_was_replaced_or_deleted_is_nowhere<W: World>() {
    let world = W::new().await;
    let mut node = world.node().await;
    let room = a_room();
    let ann = node.join(&room, "Ann").await;
    let at = |seq| Cursor { epoch: ann.room.epoch, seq };
    say(&node, &room, ann.id, text("a secret")).await.unwrap();
    say(&node, &room, ann.id, edit(1, "another secret")).await.unwrap();
    say(&node, &room, ann.id, edit(1, "no secret")).await.unwrap();
    say(&node, &room, ann.id, text("the last secret")).await.unwrap();
    say(&node, &room, ann.id, delete(4)).await.unwrap();
    for _ in 0..5 {
        node.heard.entry().await;
    }
    let whole = node.snapshot(&room).await.unwrap().history;
    let newcomer = node.join(&room, "Bob").await.room.history;
    let missed = [node.since(&room, at(1)).await.unwrap(), node.since(&room, at(4)).await.unwrap()];
    for entries in [&whole, &newcomer].into_iter().chain(&missed) {
        for entry in entries {
            let kept = entry.text.as_str();
            assert!(kept.contains("no secret") || !kept.contains("secret"), "{entries:?}");
        }
    }
    // An edit that was missed has the newest text; an edit of what was deleted since tells of that.
    let told: Vec<_> = missed[0].iter().map(|entry| entry.text.clone()).collect();
    assert_eq!(told[..2], [edit(1, "no secret"), edit(1, "no secret")]);
    assert_eq!(told[2..], [Text::from(Message::DELETED), delete(4)]);
}

pub(super) async fn reader_gets_the_amendments_that_it_missed<W: World>() {
    let world = W::with(Limits { history_len: 3, ..Limits::default() }).await;
    let node = world.node().await;
    let room = a_room();
    let ann = node.join(&room, "Ann").await;
    let at = |seq| Cursor { epoch: ann.room.epoch, seq };
    for what in [text("one"), thumb(1, true), text("two"), edit(1, "uno"), thumb(3, true)] {
        say(&node, &room, ann.id, what).await.unwrap();
    }
    let seqs = async |seq| {
        let missed = node.since(&room, at(seq)).await;
        missed.map(|entries| entries.iter().map(|entry| entry.seq).collect::<Vec<_>>())
    };
    assert_eq!(seqs(5).await, Some(vec![]));
    assert_eq!(seqs(2).await, Some(vec![3, 4, 5]));
    assert_eq!(seqs(0).await, Some(vec![1, 2, 3, 4, 5]));
    assert_eq!(seqs(6).await, None);
    for words in ["three", "four"] {
        say(&node, &room, ann.id, text(words)).await.unwrap();
    }
    // Without its message an edit cannot be told: then the whole log is.
    assert_eq!(seqs(3).await, None);
    assert_eq!(seqs(4).await, Some(vec![5, 6, 7]));
    assert_eq!(seqs(0).await, None);
}

pub(super) async fn a_storm_of_reactions_pushes_no_message_out<W: World>() {
    let world = W::with(Limits { history_len: 3, ..Limits::default() }).await;
    let node = world.node().await;
    let room = a_room();
    let ann = node.join(&room, "Ann").await;
    for words in ["one", "two", "three"] {
        say(&node, &room, ann.id, text(words)).await.unwrap();
    }
    for i in 0..301 {
        say(&node, &room, ann.id, thumb(1 + i % 3, i % 2 == 0)).await.unwrap();
    }
    let snapshot = node.snapshot(&room).await.unwrap();
    assert_eq!((snapshot.seq, snapshot.history.len()), (304, 3 + Amendment::KEPT));
    let kept: Vec<u64> = log(&node, &room).await.iter().map(|(seq, ..)| *seq).collect();
    assert_eq!(kept, [1, 2, 3]);
    let at = |seq| Cursor { epoch: ann.room.epoch, seq };
    assert_eq!(node.since(&room, at(104)).await.unwrap().len(), 200);
    assert_eq!(node.since(&room, at(103)).await, None);
    // Who comes late gets the messages as they are, whatever they had read.
    for (seq, entries) in [(2, 3), (103, 3), (104, 200), (304, 0)] {
        let (ann, now) = (ann.id, Instant::now());
        let back = node
            .store
            .join(&room, &Joiner::new(ann, &name("Ann")), tag(), now, Some(at(seq)))
            .await;
        let (_, back) = back.unwrap();
        let missed = back.since(at(seq)).map(<[_]>::len);
        assert_eq!(missed, (seq > 103).then_some(entries), "{seq}");
        assert!(missed.is_some() || back.history.len() == entries, "{seq}");
    }
}

pub(super) async fn reactions_of_a_message_are_bounded_in_bytes<W: World>() {
    let world = W::new().await;
    let node = world.node().await;
    let room = a_room();
    let ann = node.join(&room, "Ann").await;
    say(&node, &room, ann.id, text("one")).await.unwrap();
    let long = |i: usize| format!("sealed2.{}{i:04}", "A".repeat(500));
    let react = |i, on| Text::from(Amendment::React(Reaction { target: 1, emoji: &long(i), on }));
    let most = Message::MAX_REACTION_BYTES / (512 + 1 + 32 + 1);
    for i in 0..most {
        say(&node, &room, ann.id, react(i, true)).await.unwrap();
    }
    let full = Err(StoreError::Refused(RoomError::ReactionsFull));
    assert_eq!(say(&node, &room, ann.id, react(most, true)).await.map(drop), full);
    say(&node, &room, ann.id, react(7, false)).await.unwrap();
    say(&node, &room, ann.id, react(most, true)).await.unwrap();
    assert_eq!(log(&node, &room).await[0].2.len(), most);
}

pub(super) async fn texts_of_missed_edits_are_bounded<W: World>() {
    let world = W::new().await;
    let node = world.node().await;
    let room = a_room();
    let ann = node.join(&room, "Ann").await;
    say(&node, &room, ann.id, text("one")).await.unwrap();
    let long = "ж".repeat(4000);
    for _ in 0..12 {
        say(&node, &room, ann.id, edit(1, &long)).await.unwrap();
    }
    let most = (Amendment::TEXTS / long.len()) as u64;
    for (seq, reaches) in [(13, true), (13 - most, true), (13 - most - 1, false), (0, false)] {
        let at = Cursor { epoch: ann.room.epoch, seq };
        let (user, began) = (name("Ann"), Instant::now());
        let back = node
            .store
            .join(&room, &Joiner::new(ann.id, &user), tag(), began, Some(at))
            .await
            .unwrap()
            .1;
        let missed = back.since(at).map(|entries| entries.len() as u64);
        assert_eq!(missed, reaches.then_some(13 - seq), "{seq}");
        assert!(reaches || back.history.len() == 1, "{seq}");
    }
}

pub(super) async fn counter_of_an_amendment_is_known_without_its_message<W: World>() {
    let world = W::with(Limits { history_len: 1, ..Limits::default() }).await;
    let node = world.node().await;
    let room = a_room();
    let bob = node.join(&room, "Bob").await;
    let ann = node.join(&room, "Ann").await;
    say(&node, &room, ann.id, text("one")).await.unwrap();
    let edited = say(&node, &room, ann.id, edit(1, "uno")).await.unwrap();
    say(&node, &room, bob.id, text("two")).await.unwrap();
    node.leave(&room, &ann).await;
    assert_eq!(node.join_as(&room, ann.id, "Ann").await.unwrap().joined.last_n, 2);
    assert_eq!(node.publish(&room, ann.id, 1, "one").await, Err(RoomError::StaleN.into()));
    let again = node.store.publish(&room, ann.id, entry(2, &edit(1, "uno"))).await.unwrap();
    assert_eq!((again.seq, again.repeated), (edited.seq, true));
}

pub(super) async fn repeated_amendment_gets_the_first_answer<W: World>() {
    let world = W::new().await;
    let mut node = world.node().await;
    let room = a_room();
    node.join(&room, "Bob").await;
    let ann = node.join(&room, "Ann").await;
    let mut said = Vec::new();
    for (n, what) in
        (1..).zip([text("one"), thumb(1, true), reply(1, "two"), edit(1, "uno"), delete(1)])
    {
        said.push(node.store.publish(&room, ann.id, entry(n, &what)).await.unwrap());
    }
    node.leave(&room, &ann).await;
    assert_eq!(node.join_as(&room, ann.id, "Ann").await.unwrap().joined.last_n, 5);
    for first in said.iter().chain(said.iter().rev()) {
        let again = node.store.publish(&room, ann.id, entry(first.n, &delete(1))).await.unwrap();
        assert_eq!(again, PublishResult { repeated: true, ..*first });
        // A text takes another way to the same answer.
        let again = node.publish(&room, ann.id, first.n, "again").await.unwrap();
        assert_eq!(again, PublishResult { repeated: true, ..*first });
    }
    for seq in 1..=5 {
        assert_eq!(node.heard.entry().await.seq, seq);
    }
    assert_eq!(node.snapshot(&room).await.unwrap().seq, 5);
    let next = say(&node, &room, ann.id, reply(3, "three")).await.unwrap();
    assert_eq!((next.n, next.seq), (6, 6));
}

pub(super) async fn a_message_is_edited_for_a_time<W: World>() {
    let world = W::with(Limits { edit_age: 300, ..Limits::default() }).await;
    let node = world.node().await;
    let room = a_room();
    let ann = node.join(&room, "Ann").await;
    say(&node, &room, ann.id, text("one")).await.unwrap();
    let too_late = Err(StoreError::Refused(RoomError::TooLate));
    until("it is too late", async || {
        say(&node, &room, ann.id, edit(1, "uno")).await.map(drop) == too_late
    })
    .await;
    say(&node, &room, ann.id, thumb(1, true)).await.unwrap();
    say(&node, &room, ann.id, delete(1)).await.unwrap();
    assert_eq!(log(&node, &room).await, [(1, None, vec![])]);
}
