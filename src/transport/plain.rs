//! A room as lines of text, for a terminal. Members' text reaches the terminal as text, never as a control sequence.

use std::{fmt::Write, sync::Arc};

use bytes::Bytes;
use futures_util::Stream;

use super::{
    BodyFraming,
    stream_queue::{self, StreamFormat},
};
use crate::{
    hub::{Encoder, Frame, Hub, JoinRequest},
    protocol::{
        ApiError, EntryDto, FileDto, ReactionDto, Reactions, ServerMessage, Timestamp, Welcome,
    },
    room::{LeaveReason, Millis, Name, Text},
};

/// Continuation lines are indented, so that no message can imitate a line of the server's.
const INDENT: &str = "\n         ";

/// How many members the welcome names.
const NAMED: usize = 20;

// No pulse: there is no text that every terminal, pipe and file ignores. TCP notices a peer that is gone.
static FORMAT: StreamFormat = StreamFormat {
    chunked: Encoder {
        frame: |frame, out| BodyFraming::Chunked.write(out, |out| lines(frame, out)),
        echo: true,
    },
    bare: Encoder { frame: lines, echo: true },
    prologue: None,
    pulse: None,
    closing: |why| format!("* {why}\n").into_bytes(),
};

fn lines(frame: &Frame<'_>, out: &mut Vec<u8>) {
    let mut text = String::new();
    // Writing to memory cannot fail.
    let _ = match frame.message {
        ServerMessage::Welcome(Welcome { user, room_id, count, members, history, .. }) => {
            history.iter().for_each(|item| entry(item, &mut text));
            let mut names: Vec<String> =
                members.iter().take(NAMED).map(|member| member.user.to_string()).collect();
            let more = count.saturating_sub(names.len());
            if more > 0 {
                names.push(format!("{more} more"));
            }
            writeln!(text, "* You are {user} in {room_id}. Here: {}", names.join(", "))
        }
        ServerMessage::Reset(Welcome { history, .. }) => {
            text.push_str("* The conversation broke off. What is left of it:\n");
            history.iter().for_each(|item| entry(item, &mut text));
            Ok(())
        }
        ServerMessage::Entry(item) => {
            entry(item, &mut text);
            Ok(())
        }
        ServerMessage::Joined { member, .. } => writeln!(text, "* {} joined", member.user),
        ServerMessage::Renamed { user, previous, .. } => {
            writeln!(text, "* {previous} is now called {user}")
        }
        ServerMessage::Left { user, reason: LeaveReason::Kicked, .. } => {
            writeln!(text, "* The host removed {user}")
        }
        ServerMessage::Left { user, reason: LeaveReason::Left, .. } => {
            writeln!(text, "* {user} left")
        }
        ServerMessage::Left { user, .. } => writeln!(text, "* {user} was lost"),
        ServerMessage::Host { user, .. } => writeln!(text, "* {user} is the host now"),
        ServerMessage::Knocking { .. } => {
            writeln!(text, "* The host of this room decides who joins. Please wait")
        }
        ServerMessage::Receipt { receipt } => writeln!(text, "* Receipt: {receipt}"),
        ServerMessage::Status { message, .. } => writeln!(text, "* {message}"),
        _ => Ok(()),
    };
    out.extend_from_slice(text.as_bytes());
}

fn entry(item: &EntryDto<'_>, out: &mut String) {
    match item {
        EntryDto::Chat(chat) if chat.deleted.is_some() => gone(chat.user, out),
        EntryDto::Chat(chat) => {
            if let Some(text) = chat.text.filter(|text| !text.is_empty()) {
                message(chat.timestamp, chat.user, text, out);
            }
            let files = chat.files.iter().flat_map(|files| files.list());
            files.for_each(|sent| file(chat.user, &sent, out));
            chat.reactions.iter().for_each(|on| reactions(on, out));
        }
        EntryDto::Edit(edit) => {
            let _ = write!(out, "* {} changed a message: ", edit.user);
            clean(edit.text, out);
            out.push('\n');
        }
        EntryDto::Delete(delete) => gone(delete.user, out),
        // Lines have no numbers: which message it is about cannot be said.
        EntryDto::React(react) if react.on => {
            let _ = write!(out, "* {} reacted ", react.user);
            clean(react.emoji, out);
            out.push('\n');
        }
        EntryDto::React(_) => {}
    }
}

fn gone(user: &Name, out: &mut String) {
    let _ = writeln!(out, "* {user} deleted a message");
}

fn file(user: &Name, file: &FileDto, out: &mut String) {
    let _ = write!(out, "* {user} sent a file of {} bytes", file.size);
    if let Some(name) = file.name.as_ref().filter(|name| !name.is_sealed()) {
        out.push_str(": ");
        clean(name.as_str(), out);
    }
    out.push('\n');
}

fn reactions(on: &Reactions<'_>, out: &mut String) {
    let list = on.list().map(|ReactionDto { emoji, from }| format!("{emoji} {}", from.len()));
    out.push_str("* ");
    clean(&list.collect::<Vec<_>>().join(", "), out);
    out.push('\n');
}

fn message(at: Timestamp, user: &Name, text: &str, out: &mut String) {
    let at = at.to_string();
    let _ = write!(out, "{} {user}: ", at.get(11..19).unwrap_or_default());
    clean(text, out);
    out.push('\n');
}

/// Indents line breaks, and replaces control characters and those that change the direction of text.
fn clean(text: &str, out: &mut String) {
    let mut rest = text.trim_end().chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' if rest.peek() == Some(&'\n') => {}
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => out.push_str(INDENT),
            '\t' => out.push(' '),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                out.push(char::REPLACEMENT_CHARACTER)
            }
            c if c.is_control() => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
}

/// A message as a line of the stream.
pub fn line(at: Millis, name: &Name, text: &Text) -> String {
    let mut out = String::new();
    message(Timestamp(at), name, text.shown(), &mut out);
    out
}

/// Joins a room and returns its lines, the log first.
///
/// # Errors
/// As [`Hub::enter`].
pub async fn open(
    hub: &Arc<Hub>,
    join_request: JoinRequest,
    framing: BodyFraming,
) -> Result<impl Stream<Item = Bytes> + Send + 'static, ApiError> {
    stream_queue::open(hub, join_request, &FORMAT, framing).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        protocol::{LimitsDto, WelcomeParams},
        room::{CallMark, Epoch, Limits, Member, MemberId, RoomKey, Snapshot},
    };

    #[test]
    fn of_a_crowd_some_are_named_and_how_many_more_there_are_is_said_once() {
        let (ann, bob, room) = (MemberId::random(), MemberId::random(), "r".parse().unwrap());
        let member = |id: MemberId, name: &str| Member {
            id,
            name: name.parse().unwrap(),
            joined_at: 0,
            call: CallMark::default(),
        };
        let (members, key, history) =
            (vec![member(ann, "Ann"), member(bob, "Bob")], RoomKey::random(), Vec::new());
        let snapshot = Snapshot {
            epoch: Epoch(1),
            key,
            seq: 0,
            version: 2,
            members,
            unlisted: 238,
            history,
            rules: Default::default(),
        };
        let (user, ticket, crowd) = (&snapshot.members[0].name, "", Some(100));
        let fields = WelcomeParams {
            member: ann,
            user,
            ticket,
            resumed: false,
            reset: false,
            last_n: 0,
            crowd,
            video: false,
            after: 0,
            since: 0,
            now: 0,
        };
        let welcome =
            Welcome::new(&room, &snapshot, &[], fields, LimitsDto::new(&Limits::default(), 0, 0));
        let mut out = FORMAT.bare.encode(&ServerMessage::Welcome(welcome)).to_vec();
        out.extend_from_slice(&FORMAT.bare.encode(&ServerMessage::Presence {
            room: &room,
            count: 241,
            members: None,
        }));
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "* You are Ann in r. Here: Ann, Bob, 238 more\n"
        );
    }

    #[test]
    fn nothing_that_people_write_is_a_command_to_a_terminal() {
        let text =
            "a\u{1b}[2Jb\u{9b}31mc\u{7}\r\nd\re\tf\u{202e}g\u{0}\u{7f}\n12:00:00 Bob: forged\n";
        let shown = line(1_700_000_000_007, &"Ann".parse().unwrap(), &text.parse().unwrap());
        let expected = "22:13:20 Ann: a\u{fffd}[2Jb\u{fffd}31mc\u{fffd}\n         d\n         e f\u{fffd}g\u{fffd}\u{fffd}\n         12:00:00 Bob: forged\n";
        assert_eq!(shown, expected);
    }
}
