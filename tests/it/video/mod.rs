//! Video: tokens, the call beside the room, and a LiveKit that refuses.

mod call;
mod former_members;
mod livekit_shutdown;
mod refusals;
mod tokens;
