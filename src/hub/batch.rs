//! Pending frames, encoded once for each kind of subscriber.

use std::io::Write;

use bytes::Bytes;
use smallvec::SmallVec;

use super::{
    frame_meta::{FrameMeta, SeenUpTo},
    subscriber::Encoder,
};
use crate::{
    protocol::{Ack, ServerMessage, Timestamp},
    room::MemberId,
};

/// A frame of a batch: where its JSON ends, and its metadata.
pub(super) struct Item {
    pub(super) end: usize,
    pub(super) kind: FrameMeta,
}

/// In a quiet room a batch has one item, which must not cost an allocation.
pub(super) type Few<T> = SmallVec<[T; 4]>;

/// A batch of frames, encoded for one kind of subscriber.
pub(super) struct Batch<'a> {
    pub(super) wire: &'static Encoder,
    json: &'a [u8],
    pub(super) bytes: Bytes,
    ends: Few<usize>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(wire: &'static Encoder, json: &'a [u8], items: &[Item]) -> Self {
        let mut out = Vec::with_capacity(json.len() + items.len() * 4);
        let mut ends = Few::with_capacity(items.len());
        let mut start = 0;
        for item in items {
            (wire.frame)(&json[start..item.end], item.kind.cursor(), &mut out);
            start = item.end;
            ends.push(out.len());
        }
        Self { wire, json, bytes: out.into(), ends }
    }

    /// The `i`th frame for `member`: its own message comes back as an ack, its own typing not at all.
    pub(super) fn frame(&self, i: usize, items: &[Item], member: MemberId) -> Option<Bytes> {
        let item = &items[i];
        match item.kind {
            FrameMeta::Said { from, n, cursor, .. } if from == member && self.wire.echo => {
                let start = if i == 0 { 0 } else { items[i - 1].end };
                let mut own = self.json[start..item.end - 1].to_vec();
                // Writing to memory cannot fail.
                let _ = write!(own, ",\"n\":{n}}}");
                Some(self.wire.framed(&own, Some(cursor)))
            }
            FrameMeta::Said { from, n, at, cursor } if from == member => {
                let ack = ServerMessage::Ack(Ack {
                    n,
                    seq: cursor.seq,
                    timestamp: Timestamp(at),
                    cursor: Some(cursor),
                    duplicate: None,
                });
                Some(self.wire.framed(&ack.to_json(), Some(cursor)))
            }
            FrameMeta::Typing { from } if from == member => None,
            _ => {
                let start = if i == 0 { 0 } else { self.ends[i - 1] };
                Some(self.bytes.slice(start..self.ends[i]))
            }
        }
    }

    /// The frames of the batch for `member`, whose snapshot reached to `reach`.
    pub(super) fn frames_for(&self, member: MemberId, items: &[Item], reach: SeenUpTo) -> Vec<Bytes> {
        (0..items.len()).filter(|i| items[*i].kind.is_after(reach)).filter_map(|i| self.frame(i, items, member)).collect()
    }
}
