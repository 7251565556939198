//! The end of the document, which holds the server's own address: link previews need an absolute URL for the picture.
//!
//! The build compresses the part before it, up to a flush. The end follows uncompressed, which both codings allow.

use bytes::Bytes;

/// The same as in `vite.config.ts`.
const PICTURE: &str = "/preview.png";

/// A document in two parts.
pub(super) struct Document<'a> {
    start: &'a str,
    end: String,
}

impl<'a> Document<'a> {
    /// With the picture's URL at this server; `None` for a document without a picture.
    pub(super) fn at(base: &str, document: &'a str) -> Option<Self> {
        let (start, end) = document.split_at(document.find(PICTURE)?);
        let end = end.replace(PICTURE, &format!("{base}{PICTURE}"));
        // One block holds no more.
        (end.len() <= usize::from(u16::MAX)).then_some(Self { start, end })
    }

    /// The whole document, in the coding that `start` has.
    pub(super) fn finish(&self, coding: Option<&str>, start: &[u8]) -> Bytes {
        let end = self.end.as_bytes();
        // At most `u16::MAX`, see `at`.
        let length = u32::try_from(end.len()).unwrap_or_default();
        match coding {
            // RFC 7932, 9.2: not the last, 4 nibbles of length - 1, uncompressed; then an empty last block.
            Some("br") => {
                let block = (length.saturating_sub(1) << 3) | 1 << 19;
                [start, &block.to_le_bytes()[..3], end, &[3]].concat().into()
            }
            // RFC 1951, 3.2.4: the last block, stored; RFC 1952: checksum and length of the whole.
            Some("gzip") => {
                let [low, high, ..] = length.to_le_bytes();
                let mut sum = crc32fast::Hasher::new();
                sum.update(self.start.as_bytes());
                sum.update(end);
                let whole = u32::try_from(self.start.len()).unwrap_or_default() + length;
                let trailer = [sum.finalize().to_le_bytes(), whole.to_le_bytes()].concat();
                [start, &[1, low, high, !low, !high], end, &trailer].concat().into()
            }
            _ => [start, end].concat().into(),
        }
    }

    /// The start, uncompressed.
    pub(super) fn start(&self) -> &[u8] {
        self.start.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_at_the_server_that_was_asked() {
        let document = r#"<head><meta content="/preview.png"><meta content="/preview.png"></head>"#;
        let page = Document::at("https://a.example", document).unwrap();
        let whole = page.finish(None, page.start());
        let picture = r#"<meta content="https://a.example/preview.png">"#;
        assert_eq!(whole, format!("<head>{picture}{picture}</head>"));
        assert_eq!(
            Document::at("", document).unwrap().finish(None, b"<head><meta content=\""),
            document
        );
        assert!(Document::at("", "<head></head>").is_none());
        assert!(Document::at("", &format!("/preview.png{}", "x".repeat(70_000))).is_none());
    }
}
