//! The transports: how members reach a room. Each implements a subscriber that turns frames into bytes.

mod backlog;
mod flow;
mod framing;
mod heard;
pub mod hijack;
mod pacer;
pub mod plain;
pub mod poll;
mod served;
pub mod sse;
mod stream_queue;
mod wanted;
pub mod ws;

pub use backlog::SEND_BUFFER;
pub use framing::BodyFraming;
pub use pacer::FramePacers;
pub use served::Served;
