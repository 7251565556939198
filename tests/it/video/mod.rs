//! Video: tokens, the call beside the room, and a LiveKit that refuses.

mod call;
mod former_members;
mod refusals;
mod tokens;
