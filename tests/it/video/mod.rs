//! Video: tokens, the call beside the room, connection tests, and a LiveKit that refuses.

mod call;
mod connection_test;
mod former_members;
mod livekit_shutdown;
mod refusals;
mod tokens;
