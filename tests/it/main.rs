//! All integration tests but `tests/faults`, in one program: it is linked once.
#![allow(clippy::unwrap_used)]

mod accounts;
mod bad_frames;
mod budgets;
mod circles;
mod connections;
mod crowd;
mod documents;
mod fan_out;
mod files;
mod guides;
mod hosts;
mod house;
mod http;
mod hub;
mod link_previews;
mod nodes;
mod page_unload;
mod pending_joins;
mod polls;
mod proxies;
mod receipts;
mod renames;
mod restarts;
mod room;
mod sessions;
mod store;
mod stream_framing;
mod stream_resume;
mod streams;
// Some of it is for `tests/faults` alone.
#[allow(dead_code)]
#[path = "../support/mod.rs"]
mod support;
mod terminal;
mod transport_switching;
mod video;
mod websocket;
mod wire;
mod ws_upgrade;
