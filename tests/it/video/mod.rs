//! Video: tokens, the call beside the room, and a LiveKit that refuses.

mod call;
mod refusals;
mod tokens;
