//! How a streamed HTTP body is delimited: in chunks (RFC 9112, section 7.1), or by the end of its connection.

use bytes::Bytes;

/// The framing of a response body whose length is not known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BodyFraming {
    /// One chunk an event, so that a client which reads by chunks gets each event whole and at once.
    Chunked,
    /// For HTTP/1.0, which has no chunks.
    CloseDelimited,
}

impl BodyFraming {
    /// `bytes` as a piece of the body. They must not be empty: an empty chunk ends the body.
    pub(super) fn piece(self, bytes: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(bytes.len() + 16);
        self.write(&mut out, |out| out.extend_from_slice(bytes));
        out.into()
    }

    /// What ends the body.
    pub(super) fn end(self) -> Option<Bytes> {
        match self {
            Self::Chunked => Some(Bytes::from_static(b"0\r\n\r\n")),
            Self::CloseDelimited => None,
        }
    }

    /// Appends what `write` writes as a piece of the body, and nothing if it writes nothing.
    pub(super) fn write(self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        let start = out.len();
        write(out);
        let length = out.len() - start;
        if self == Self::Chunked && length > 0 {
            out.splice(start..start, format!("{length:x}\r\n").into_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_tells_its_length_in_bytes_and_none_is_empty() {
        let mut out = b"before".to_vec();
        BodyFraming::Chunked
            .write(&mut out, |out| out.extend_from_slice("при\n\n123456".as_bytes()));
        BodyFraming::Chunked.write(&mut out, |_| {});
        assert_eq!(String::from_utf8(out).unwrap(), "beforee\r\nпри\n\n123456\r\n");
        assert_eq!(
            BodyFraming::Chunked.piece(&[b'x'; 300]),
            format!("12c\r\n{}\r\n", "x".repeat(300))
        );
        assert_eq!(
            (BodyFraming::CloseDelimited.piece(b"x"), BodyFraming::CloseDelimited.end()),
            ("x".into(), None)
        );
    }
}
