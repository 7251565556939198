//! What hubs that tests build by hand agree to.

use std::{sync::Arc, time::Duration};

use parlor::{
    budget::{self, Budgets},
    hub::{Encoder, HubConfig},
    room::Limits,
    store::memory::wall_clock,
    ticket::Signer,
};

/// Frames as lines of JSON.
pub static LINES: Encoder =
    Encoder { frame: |frame, out| out.extend(frame.json.iter().chain(b"\n")), echo: false };

/// As a node with nothing configured.
pub fn config() -> HubConfig {
    HubConfig {
        signer: Signer::new(""),
        limits: Limits::default(),
        crowd: 100,
        grace: Duration::from_secs(15),
        reload_grace: Duration::from_secs(5),
        no_export: false,
        video: None,
        accounts: None,
        budgets: Arc::new(Budgets::new(budget::Limits::default())),
        clock: wall_clock,
    }
}
