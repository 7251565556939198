//! WebSocket frames and the few fields of them that a crowd looks at, found without reading the rest.

#[path = "../load/masked.rs"]
mod masked;

use memchr::memmem;

pub use masked::{GOODBYE, TEXT, frame};

/// What a frame carries.
pub struct Frame<'a> {
    pub op: u8,
    pub payload: &'a [u8],
}

pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// What every upgrade asks for.
pub const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A message under the number `n`.
pub fn chat(text: &str, n: u64) -> Vec<u8> {
    frame(TEXT, format!(r#"{{"type":"chat","text":"{text}","n":{n}}}"#).as_bytes())
}

/// The first whole frame that a server sent, and how many bytes it took.
pub fn next(bytes: &[u8]) -> Option<(Frame<'_>, usize)> {
    let (short, start) = (*bytes.get(1)? & 127, 2);
    let (length, start) = match short {
        126 => (u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), start + 2),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?), start + 8),
        short => (short.into(), start),
    };
    let end = start + usize::try_from(length).ok()?;
    Some((Frame { op: bytes[0] & 15, payload: bytes.get(start..end)? }, end))
}

/// What stands in a frame's `type`, which is always its first field.
pub fn kind(payload: &[u8]) -> &[u8] {
    let rest = payload.strip_prefix(br#"{"type":""#).unwrap_or_default();
    &rest[..rest.iter().position(|byte| *byte == b'"').unwrap_or_default()]
}

pub fn has(payload: &[u8], needle: &[u8]) -> bool {
    memmem::find(payload, needle).is_some()
}

/// The number behind the first `field`, which is written as in `"seq":`.
pub fn number(payload: &[u8], field: &[u8]) -> Option<u64> {
    let rest = &payload[memmem::find(payload, field)? + field.len()..];
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
    let mut any = false;
    let number = digits.fold(0, |number, digit| {
        any = true;
        number * 10 + u64::from(digit - b'0')
    });
    any.then_some(number)
}

/// All numbers behind a `field`, in order.
pub fn numbers<'a>(payload: &'a [u8], field: &'a [u8]) -> impl Iterator<Item = u64> + 'a {
    memmem::find_iter(payload, field).filter_map(move |at| number(&payload[at..], field))
}

/// The text behind the first `field`, which is written as in `"code":"`; for texts in which nothing is escaped.
pub fn text<'a>(payload: &'a [u8], field: &[u8]) -> Option<&'a str> {
    let rest = &payload[memmem::find(payload, field)? + field.len()..];
    std::str::from_utf8(&rest[..memchr::memchr(b'"', rest)?]).ok()
}
