//! Which servers there are.

use std::io;

use serde::{
    Deserialize, Serialize,
    de::{IntoDeserializer, value::Error as Unknown},
};

use crate::dialect::Dialect;

/// A server, or a set of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Kind {
    Floor,
    /// The same, but what is read together is written together.
    FloorBatching,
    Parlor,
    ParlorRedis,
    ParlorTwoNodes,
    ParlorFourNodes,
    /// One node, and a Redis Cluster.
    ParlorThreeMasters,
    /// Alone.
    Redis,
    Nchan,
    Ws,
    SocketIo,
    Centrifugo,
    CentrifugoRedis,
    CentrifugoTwoNodes,
    /// A hub of ours in Go.
    Gorilla,
}

impl Kind {
    /// Whether it is a chat server, and not Parlor.
    pub fn is_peer(self) -> bool {
        !matches!(
            self,
            Self::Floor
                | Self::FloorBatching
                | Self::Parlor
                | Self::ParlorRedis
                | Self::ParlorTwoNodes
                | Self::ParlorFourNodes
                | Self::ParlorThreeMasters
                | Self::Redis
        )
    }

    /// Whether it keeps its rooms in Redis.
    pub fn is_shared(self) -> bool {
        matches!(
            self,
            Self::ParlorRedis
                | Self::ParlorTwoNodes
                | Self::ParlorFourNodes
                | Self::ParlorThreeMasters
                | Self::CentrifugoRedis
                | Self::CentrifugoTwoNodes
        )
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::FloorBatching => "floor that batches",
            Self::Parlor => "Parlor",
            Self::ParlorRedis => "Parlor, Redis",
            Self::ParlorTwoNodes => "Parlor, Redis, two nodes",
            Self::ParlorFourNodes => "Parlor, Redis, four nodes",
            Self::ParlorThreeMasters => "Parlor, a Redis Cluster of three masters",
            Self::Redis => "Redis",
            Self::Nchan => "Nchan (nginx)",
            Self::Ws => "ws (Node)",
            Self::SocketIo => "socket.io (Node)",
            Self::Centrifugo => "Centrifugo",
            Self::CentrifugoRedis => "Centrifugo, Redis",
            Self::CentrifugoTwoNodes => "Centrifugo, Redis, two nodes",
            Self::Gorilla => "gorilla hub (Go)",
        }
    }

    /// What the words of this program call it: several with commas between them.
    ///
    /// # Errors
    /// One is none of them; which there are.
    pub fn list(words: &str) -> io::Result<Vec<Self>> {
        words
            .split(',')
            .map(|word| Self::deserialize(word.into_deserializer()))
            .collect::<Result<_, Unknown>>()
            .map_err(io::Error::other)
    }

    pub fn dialect(self) -> Dialect {
        match self {
            Self::Nchan => Dialect::Nchan,
            Self::Ws | Self::Gorilla => Dialect::Plain,
            Self::Centrifugo | Self::CentrifugoRedis | Self::CentrifugoTwoNodes => {
                Dialect::Centrifugo
            }
            Self::SocketIo => Dialect::SocketIo,
            _ => Dialect::Parlor,
        }
    }
}
