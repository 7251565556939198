//! Pending frames, encoded once for each kind of subscriber.

use bytes::Bytes;
use smallvec::SmallVec;

use super::{
    Frame,
    frame::Content,
    frame_order::{FrameOrder, SeenUpTo},
    subscriber::Encoder,
};
use crate::room::{MemberId, RoomId};

/// A frame of a batch: what it says, where its JSON ends, and its order.
pub(super) struct Item {
    pub(super) content: Content,
    pub(super) end: usize,
    pub(super) order: FrameOrder,
}

/// In a quiet room a batch has one item, which must not cost an allocation.
pub(super) type Few<T> = SmallVec<[T; 4]>;

/// A batch of frames, encoded for one kind of subscriber.
pub(super) struct Batch {
    pub(super) encoder: &'static Encoder,
    pub(super) bytes: Bytes,
    ends: Few<usize>,
}

impl Batch {
    pub(super) fn new(
        encoder: &'static Encoder,
        room: &RoomId,
        json: &[u8],
        items: &[Item],
    ) -> Self {
        let mut out = Vec::with_capacity(json.len() + items.len() * 4);
        let mut ends = Few::with_capacity(items.len());
        let mut start = 0;
        for item in items {
            (encoder.frame)(
                &Frame { message: &item.content.message(room), json: &json[start..item.end] },
                &mut out,
            );
            start = item.end;
            ends.push(out.len());
        }
        Self { encoder, bytes: out.into(), ends }
    }

    /// The `i`th frame for `member`: its own message comes back as an ack, its own typing not at all.
    pub(super) fn frame(
        &self,
        i: usize,
        items: &[Item],
        room: &RoomId,
        member: MemberId,
    ) -> Option<Bytes> {
        let content = &items[i].content;
        if content.author() == Some(member) {
            return Some(self.encoder.encode(&content.for_author(room, self.encoder.echo)?));
        }
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        Some(self.bytes.slice(start..self.ends[i]))
    }

    /// The frames of the batch for `member`, whose snapshot reached to `seen_up_to`.
    pub(super) fn frames_for(
        &self,
        member: MemberId,
        items: &[Item],
        room: &RoomId,
        seen_up_to: SeenUpTo,
    ) -> Vec<Bytes> {
        let fresh = (0..items.len()).filter(|i| items[*i].order.is_after(seen_up_to));
        fresh.filter_map(|i| self.frame(i, items, room, member)).collect()
    }
}
