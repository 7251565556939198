//! What hubs that tests build by hand agree to.

use std::{sync::Arc, time::Duration};

use parlor::{
    budget::{self, Budgets},
    hub::{Encoder, HubConfig},
    receipt::ReceiptSigner,
    room::{Limits, NodeId},
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
        receipts: Arc::new(ReceiptSigner::from_seed(&[7; 32])),
        node: NodeId(1),
        accounts: None,
        budgets: Arc::new(Budgets::new(budget::Limits::default())),
        clock: wall_clock,
    }
}
