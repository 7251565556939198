//! Pending frames, encoded once for each kind of subscriber.

use std::ops::Range;

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

/// The items of a batch. In a quiet room it has one, which must not cost an allocation.
pub(super) type Items = SmallVec<[Item; 1]>;

/// As [`Items`], of what is small.
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
        Some(self.bytes.slice(self.range(i)))
    }

    fn range(&self, i: usize) -> Range<usize> {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        start..self.ends[i]
    }

    /// The frames of the batch for `member`, whose snapshot reached to `seen_up_to`, in as few pieces as share their
    /// bytes with other members.
    pub(super) fn frames_for(
        &self,
        member: MemberId,
        items: &[Item],
        room: &RoomId,
        seen_up_to: SeenUpTo,
    ) -> SmallVec<[Bytes; 1]> {
        let is_fresh = |i: &usize| items[*i].order.is_after(seen_up_to);
        if let [_] = items {
            let frame = Some(0).filter(is_fresh).and_then(|i| self.frame(i, items, room, member));
            return frame.into_iter().collect();
        }
        let shared = |run: Range<usize>| (!run.is_empty()).then(|| self.bytes.slice(run));
        let mut pieces = SmallVec::new();
        // What is under way: a run of shared frames, or the member's own.
        let (mut run, mut own, mut json) = (0..0, Vec::new(), Vec::new());
        for i in (0..items.len()).filter(is_fresh) {
            let content = &items[i].content;
            if content.author() == Some(member) {
                pieces.extend(shared(std::mem::take(&mut run)));
                if let Some(message) = content.for_author(room, self.encoder.echo) {
                    self.encoder.append(&message, &mut json, &mut own);
                }
                continue;
            }
            if !own.is_empty() {
                pieces.push(Bytes::from(std::mem::take(&mut own)));
            }
            let frame = self.range(i);
            if run.end == frame.start && !run.is_empty() {
                run.end = frame.end;
            } else {
                pieces.extend(shared(std::mem::replace(&mut run, frame)));
            }
        }
        pieces.extend(shared(run));
        pieces.extend((!own.is_empty()).then(|| Bytes::from(own)));
        pieces
    }
}
