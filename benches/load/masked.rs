//! What a client sends over a WebSocket.

/// A frame of text.
pub const TEXT: u8 = 1;

/// A client's goodbye: close, 1000.
pub const GOODBYE: &[u8] = b"\x88\x82\0\0\0\0\x03\xe8";

/// A client's frame. Its mask is zero, which the protocol allows, so that a message can be written over.
pub fn frame(op: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | op];
    match u16::try_from(payload.len()) {
        Ok(short @ ..126) => frame.push(0x80 | short as u8),
        length => {
            frame.push(0x80 | 126);
            frame.extend(length.unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}
