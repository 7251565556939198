//! What hyper has read of a connection: whether the rest of it can go on at another hyper.

/// The end of a head.
const END: &[u8] = b"\r\n\r\n";

/// What hyper has read since it last wrote.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    /// No byte.
    Nothing,
    /// The head of one request, and no byte more: hyper has nothing left that would be lost with it.
    OneHead,
    /// Anything else, or not at once.
    Other,
}

impl Heard {
    /// After these bytes. Only a poll is looked at: it is a GET, so that nothing follows its head.
    pub(super) fn and(self, bytes: &[u8]) -> Self {
        let end = || bytes.windows(END.len()).position(|four| four == END);
        let whole = bytes.starts_with(b"GET /api/rooms/") && end() == bytes.len().checked_sub(END.len());
        if self == Self::Nothing && whole { Self::OneHead } else { Self::Other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_whole_head_is_one() {
        let head = "GET /api/rooms/r/messages?wait=60 HTTP/1.1\r\nhost: x\r\n\r\n";
        assert_eq!(Heard::Nothing.and(head.as_bytes()), Heard::OneHead);
        let (next, body) = (format!("{head}{head}"), format!("{head}GET"));
        let part = &head[..head.len() - 1];
        for other in [&next, &body, part, "", "POST /api/rooms/r/messages HTTP/1.1\r\n\r\n"] {
            assert_eq!(Heard::Nothing.and(other.as_bytes()), Heard::Other, "{other}");
        }
        for before in [Heard::OneHead, Heard::Other] {
            assert_eq!(before.and(head.as_bytes()), Heard::Other);
        }
    }
}
