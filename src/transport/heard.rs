//! What hyper has read from a connection, and so whether another hyper connection can take over its socket.

/// The end of a request head.
const END: &[u8] = b"\r\n\r\n";

/// What hyper has read since it last wrote.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    /// No byte.
    Nothing,
    /// The head of one request and no byte more: hyper buffers nothing that a handover would lose.
    OneHead,
    /// Anything else, or a head in several reads.
    Other,
}

impl Heard {
    /// The state after hyper has read `bytes` as well. Only a poll is recognised: it is a GET, so that nothing follows
    /// its head.
    pub(super) fn and(self, bytes: &[u8]) -> Self {
        let end = || bytes.windows(END.len()).position(|four| four == END);
        let whole =
            bytes.starts_with(b"GET /api/rooms/") && end() == bytes.len().checked_sub(END.len());
        // hyper ends a head at bare line feeds as well, and would keep what follows.
        let bare = bytes.windows(2).any(|two| two[1] == b'\n' && two[0] != b'\r');
        if self == Self::Nothing && whole && !bare { Self::OneHead } else { Self::Other }
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
        let bare = format!("GET /api/rooms/r/messages?wait=60 HTTP/1.1\nhost: x\n\n{head}");
        for other in [&next, &body, &bare, part, "", "POST /api/rooms/r/messages HTTP/1.1\r\n\r\n"]
        {
            assert_eq!(Heard::Nothing.and(other.as_bytes()), Heard::Other, "{other}");
        }
        for before in [Heard::OneHead, Heard::Other] {
            assert_eq!(before.and(head.as_bytes()), Heard::Other);
        }
    }
}
