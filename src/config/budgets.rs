//! What one client address, and all of them together, may hold and do. 0 means no limit.

use clap::Args;

use crate::budget::{Kept, Limits, Resource};

/// The settings of [`crate::budget`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Args)]
pub struct BudgetSettings {
    /// Connections of one client address (IPv4, or a /64 of IPv6); 0 for no limit, as below
    #[arg(long, env = "PARLOR_ADDRESS_CONNECTIONS", default_value_t = 1000, value_name = "COUNT")]
    pub address_connections: u32,

    /// Seats of one address at a node
    #[arg(long, env = "PARLOR_ADDRESS_SEATS", default_value_t = 250, value_name = "COUNT")]
    pub address_seats: u32,

    /// Rooms that one address opened at a node and that live there
    #[arg(long, env = "PARLOR_ADDRESS_ROOMS", default_value_t = 100, value_name = "COUNT")]
    pub address_rooms: u32,

    /// Bytes that one address has said into rooms that live at a node, and an eighth of the store at most
    #[arg(long, env = "PARLOR_ADDRESS_TEXT", default_value_t = 16 << 20, value_name = "BYTES")]
    pub address_text: u32,

    /// Bytes of files that one address has uploaded into rooms that live at a node, and an eighth of the store at most
    #[arg(long, env = "PARLOR_ADDRESS_FILES", default_value_t = 128 << 20, value_name = "BYTES")]
    pub address_files: u64,

    /// Bytes that wait at a node for clients of one address that do not read
    #[arg(long, env = "PARLOR_ADDRESS_UNREAD", default_value_t = 16 << 20, value_name = "BYTES")]
    pub address_unread: u32,

    /// Joins a second of one address, for long
    #[arg(long, env = "PARLOR_ADDRESS_JOINS", default_value_t = 20, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub address_joins: u32,

    /// Frames a second of one address, for long
    #[arg(long, env = "PARLOR_ADDRESS_RATE", default_value_t = 200, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub address_rate: u32,

    /// Connections of a node, and never more than its file limit allows
    #[arg(long, env = "PARLOR_MAX_CONNECTIONS", default_value_t = 50_000, value_name = "COUNT")]
    pub max_connections: u32,

    /// Seats at a node
    #[arg(long, env = "PARLOR_MAX_SEATS", default_value_t = 50_000, value_name = "COUNT")]
    pub max_seats: u32,

    /// Rooms at a node
    #[arg(long, env = "PARLOR_MAX_ROOMS", default_value_t = 50_000, value_name = "COUNT")]
    pub max_rooms: u32,

    /// Bytes said into rooms that live at a node
    #[arg(long, env = "PARLOR_MAX_TEXT", default_value_t = 512 << 20, value_name = "BYTES")]
    pub max_text: u64,

    /// Bytes of files uploaded into rooms that live at a node
    #[arg(long, env = "PARLOR_MAX_FILES", default_value_t = 512 << 20, value_name = "BYTES")]
    pub max_files: u64,

    /// Bytes that wait at a node for clients that do not read
    #[arg(long, env = "PARLOR_MAX_UNREAD", default_value_t = 256 << 20, value_name = "BYTES")]
    pub max_unread: u64,
}

impl BudgetSettings {
    /// The largest file of `most` bytes at most for which an address and a node have room.
    pub(super) fn largest_file(&self, most: u64) -> u64 {
        let budgets = [self.address_files, self.max_files].into_iter().filter(|bytes| *bytes > 0);
        let room = budgets.min().map(|bytes| bytes.saturating_sub(Kept::ENTRY as u64));
        room.map_or(most, |room| room.max(1).min(most))
    }

    /// As the budgets count.
    pub fn limits(&self) -> Limits {
        let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        Limits::default()
            .of_address(Resource::Connections, self.address_connections as usize)
            .of_address(Resource::Seats, self.address_seats as usize)
            .of_address(Resource::Rooms, self.address_rooms as usize)
            .of_address(Resource::Text, self.address_text as usize)
            .of_address(Resource::Files, bytes(self.address_files))
            .of_address(Resource::Unread, self.address_unread as usize)
            .of_address(Resource::Joins, self.address_joins as usize)
            .of_address(Resource::Frames, self.address_rate as usize)
            .of_node(Resource::Connections, self.max_connections as usize)
            .of_node(Resource::Seats, self.max_seats as usize)
            .of_node(Resource::Rooms, self.max_rooms as usize)
            .of_node(Resource::Text, bytes(self.max_text))
            .of_node(Resource::Files, bytes(self.max_files))
            .of_node(Resource::Unread, bytes(self.max_unread))
    }
}
