//! A room as lines of text, for a terminal. Members' text reaches the terminal as text, never as a control sequence.

use std::{fmt::Write, sync::Arc};

use bytes::Bytes;
use futures_util::Stream;
use serde::Deserialize;

use super::{
    BodyFraming,
    stream_queue::{self, StreamFormat},
};
use crate::{
    hub::{Encoder, Hub, JoinRequest},
    protocol::{ApiError, Timestamp},
    room::{Cursor, Millis, Name, Text},
};

/// Continuation lines are indented, so that no message can imitate a line of the server's.
const INDENT: &str = "\n         ";

/// How many members the welcome names.
const NAMED: usize = 20;

// No pulse: there is no text that every terminal, pipe and file ignores. TCP notices a peer that is gone.
static MANNER: StreamFormat = StreamFormat {
    chunked: Encoder { frame: |json, cursor, out| BodyFraming::Chunked.lay(out, |out| lines(json, cursor, out)), echo: true },
    bare: Encoder { frame: lines, echo: true },
    prologue: None,
    pulse: None,
    farewell: |why| format!("* {why}\n").into_bytes(),
};

/// The frames that the stream shows.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Frame {
    #[serde(rename_all = "camelCase")]
    Welcome {
        user: String,
        room_id: String,
        count: usize,
        members: Vec<Person>,
        history: Vec<Line>,
    },
    Reset {
        history: Vec<Line>,
    },
    Chat(Line),
    Joined(Person),
    Left {
        user: String,
        reason: String,
    },
    Status {
        message: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Person {
    user: String,
}

#[derive(Deserialize)]
struct Line {
    user: String,
    text: String,
    timestamp: String,
}

fn lines(json: &[u8], _: Option<Cursor>, out: &mut Vec<u8>) {
    let Ok(frame) = serde_json::from_slice(json) else { return };
    let mut text = String::new();
    // Writing to memory cannot fail.
    let _ = match frame {
        Frame::Welcome { user, room_id, count, members, history } => {
            history.iter().for_each(|line| line.write(&mut text));
            let mut names: Vec<String> = members.into_iter().take(NAMED).map(|person| person.user).collect();
            let more = count.saturating_sub(names.len());
            if more > 0 {
                names.push(format!("{more} more"));
            }
            writeln!(text, "* You are {user} in {room_id}. Here: {}", names.join(", "))
        }
        Frame::Reset { history } => {
            text.push_str("* The conversation broke off. What is left of it:\n");
            history.iter().for_each(|line| line.write(&mut text));
            Ok(())
        }
        Frame::Chat(line) => {
            line.write(&mut text);
            Ok(())
        }
        Frame::Joined(Person { user }) => writeln!(text, "* {user} joined"),
        Frame::Left { user, reason } if reason == "left" => writeln!(text, "* {user} left"),
        Frame::Left { user, .. } => writeln!(text, "* {user} was lost"),
        Frame::Status { message } => writeln!(text, "* {message}"),
        Frame::Other => Ok(()),
    };
    out.extend_from_slice(text.as_bytes());
}

impl Line {
    fn write(&self, out: &mut String) {
        let time = self.timestamp.get(11..19).unwrap_or_default();
        let _ = write!(out, "{time} {}: ", self.user);
        clean(&self.text, out);
        out.push('\n');
    }
}

/// Indents line breaks, and replaces control characters and those that change the direction of text.
fn clean(text: &str, out: &mut String) {
    let mut rest = text.trim_end().chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' if rest.peek() == Some(&'\n') => {}
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => out.push_str(INDENT),
            '\t' => out.push(' '),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push(char::REPLACEMENT_CHARACTER),
            c if c.is_control() => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
}

/// A message as a line of the stream.
pub fn line(at: Millis, name: &Name, text: &Text) -> String {
    let timestamp = serde_json::to_value(Timestamp(at)).ok().and_then(|stamp| stamp.as_str().map(str::to_owned));
    let mut out = String::new();
    Line { user: name.to_string(), text: text.as_str().to_owned(), timestamp: timestamp.unwrap_or_default() }.write(&mut out);
    out
}

/// Joins a room and returns its lines, the log first.
///
/// # Errors
/// As [`Hub::enter`].
pub async fn open(
    hub: &Arc<Hub>,
    entrance: JoinRequest,
    framing: BodyFraming,
) -> Result<impl Stream<Item = Bytes> + Send + 'static, ApiError> {
    stream_queue::open(hub, entrance, &MANNER, framing).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_crowd_some_are_named_and_how_many_more_there_are_is_said_once() {
        let mut out = Vec::new();
        lines(
            br#"{"type":"welcome","user":"Ann","roomId":"r","count":240,"crowd":true,"members":[{"user":"Ann"},{"user":"Bob"}],"history":[]}"#,
            None,
            &mut out,
        );
        lines(br#"{"type":"presence","room":"r","count":241}"#, None, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "* You are Ann in r. Here: Ann, Bob, 238 more\n");
    }

    #[test]
    fn nothing_that_people_write_is_a_command_to_a_terminal() {
        let text = "a\u{1b}[2Jb\u{9b}31mc\u{7}\r\nd\re\tf\u{202e}g\u{0}\u{7f}\n12:00:00 Bob: forged\n";
        let shown = line(1_700_000_000_007, &"Ann".parse().unwrap(), &text.parse().unwrap());
        let expected = "22:13:20 Ann: a\u{fffd}[2Jb\u{fffd}31mc\u{fffd}\n         d\n         e f\u{fffd}g\u{fffd}\u{fffd}\n         12:00:00 Bob: forged\n";
        assert_eq!(shown, expected);
    }
}
