//! The scripts in Redis do what `room/` does, step by step.

use parlor::{
    room::{
        Amendment, Content, Cursor, Entry, Epoch, HostAction, Joiner, LeaveReason, Limits, Lock,
        MemberId, Message, PublishResult, Reaction, RoomEnd, RoomId, RoomRules, Snapshot, Text,
    },
    store::{Event, StoreError},
};
use proptest::prelude::*;
use tokio::time::Instant;

use super::world::{InMemory, InRedis, World};
use crate::support::{Node, a_room, entry, name, tag, text};

/// What a member does in [`scripts_repeat_the_rules`]; members and nodes by number.
#[derive(Clone, Debug)]
enum Deed {
    Join { node: usize, who: usize },
    Leave { who: usize },
    LeaveByAnOldLink { who: usize },
    Say { node: usize, who: usize, ns: Vec<Option<u64>> },
    Amend { node: usize, who: usize, n: Option<u64>, what: What, target: u64 },
    Typing { node: usize, who: usize },
    Rename { node: usize, who: usize, to: &'static str, verified: bool },
    Look { node: usize },
    Since { node: usize, seq: u64 },
    Decide { node: usize, by: usize, what: Decides, who: usize },
    EndKnock { node: usize, who: usize },
    Burn { node: usize, by: Option<usize> },
}

/// What a host decides.
#[derive(Clone, Copy, Debug)]
enum Decides {
    Kick,
    Lock(Lock),
    Admit,
    Refuse,
    Host,
    Mute(bool),
    Topic(&'static str),
    InviteOnly(bool),
}

impl Decides {
    fn action(self, member: MemberId) -> HostAction {
        match self {
            Self::Kick => HostAction::Kick { member, address: true },
            Self::Lock(lock) => HostAction::Lock(lock),
            Self::Admit => HostAction::Admit(member),
            Self::Refuse => HostAction::Refuse(member),
            Self::Host => HostAction::Host(member),
            Self::Mute(muted) => HostAction::Mute { member, muted },
            Self::Topic(title) => HostAction::Topic(title.parse().unwrap()),
            Self::InviteOnly(only) => HostAction::InviteOnly(only),
        }
    }
}

fn decides() -> impl Strategy<Value = Decides> {
    let lock = prop::sample::select(vec![Lock::Open, Lock::Open, Lock::Knock, Lock::Locked]);
    let title =
        prop::sample::select(vec!["", "Tea", r#"\","m":["x"],"l":"locked"#, "100% \"m\":["]);
    prop_oneof![
        1 => Just(Decides::Kick),
        6 => lock.prop_map(Decides::Lock),
        4 => Just(Decides::Admit),
        1 => Just(Decides::Refuse),
        2 => Just(Decides::Host),
        4 => prop::bool::ANY.prop_map(Decides::Mute),
        2 => title.prop_map(Decides::Topic),
        1 => prop::bool::weighted(0.3).prop_map(Decides::InviteOnly),
    ]
}

/// How a message is changed or answered.
#[derive(Clone, Copy, Debug)]
enum What {
    Reply,
    React { emoji: &'static str, on: bool },
    Edit { text: &'static str },
    Delete,
}

impl What {
    fn text(self, target: u64) -> Text {
        match self {
            Self::Reply => {
                Message { reply_to: Some(target), text: "yes", ..Message::default() }.into()
            }
            Self::React { emoji, on } => Amendment::React(Reaction { target, emoji, on }).into(),
            Self::Edit { text } => Amendment::Edit { target, text: Some(text) }.into(),
            Self::Delete => Amendment::Delete { target }.into(),
        }
    }
}

fn what() -> impl Strategy<Value = What> {
    let emoji = prop::sample::select(vec!["👍", "❤️", "#️⃣", "sealed2.Ab-_"]);
    prop_oneof![
        2 => Just(What::Reply),
        8 => (emoji, prop::bool::weighted(0.7)).prop_map(|(emoji, on)| What::React { emoji, on }),
        4 => prop::sample::select(vec!["new", "two\nlines", "\u{10}", "\u{10}7 d", "%1 - .+"])
            .prop_map(|text| What::Edit { text }),
        1 => Just(What::Delete),
    ]
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let (node, who) = (0..2_usize, 0..3_usize);
    let deed = prop_oneof![
        4 => (node.clone(), who.clone()).prop_map(|(node, who)| Deed::Join { node, who }),
        2 => who.clone().prop_map(|who| Deed::Leave { who }),
        1 => who.clone().prop_map(|who| Deed::LeaveByAnOldLink { who }),
        6 => (node.clone(), who.clone(), prop::collection::vec(prop::option::weighted(0.8, 0..12_u64), 1..6))
            .prop_map(|(node, who, ns)| Deed::Say { node, who, ns }),
        8 => (node.clone(), who.clone(), prop::option::weighted(0.5, 0..12_u64), what(), 1..14_u64)
            .prop_map(|(node, who, n, what, target)| Deed::Amend { node, who, n, what, target }),
        1 => (node.clone(), who.clone()).prop_map(|(node, who)| Deed::Typing { node, who }),
        3 => (node.clone(), who.clone(), prop::sample::select(vec!["Ann", "Bob", "Ann of Ely", "100% - .+"]), prop::bool::weighted(0.2))
            .prop_map(|(node, who, to, verified)| Deed::Rename { node, who, to, verified }),
        1 => node.clone().prop_map(|node| Deed::Look { node }),
        2 => (node.clone(), 0..10_u64).prop_map(|(node, seq)| Deed::Since { node, seq }),
        8 => (node.clone(), who.clone(), decides(), who.clone())
            .prop_map(|(node, by, what, who)| Deed::Decide { node, by, what, who }),
        1 => (node.clone(), who.clone()).prop_map(|(node, who)| Deed::EndKnock { node, who }),
        1 => (node, prop::option::weighted(0.9, who))
            .prop_map(|(node, by)| Deed::Burn { node, by }),
    ];
    prop::collection::vec(deed, 1..40)
}

/// Two nodes of one store, and who sits where by which link.
struct Stage<'a> {
    nodes: &'a mut [Node; 2],
    room: RoomId,
    ids: [MemberId; 3],
    seats: [Option<(usize, u64)>; 3],
    old: [Option<(usize, u64)>; 3],
    epoch: Epoch,
}

impl<'a> Stage<'a> {
    fn new(nodes: &'a mut [Node; 2], room: &RoomId, ids: [MemberId; 3]) -> Self {
        Self { nodes, room: room.clone(), ids, seats: [None; 3], old: [None; 3], epoch: Epoch(0) }
    }

    async fn leave(&self, who: usize, link: Option<(usize, u64)>) -> String {
        let Some((node, tag)) = link else { return String::new() };
        let left =
            self.nodes[node].store.leave(&self.room, self.ids[who], tag, LeaveReason::Lost).await;
        format!("{:?}", left.unwrap().end.as_ref().map(removed))
    }

    /// Does a deed. Gives what came of it, without what may differ: times, epochs and keys.
    async fn play(&mut self, deed: Deed) -> String {
        let (room, ids) = (self.room.clone(), self.ids);
        match deed {
            Deed::Join { node, who } => {
                let tag = tag();
                let joined = self.nodes[node]
                    .store
                    .join(
                        &room,
                        &Joiner::new(ids[who], &name(["Ann", "Bob", "Cid"][who])),
                        tag,
                        Instant::now(),
                        None,
                    )
                    .await;
                if let Ok((_, snapshot)) = &joined {
                    self.epoch = snapshot.epoch;
                    self.old[who] = self.seats[who].replace((node, tag));
                    // The link that was taken over notices, too late. At another node it is told, as will be compared.
                    if self.old[who].is_some_and(|(before, _)| before == node) {
                        self.leave(who, self.old[who]).await;
                    }
                }
                format!("{:?}", joined.map(|(joined, snapshot)| (joined, bare(&snapshot))))
            }
            Deed::Leave { who } => {
                let link = self.seats[who].take();
                self.leave(who, link).await
            }
            Deed::LeaveByAnOldLink { who } => {
                self.leave(who, self.old[who]).await;
                String::new()
            }
            Deed::Say { node, who, ns } => {
                let entries: Vec<_> =
                    ns.iter().map(|n| entry(*n, &text(&format!("text {n:?}")))).collect();
                let said = self.nodes[node].store.publish_all(&room, ids[who], &entries).await;
                // A member that is not there is refused once or for each message.
                let said = said.unwrap_or_else(|error| match error {
                    StoreError::Refused(refusal) => ns.iter().map(|_| Err(refusal)).collect(),
                    error => panic!("{error}"),
                });
                let bare = |said: PublishResult| (said.n, said.seq, said.repeated);
                format!("{:?}", said.into_iter().map(|said| said.map(bare)).collect::<Vec<_>>())
            }
            Deed::Amend { node, who, n, what, target } => {
                let entry = entry(n, &what.text(target));
                let said = self.nodes[node].store.publish(&room, ids[who], entry).await;
                format!("{:?}", said.map(|said| (said.n, said.seq, said.repeated)))
            }
            Deed::Typing { node, who } => {
                let typed =
                    self.nodes[node].store.typing(&room, ids[who], who == 1, Instant::now()).await;
                format!("{typed:?}")
            }
            Deed::Rename { node, who, to, verified } => {
                let to = if verified { name(to).verified() } else { name(to) };
                format!("{:?}", self.nodes[node].store.rename(&room, ids[who], &to).await)
            }
            Deed::Decide { node, by, what, who } => {
                let action = what.action(ids[who]);
                format!("{:?}", self.nodes[node].store.decide(&room, ids[by], &action).await)
            }
            Deed::EndKnock { node, who } => {
                format!("{:?}", self.nodes[node].store.end_knock(&room, Some(ids[who])).await)
            }
            Deed::Burn { node, by } => {
                let burned = self.nodes[node].store.burn(&room, by.map(|by| ids[by])).await;
                format!("{:?}", burned.as_ref().map(removed))
            }
            Deed::Look { node } => {
                format!("{:?}", self.nodes[node].snapshot(&room).await.as_ref().map(bare))
            }
            Deed::Since { node, seq } => {
                let missed = self.nodes[node].since(&room, Cursor { epoch: self.epoch, seq }).await;
                format!("{:?}", missed.map(|entries| entries.iter().map(plain).collect::<Vec<_>>()))
            }
        }
    }
}

fn plain(entry: &Entry) -> String {
    let Entry { seq, from, n, user, text, .. } = entry;
    let said = match text.content() {
        Content::Message(message @ Message { reply_to, edited, deleted, text, .. }) => {
            let reactions: Vec<_> = message
                .reactions()
                .map(|(emoji, from)| (emoji, from.collect::<Vec<_>>()))
                .collect();
            format!("{reply_to:?} {} {deleted} {reactions:?} {text:?}", edited.is_some())
        }
        Content::Amendment(amendment) => format!("{amendment:?}"),
    };
    format!("{seq} {from} {n} {user} {said}")
}

/// What went with a room, without what is called differently.
fn removed(end: &RoomEnd) -> String {
    let RoomEnd { cause, entries, bytes, members, files, keys_left, .. } = end;
    format!("{cause:?} {entries} {bytes} {members} {files} {keys_left}")
}

/// Rules without times.
fn ruled(rules: &RoomRules) -> String {
    let knocks: Vec<_> =
        rules.knocks.iter().map(|knock| (knock.id, &knock.name, knock.admitted)).collect();
    let RoomRules { host, lock, invite_only, title, bans, muted, .. } = rules;
    format!("{host:?} {lock:?} {invite_only} {title:?} {bans:?} {muted:?} {knocks:?}")
}

/// A snapshot without times, epoch and key. Who joined within one millisecond is in no order.
fn bare(room: &Snapshot) -> String {
    let mut members: Vec<_> =
        room.members.iter().map(|member| format!("{} {:?}", member.id, member.name)).collect();
    members.sort_unstable();
    format!(
        "{} {} {members:?} {} {:?}",
        room.seq,
        room.version,
        ruled(&room.rules),
        room.history.iter().map(plain).collect::<Vec<_>>()
    )
}

fn told(event: &Event) -> String {
    match event {
        Event::Said { entry, .. } => plain(entry),
        Event::Joined { member, version, count, .. } => {
            format!("joined {} {} {version} {count}", member.id, member.name)
        }
        Event::Left { member, reason, version, count, .. } => {
            format!("left {} {} {version} {count} {}", member.id, member.name, reason.as_str())
        }
        Event::Renamed { from, user, previous, version, count, .. } => {
            format!("renamed {from} {previous:?} {user:?} {version} {count}")
        }
        Event::Unchanged { version, count, .. } => format!("unchanged {version} {count}"),
        Event::Typing { from, user, typing } => format!("typing {from} {user} {typing}"),
        Event::Moved { member, .. } => format!("moved {member}"),
        Event::Unloading { member } => format!("unloading {member}"),
        Event::Call { from, call, .. } => format!("call {from} {}", call.0),
        Event::Rules { rules, host, version, count, .. } => {
            format!("rules {host:?} {} {version} {count}", ruled(rules))
        }
        Event::Burned { end } => format!("burned {}", removed(end)),
        Event::Reset(room) => format!("reset {}", bare(room)),
    }
}

/// Whatever is done in whatever order, the scripts answer what [`parlor::room::Room`] answers and tell what it makes memory tell.
#[test]
fn scripts_repeat_the_rules() {
    let limits = Limits { members: 2, history_len: 4, history_bytes: 160, ..Limits::default() };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (memory, redis) =
        runtime.block_on(async { (InMemory::with(limits).await, InRedis::with(limits).await) });
    let nodes = runtime.block_on(async {
        ([memory.node().await, memory.node().await], [redis.node().await, redis.node().await])
    });
    let nodes = std::cell::RefCell::new(nodes);
    proptest!(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() }, |(deeds in deeds())| {
        let (in_memory, in_redis) = &mut *nodes.borrow_mut();
        let (room, ids) = (a_room(), std::array::from_fn(|_| MemberId::random()));
        let (mut rule, mut script) = (Stage::new(in_memory, &room, ids), Stage::new(in_redis, &room, ids));
        let farewell = (0..3).map(|who| Deed::Leave { who });
        for deed in deeds.into_iter().chain(farewell) {
            let (expected, got) = runtime.block_on(async { (rule.play(deed.clone()).await, script.play(deed.clone()).await) });
            prop_assert_eq!(got, expected, "{:?}", deed);
            for (rule, script) in rule.nodes.iter_mut().zip(script.nodes.iter_mut()) {
                for expected in rule.heard.rest() {
                    prop_assert_eq!(told(&runtime.block_on(script.heard.next())), told(&expected), "{:?}", deed);
                }
                prop_assert_eq!(script.heard.rest(), vec![], "{:?}", deed);
            }
        }
        prop_assert!(memory.is_empty() && redis.is_empty());
    });
}
