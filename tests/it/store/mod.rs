//! Where rooms live: memory, and Redis in each of its forms.

mod cluster;
mod contract;
mod corrupt_keys;
mod missed_events;
mod reachability;
mod redis;
mod refusals;
mod sentinel;
mod tls;
