//! What a client sends, parsed into types.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::{ApiError, ClientMessage, HostRequest};
use crate::room::{FileId, MAX_N, Reaction, Seq};

/// A parsed frame: the request or what is wrong with it, and the message it belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientFrame {
    /// The request.
    pub ask: Result<ClientMessage, ApiError>,
    /// The counter given with it, so that an error can be matched to its message.
    pub n: Option<u64>,
}

#[derive(Deserialize)]
#[serde(expecting = "one JSON object")]
struct Frame<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Word<'a>>,
    #[serde(borrow)]
    text: Option<Word<'a>>,
    #[serde(borrow)]
    message: Option<Word<'a>>,
    #[serde(borrow)]
    content: Option<Word<'a>>,
    n: Option<Value>,
    typing: Option<bool>,
    // What plain messages never have is boxed: each byte here is moved for every message.
    target: Option<Box<Value>>,
    #[serde(rename = "replyTo")]
    reply_to: Option<Box<Value>>,
    files: Option<Box<Value>>,
    #[serde(borrow)]
    emoji: Option<Word<'a>>,
    on: Option<bool>,
    #[serde(borrow)]
    user: Option<Word<'a>>,
    ticket: Option<String>,
    #[serde(borrow)]
    cursor: Option<Word<'a>>,
}

/// serde would copy a `Cow` that is optional.
#[derive(Deserialize, Default)]
struct Word<'a>(#[serde(borrow)] Cow<'a, str>);

impl ClientFrame {
    /// Reads one text frame.
    pub fn parse(json: &str) -> Self {
        // serde would accept a list of the fields in their order.
        if json.trim_start().starts_with('[') {
            return Self {
                ask: Err(ApiError::BadFrame("a frame is one JSON object".into())),
                n: None,
            };
        }
        let frame: Frame = match serde_json::from_str(json) {
            Ok(frame) => frame,
            Err(error) => {
                let problem = match error.classify() {
                    serde_json::error::Category::Data => {
                        format!("a frame is one JSON object: {error}")
                    }
                    _ => format!("this is not JSON: {error}"),
                };
                return Self { ask: Err(ApiError::BadFrame(problem)), n: None };
            }
        };
        let n = match &frame.n {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                value.as_u64().filter(|n| (1..=MAX_N).contains(n)).map(Some).ok_or(ApiError::BadN)
            }
        };
        match n {
            Ok(n) => {
                let ask = frame.ask(n);
                let known = !matches!(ask, Err(ApiError::UnknownType));
                if known { Self { ask, n } } else { Self::of_the_host(json, n) }
            }
            Err(error) => Self { ask: Err(error), n: None },
        }
    }
}

impl ClientFrame {
    /// A request of the host, which is read anew: its fields would be moved for every message.
    #[cold]
    fn of_the_host(json: &str, n: Option<u64>) -> Self {
        let request = HostRequest::parse(json).map(Box::new);
        Self { ask: request.map(|request| ClientMessage::Host { request, n }), n }
    }
}

impl Frame<'_> {
    fn ask(self, n: Option<u64>) -> Result<ClientMessage, ApiError> {
        let text = self.text.or(self.message).or(self.content);
        let target = |needs: &'static str| {
            let target = self.target.as_deref().and_then(seq);
            target.ok_or_else(|| ApiError::BadFrame(needs.into()))
        };
        let chat = |text: Option<Word>| {
            let reply_to = match self.reply_to.as_deref() {
                None | Some(Value::Null) => None,
                Some(value) => Some(seq(value).ok_or_else(|| {
                    ApiError::BadFrame("\"replyTo\" is the seq of a message".into())
                })?),
            };
            let files = match self.files.as_deref() {
                None | Some(Value::Null) => Box::default(),
                Some(value) => files(value).ok_or_else(|| {
                    ApiError::BadFrame(format!(
                        "\"files\" has the ids of 1 to {} uploads, each once",
                        FileId::MOST
                    ))
                })?,
            };
            let text = text.unwrap_or_default().0;
            // Beside files there need be no text.
            let text = match files.is_empty() || !text.trim().is_empty() {
                true => Some(text.parse()?),
                false => None,
            };
            Ok(ClientMessage::Chat { text, n, reply_to, files })
        };
        match (self.kind.as_ref().map(|kind| &*kind.0), text, self.typing) {
            (Some("chat"), text, _) => chat(text),
            (Some("react"), ..) => {
                let needs = "react needs \"target\": the seq of a message, \"emoji\", and \"on\": true or false";
                let (target, Some(Word(emoji)), Some(on)) = (target(needs)?, &self.emoji, self.on)
                else {
                    return Err(ApiError::BadFrame(needs.into()));
                };
                let Reaction { target, emoji, on } = Reaction::new(target, emoji, on)?;
                Ok(ClientMessage::React { target, emoji: emoji.to_owned(), on, n })
            }
            (Some("edit"), text, _) => {
                let target = target("edit needs \"target\": the seq of a message, and \"text\"")?;
                Ok(ClientMessage::Edit { target, text: text.unwrap_or_default().0.parse()?, n })
            }
            (Some("delete"), ..) => {
                let target = target("delete needs \"target\": the seq of a message")?;
                Ok(ClientMessage::Delete { target, n })
            }
            (Some("rename"), ..) => match &self.user {
                Some(Word(user)) => Ok(ClientMessage::Rename { user: user.parse()?, n }),
                None => Err(ApiError::BadFrame("rename needs \"user\": the new name".into())),
            },
            (Some("typing"), _, Some(typing)) => Ok(ClientMessage::Typing { typing }),
            (Some("typing"), _, None) => {
                Err(ApiError::BadFrame("typing needs \"typing\": true or false".into()))
            }
            (Some("livekit-token"), ..) => Ok(ClientMessage::LivekitToken),
            (Some("ping"), ..) => Ok(ClientMessage::Ping),
            (Some("leave"), ..) => Ok(ClientMessage::Leave),
            (Some("resume"), ..) => {
                let ticket = self
                    .ticket
                    .ok_or_else(|| ApiError::BadFrame("resume needs a ticket".into()))?;
                let cursor =
                    self.cursor.filter(|c| !c.0.is_empty()).map(|c| c.0.parse()).transpose()?;
                Ok(ClientMessage::Resume { ticket, cursor })
            }
            (Some(_), ..) => Err(ApiError::UnknownType),
            // The predecessors' frames: {"text":"…","typing":false}, {"text":"","typing":true}, {"typing":true}.
            (None, Some(text), None) => chat(Some(text)),
            (None, Some(text), Some(_)) if !text.0.trim().is_empty() => chat(Some(text)),
            (None, _, Some(typing)) => Ok(ClientMessage::Typing { typing }),
            (None, None, None) if self.files.is_some() => chat(None),
            (None, None, None) => {
                Err(ApiError::BadFrame("a frame needs a \"type\" or a \"text\"".into()))
            }
        }
    }
}

/// A number of the log.
fn seq(value: &Value) -> Option<Seq> {
    value.as_u64().filter(|seq| (1..=MAX_N).contains(seq))
}

/// The ids of the files of a message.
fn files(value: &Value) -> Option<Box<[FileId]>> {
    let list = value.as_array().filter(|list| (1..=FileId::MOST).contains(&list.len()))?;
    let mut ids: Vec<FileId> = Vec::with_capacity(list.len());
    for id in list {
        let id = id.as_str()?.parse().ok().filter(|id| !ids.contains(id))?;
        ids.push(id);
    }
    Some(ids.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::RoomError;

    fn chat(text: &str, n: Option<u64>) -> Result<ClientMessage, ApiError> {
        let text = Some(text.parse().unwrap());
        Ok(ClientMessage::Chat { text, n, reply_to: None, files: Box::default() })
    }

    #[test]
    fn every_shape_of_a_chat_is_understood() {
        for (frame, n) in [
            (r#"{"type":"chat","text":"hi","n":7}"#, Some(7)),
            (r#"{"type":"chat","message":"hi"}"#, None),
            (r#"{"type":"chat","content":"hi","n":null}"#, None),
            (r#"{"text":"hi"}"#, None),
            (r#"{"text":"hi","typing":false}"#, None),
            (r#"{"text":"hi","typing":true,"unknown":[1,{}]}"#, None),
            (r#"{"message":"h\u0069"}"#, None),
        ] {
            assert_eq!(ClientFrame::parse(frame).ask, chat("hi", n), "{frame}");
        }
    }

    #[test]
    fn a_reaction_names_its_message_and_one_emoji() {
        let react = |target, emoji: &str, on, n| {
            Ok(ClientMessage::React { target, emoji: emoji.into(), on, n })
        };
        let parse = |frame: &str| ClientFrame::parse(frame).ask;
        assert_eq!(
            parse(r#"{"type":"react","target":12,"emoji":"👍","on":true,"n":8}"#),
            react(12, "👍", true, Some(8))
        );
        assert_eq!(
            parse(r#"{"type":"react","target":1,"emoji":"sealed2.Ab","on":false}"#),
            react(1, "sealed2.Ab", false, None)
        );
        let code = |frame: &str| parse(frame).unwrap_err().code();
        assert_eq!(code(r#"{"type":"react","target":12,"emoji":"ok","on":true}"#), "bad_emoji");
        for frame in [
            r#"{"type":"react","emoji":"👍","on":true}"#,
            r#"{"type":"react","target":0,"emoji":"👍","on":true}"#,
            r#"{"type":"react","target":"12","emoji":"👍","on":true}"#,
            r#"{"type":"react","target":12,"on":true}"#,
            r#"{"type":"react","target":12,"emoji":"👍"}"#,
        ] {
            assert_eq!(code(frame), "bad_frame", "{frame}");
        }
    }

    #[test]
    fn a_reply_an_edit_and_a_delete_name_their_message() {
        let parse = |frame: &str| ClientFrame::parse(frame).ask;
        let text = || "hi".parse().unwrap();
        for (frame, message) in [
            (
                r#"{"type":"chat","text":"hi","replyTo":12,"n":8}"#,
                ClientMessage::Chat {
                    text: Some(text()),
                    n: Some(8),
                    reply_to: Some(12),
                    files: Box::default(),
                },
            ),
            (r#"{"text":"hi","replyTo":null}"#, chat("hi", None).unwrap()),
            (
                r#"{"type":"edit","target":12,"text":"hi","n":8}"#,
                ClientMessage::Edit { target: 12, text: text(), n: Some(8) },
            ),
            (r#"{"type":"delete","target":12}"#, ClientMessage::Delete { target: 12, n: None }),
        ] {
            assert_eq!(parse(frame), Ok(message), "{frame}");
        }
        for (frame, code) in [
            (r#"{"type":"chat","text":"hi","replyTo":0}"#, "bad_frame"),
            (r#"{"type":"chat","text":"hi","replyTo":"12"}"#, "bad_frame"),
            (r#"{"type":"edit","text":"hi"}"#, "bad_frame"),
            (r#"{"type":"edit","target":12}"#, "empty_text"),
            (r#"{"type":"edit","target":12,"text":" "}"#, "empty_text"),
            (r#"{"type":"delete","target":1.5}"#, "bad_frame"),
            (r#"{"type":"delete"}"#, "bad_frame"),
        ] {
            assert_eq!(parse(frame).unwrap_err().code(), code, "{frame}");
        }
    }

    #[test]
    fn a_message_names_its_files_and_needs_no_text_beside_them() {
        const ONE: &str = "00000000-0000-0000-0000-000000000001";
        const TWO: &str = "00000000-0000-0000-0000-000000000002";
        let parse = |frame: String| ClientFrame::parse(&frame).ask;
        let id = |text: &str| text.parse::<FileId>().unwrap();
        for frame in [
            format!(r#"{{"type":"chat","files":["{ONE}","{TWO}"]}}"#),
            format!(r#"{{"type":"chat","text":" ","files":["{ONE}","{TWO}"]}}"#),
            format!(r#"{{"files":["{ONE}","{TWO}"]}}"#),
        ] {
            let files = [id(ONE), id(TWO)].into();
            let expected = ClientMessage::Chat { text: None, n: None, reply_to: None, files };
            assert_eq!(parse(frame.clone()), Ok(expected), "{frame}");
        }
        let entry = parse(format!(r#"{{"text":"hi","files":["{ONE}"],"n":3}}"#)).unwrap().entry();
        let entry = entry.unwrap();
        assert_eq!((entry.n, entry.text.shown(), entry.text.is_plain()), (Some(3), "hi", false));
        let many = vec![format!("\"{ONE}\""); 11].join(",");
        for files in [
            "[]",
            "7",
            "\"x\"",
            "[7]",
            "[\"x\"]",
            "{}",
            &format!("[\"{ONE}\",\"{ONE}\"]"),
            &format!("[{many}]"),
        ] {
            let refused = parse(format!(r#"{{"type":"chat","text":"hi","files":{files}}}"#));
            assert_eq!(refused.unwrap_err().code(), "bad_frame", "{files}");
        }
        assert_eq!(
            parse(r#"{"type":"chat","files":null}"#.into()).unwrap_err().code(),
            "empty_text"
        );
    }

    #[test]
    fn typing_comes_in_three_shapes() {
        assert_eq!(
            ClientFrame::parse(r#"{"type":"typing","typing":true}"#).ask,
            Ok(ClientMessage::Typing { typing: true })
        );
        assert_eq!(
            ClientFrame::parse(r#"{"typing":false}"#).ask,
            Ok(ClientMessage::Typing { typing: false })
        );
        assert_eq!(
            ClientFrame::parse(r#"{"text":"","typing":true}"#).ask,
            Ok(ClientMessage::Typing { typing: true })
        );
    }

    #[test]
    fn what_is_allowed_is_said_in_words_of_the_wire() {
        for (frame, allowed) in [
            ("null", "one JSON object"),
            ("5", "one JSON object"),
            (r#""text""#, "one JSON object"),
            (r#"{"text":5}"#, "a string"),
            (r#"{"type":{}}"#, "a string"),
            (r#"{"typing":"yes"}"#, "a boolean"),
            (r#"{"type":"resume","ticket":[]}"#, "a string"),
        ] {
            let said = ClientFrame::parse(frame).ask.unwrap_err().to_string();
            assert!(said.contains(allowed), "{frame}: {said}");
            assert!(
                !["struct", "Frame", "Word", "tuple", "Option"]
                    .iter()
                    .any(|ours| said.contains(ours)),
                "{frame}: {said}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_said_and_matched_to_its_send() {
        const LIST: &str = r#"["chat","hi",null,null,1,null,null,null]"#;
        let wrong = |frame: &str| {
            let inbound = ClientFrame::parse(frame);
            (inbound.ask.unwrap_err().code(), inbound.n)
        };
        for frame in [
            "",
            "nonsense",
            "{",
            "[]",
            "null",
            "5",
            r#""text""#,
            "{}",
            r#"{"text":5}"#,
            r#"{"type":"typing"}"#,
            r#"{"type":1}"#,
            LIST,
        ] {
            assert_eq!(wrong(frame), ("bad_frame", None), "{frame}");
        }
        for n in ["0", "-1", "1.5", "\"1\"", "9007199254740992", "1e400"] {
            let (code, _) = wrong(&format!(r#"{{"type":"chat","text":"hi","n":{n}}}"#));
            assert!(code == "bad_n" || code == "bad_frame", "{n}: {code}");
        }
        assert_eq!(wrong(r#"{"type":"chat","text":"  ","n":3}"#), ("empty_text", Some(3)));
        assert_eq!(wrong(r#"{"type":"chat","n":3}"#), ("empty_text", Some(3)));
        assert_eq!(wrong(r#"{"type":"dance","n":3}"#), ("unknown_type", Some(3)));
        assert_eq!(wrong(r#"{"type":"resume"}"#), ("bad_frame", None));
        assert_eq!(
            wrong(r#"{"type":"resume","ticket":"x","cursor":"zz"}"#),
            (RoomError::BadCursor.code(), None)
        );
        let long = format!(r#"{{"type":"chat","text":"{}","n":9}}"#, "x".repeat(4001));
        assert_eq!(wrong(&long), ("too_long", Some(9)));
    }
}
