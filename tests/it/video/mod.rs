//! Video: passes, the call beside the room, and a LiveKit that refuses.

mod call;
mod passes;
mod refusals;
