//! Files: uploaded in pieces, attached to a message, gone with it.

use bytes::Bytes;
use parlor::{
    room::{
        Amendment, AttachedFile, Content, FileFacts, FileId, Limits, MemberId, Message, NewEntry,
        OpenedFile, PublishResult, RoomError, RoomId, Text,
    },
    store::StoreError,
};

use super::world::World;
use crate::support::{Node, a_room, entry, text, until};

const LIMITS: fn() -> Limits = || Limits {
    file_bytes: 10,
    room_file_bytes: 25,
    file_chunk: 4,
    history_len: 3,
    ..Limits::default()
};

fn facts(size: u64) -> FileFacts {
    FileFacts::new(size, Some("image/png"), Some("my cat.png")).unwrap()
}

fn with_files(words: &str, files: &[FileId]) -> Text {
    let files = Message::words_of(files);
    Message { files: &files, text: words, ..Message::default() }.into()
}

/// Uploads all of a file.
async fn upload(node: &Node, room: &RoomId, from: MemberId, bytes: &'static str) -> FileId {
    let id = FileId::random();
    let opened = node.store.open_file(room, from, id, &facts(bytes.len() as u64)).await.unwrap();
    assert_eq!(opened, OpenedFile { received: 0, new: true });
    for (at, piece) in bytes.as_bytes().chunks(4).enumerate() {
        let offset = 4 * at as u64;
        let next = node.store.write_file(room, from, id, offset, Bytes::from(piece)).await;
        assert_eq!(next, Ok(offset + piece.len() as u64));
    }
    id
}

/// All of a file, as a member reads it.
async fn read(
    node: &Node,
    room: &RoomId,
    reader: MemberId,
    id: FileId,
) -> Result<String, StoreError> {
    let (file, mut bytes) = (node.store.read_file(room, reader, id, None).await?.0, Vec::new());
    while (bytes.len() as u64) < file.facts.size {
        let offset = Some(bytes.len() as u64);
        bytes.extend(node.store.read_file(room, reader, id, offset).await?.1);
    }
    Ok(String::from_utf8(bytes).unwrap())
}

async fn say(
    node: &Node,
    room: &RoomId,
    from: MemberId,
    text: Text,
) -> Result<PublishResult, StoreError> {
    node.store.publish(room, from, NewEntry { n: None, text }).await
}

fn files_of(text: &Text) -> Vec<AttachedFile> {
    match text.content() {
        Content::Message(message) => message.files().collect(),
        Content::Amendment(_) => Vec::new(),
    }
}

fn refused<T>(why: RoomError) -> Result<T, StoreError> {
    Err(StoreError::Refused(why))
}

pub(super) async fn a_file_comes_in_pieces_and_goes_to_all_with_its_message<W: World>() {
    let world = W::with(LIMITS()).await;
    let (mut here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let (ann, bob) = (here.join(&room, "Ann").await, there.join(&room, "Bob").await);
    let cat = upload(&here, &room, ann.id, "0123456789").await;
    let dog = upload(&there, &room, ann.id, "abcd").await;
    say(&here, &room, ann.id, with_files("look", &[cat, dog])).await.unwrap();
    say(&there, &room, bob.id, text("nice")).await.unwrap();
    let expected = [(cat, 10), (dog, 4)].map(|(id, size)| AttachedFile { id, facts: facts(size) });
    for node in [&mut here, &mut there] {
        let told = node.heard.entry().await;
        assert_eq!((files_of(&told.text), told.text.shown()), (expected.to_vec(), "look"));
        assert_eq!(node.snapshot(&room).await.unwrap().history[0], told);
        assert_eq!(read(node, &room, bob.id, cat).await.as_deref(), Ok("0123456789"));
        assert_eq!(read(node, &room, bob.id, dog).await.as_deref(), Ok("abcd"));
    }
    // Without a text, and after an edit and a reaction.
    let bird = upload(&here, &room, ann.id, "tweet").await;
    say(&here, &room, ann.id, with_files("", &[bird])).await.unwrap();
    let edit = Amendment::Edit { target: 3, text: Some("a bird") };
    say(&here, &room, ann.id, edit.into()).await.unwrap();
    let late = there.join(&room, "Late").await;
    let last = &late.room.history.iter().find(|entry| entry.seq == 3).unwrap().text;
    let kept = AttachedFile { id: bird, facts: facts(5) };
    assert_eq!((files_of(last), last.shown()), (vec![kept], "a bird"));
    assert_eq!(read(&there, &room, late.id, bird).await.as_deref(), Ok("tweet"));
    for (node, guest) in [(&here, &ann), (&there, &bob), (&there, &late)] {
        node.leave(&room, guest).await;
    }
    assert!(world.is_empty());
}

pub(super) async fn a_piece_is_taken_once_and_in_its_place<W: World>() {
    let world = W::with(LIMITS()).await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await.id;
    let (id, store) = (FileId::random(), &here.store);
    let write = async |offset, piece: &'static str| {
        there.store.write_file(&room, ann, id, offset, piece.into()).await
    };
    assert_eq!(write(0, "0123").await, refused(RoomError::NoFile));
    let open = async |size| store.open_file(&room, ann, id, &facts(size)).await;
    assert_eq!(open(10).await, Ok(OpenedFile { received: 0, new: true }));
    use RoomError::{BadFile, BadOffset, FileIncomplete};
    for (offset, piece, result) in [
        (4, "4567", refused(BadOffset(0))),
        (0, "012", refused(BadFile)),
        (0, "01234", refused(BadFile)),
        (0, "", refused(BadFile)),
        (0, "0123", Ok(4)),
        (0, "0123", Ok(4)),
        (0, "0124", refused(BadOffset(4))),
        (1, "0123", refused(BadOffset(4))),
        (8, "89", refused(BadOffset(4))),
        (u64::MAX, "89", refused(BadOffset(4))),
        (4, "4567", Ok(8)),
        (8, "8", refused(BadFile)),
        (8, "89a", refused(BadFile)),
    ] {
        assert_eq!(write(offset, piece).await, result, "{offset} {piece}");
    }
    assert_eq!(open(10).await, Ok(OpenedFile { received: 8, new: false }));
    assert_eq!(open(9).await, refused(BadFile), "another file");
    let next =
        async |offset| store.read_file(&room, ann, id, Some(offset)).await.map(|read| read.1);
    assert_eq!(next(8).await, refused(FileIncomplete));
    let attach = async || say(&here, &room, ann, with_files("look", &[id])).await;
    assert_eq!(attach().await, refused(FileIncomplete));
    assert_eq!(write(8, "89").await, Ok(10));
    assert_eq!(write(10, "a").await, refused(BadFile));
    let said = attach().await.unwrap();
    assert_eq!((said.n, said.seq), (1, 1), "what is refused uses up no counter");
    // The answers to the last piece and to the message were lost.
    assert_eq!(write(8, "89").await, Ok(10));
    let again = there.store.publish(&room, ann, entry(1, &with_files("look", &[id]))).await;
    assert_eq!(again, Ok(PublishResult { repeated: true, ..said }));
    assert_eq!(attach().await, refused(RoomError::NoFile), "it belongs to a message");
    assert_eq!(read(&here, &room, ann, id).await.as_deref(), Ok("0123456789"));
}

pub(super) async fn a_file_is_its_uploaders_until_a_message_has_it<W: World>() {
    let world = W::with(LIMITS()).await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let (ann, bob) = (here.join(&room, "Ann").await.id, there.join(&room, "Bob").await.id);
    let (stranger, no_file) = (MemberId::random(), RoomError::NoFile);
    let id = upload(&here, &room, ann, "0123").await;
    assert_eq!(read(&there, &room, ann, id).await.as_deref(), Ok("0123"));
    assert_eq!(read(&there, &room, bob, id).await, refused(no_file));
    assert_eq!(there.store.drop_file(&room, bob, id).await, refused(no_file));
    let write = there.store.write_file(&room, bob, id, 0, "0123".into()).await;
    assert_eq!(write, refused(no_file));
    let open = there.store.open_file(&room, bob, id, &facts(4)).await;
    assert_eq!(open, refused(RoomError::BadFile));
    let theirs = say(&there, &room, bob, with_files("mine", &[id])).await;
    assert_eq!(theirs, refused(no_file));
    let unknown = say(&here, &room, ann, with_files("look", &[id, FileId::random()])).await;
    assert_eq!(unknown, refused(no_file));
    say(&here, &room, ann, with_files("look", &[id])).await.unwrap();
    assert_eq!(read(&there, &room, bob, id).await.as_deref(), Ok("0123"));
    assert_eq!(here.store.drop_file(&room, ann, id).await, refused(no_file));
    for reader in [stranger, MemberId::random()] {
        assert_eq!(read(&here, &room, reader, id).await, refused(RoomError::NotMember));
    }
    let open = here.store.open_file(&room, stranger, FileId::random(), &facts(4)).await;
    assert_eq!(open, refused(RoomError::NotMember));
    let elsewhere = here.store.open_file(&a_room(), ann, FileId::random(), &facts(4)).await;
    assert_eq!(elsewhere, refused(RoomError::NotMember));
}

pub(super) async fn files_take_no_more_space_than_a_room_has<W: World>() {
    let world = W::with(LIMITS()).await;
    let node = world.node().await;
    let room = a_room();
    let ann = node.join(&room, "Ann").await.id;
    let open = async |size| {
        let id = FileId::random();
        node.store.open_file(&room, ann, id, &facts(size)).await.map(|_| id)
    };
    assert_eq!(open(11).await, refused(RoomError::FileTooBig));
    let first = open(10).await.unwrap();
    open(10).await.unwrap();
    assert_eq!(open(6).await, refused(RoomError::FilesFull), "what is on its way counts");
    open(5).await.unwrap();
    assert_eq!(open(1).await, refused(RoomError::FilesFull));
    assert_eq!(node.store.drop_file(&room, ann, first).await, Ok(10));
    assert_eq!(node.store.drop_file(&room, ann, first).await, refused(RoomError::NoFile));
    open(9).await.unwrap();
    open(1).await.unwrap();
    assert_eq!(open(1).await, refused(RoomError::FilesFull));
}

pub(super) async fn a_file_goes_with_its_message<W: World>() {
    let world = W::with(LIMITS()).await;
    let node = world.node().await;
    let room = a_room();
    let ann = node.join(&room, "Ann").await;
    let ids = [
        upload(&node, &room, ann.id, "0123456789").await,
        upload(&node, &room, ann.id, "abcd").await,
        upload(&node, &room, ann.id, "efgh").await,
    ];
    say(&node, &room, ann.id, with_files("two", &ids[..2])).await.unwrap();
    say(&node, &room, ann.id, with_files("one", &ids[2..])).await.unwrap();
    say(&node, &room, ann.id, Amendment::Delete { target: 1 }.into()).await.unwrap();
    let no_file = || refused::<String>(RoomError::NoFile);
    for id in &ids[..2] {
        assert_eq!(read(&node, &room, ann.id, *id).await, no_file(), "deleted");
    }
    assert_eq!(read(&node, &room, ann.id, ids[2]).await.as_deref(), Ok("efgh"));
    for words in ["three", "four", "five"] {
        say(&node, &room, ann.id, text(words)).await.unwrap();
    }
    assert_eq!(read(&node, &room, ann.id, ids[2]).await, no_file(), "pushed out");
    // And its space is free again.
    for _ in 0..2 {
        upload(&node, &room, ann.id, "0123456789").await;
    }
    upload(&node, &room, ann.id, "01234").await;
    node.leave(&room, &ann).await;
    assert!(world.is_empty());
}

pub(super) async fn uploads_of_a_member_go_with_it<W: World>() {
    let (world, room) = (W::with(LIMITS()).await, a_room());
    let node = world.node().await;
    let (ann, bob) = (node.join(&room, "Ann").await, node.join(&room, "Bob").await);
    let kept = upload(&node, &room, bob.id, "0123456789").await;
    upload(&node, &room, ann.id, "0123456789").await;
    let full = node.store.open_file(&room, bob.id, FileId::random(), &facts(10)).await;
    assert_eq!(full, refused(RoomError::FilesFull));
    node.leave(&room, &ann).await;
    assert_eq!(read(&node, &room, bob.id, kept).await, Ok("0123456789".to_owned()));
    upload(&node, &room, bob.id, "0123456789").await;
    node.leave(&room, &bob).await;
    assert!(world.is_empty());
}

pub(super) async fn an_upload_without_news_is_dropped<W: World>() {
    let world = W::with(Limits { upload_age: 400, room_file_bytes: 10, ..LIMITS() }).await;
    let node = world.node().await;
    let room = a_room();
    let ann = node.join(&room, "Ann").await.id;
    let kept = upload(&node, &room, ann, "0123").await;
    say(&node, &room, ann, with_files("look", &[kept])).await.unwrap();
    let id = upload(&node, &room, ann, "abcde").await;
    until("it is dropped", async || {
        read(&node, &room, ann, id).await == refused(RoomError::NoFile)
    })
    .await;
    let late = say(&node, &room, ann, with_files("late", &[id])).await;
    assert_eq!(late, refused(RoomError::NoFile));
    upload(&node, &room, ann, "012345").await;
    assert_eq!(read(&node, &room, ann, kept).await.as_deref(), Ok("0123"));
}
