//! Accounts: where they are kept, and what they mean to HTTP and to rooms.

mod database;
mod http;
