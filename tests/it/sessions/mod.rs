//! Life and death of a room: leaving, losing a link, coming back, and the end of the server.

mod leave;
mod resume;
mod shutdown;
mod slow_reader;

use serde_json::Value;

use crate::wire::said;

fn texts(welcome: &Value) -> Vec<&str> {
    said(&welcome["history"])
}

/// (resumed, reset)
fn known(welcome: &Value) -> (bool, bool) {
    (welcome["resumed"].as_bool().unwrap(), welcome["reset"].as_bool().unwrap())
}
