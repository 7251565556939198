//! Admission by the budgets: connections, and behind a proxy the requests of its clients.

use std::sync::Arc;

use hyper::Request;

use super::{Peer, client_address};
use crate::{
    budget::{Admission, Budgets, ClientAddr, Resource, Usage},
    protocol::ApiError,
    transport::hijack::HijackHandle,
};

/// The client of a request, for the budgets; the server adds it to every request.
#[derive(Clone)]
pub struct Client {
    /// The client's address.
    pub address: ClientAddr,
    /// What that address holds and does.
    pub usage: Arc<Usage>,
}

/// Marks a request above a limit: it may only ask for health, readiness and metrics.
#[derive(Clone, Debug)]
pub struct Overflow(pub ApiError);

/// Counts connections for the addresses that they come from.
pub struct Gate {
    budgets: Arc<Budgets>,
    proxies: usize,
}

impl Gate {
    /// `proxies` is how many proxies stand before this server.
    pub fn new(budgets: Arc<Budgets>, proxies: usize) -> Self {
        Self { budgets, proxies }
    }

    /// Counts a connection. A proxy's connection counts only for the node: its clients are counted by their requests.
    pub fn connection(&self, Peer(peer): Peer) -> (Option<Client>, Result<Admission, ApiError>) {
        if self.proxies > 0 {
            return (None, self.budgets.slot().map(Admission::of_proxy));
        }
        let address = ClientAddr::from(peer);
        let usage = self.budgets.usage(address);
        let admission = usage.hold(Resource::Connections).map(Admission::of_client);
        (Some(Client { address, usage }), admission)
    }

    /// Adds the client to a request. Behind a proxy the request is counted until its response, stream or socket ends.
    pub fn request<B>(
        &self,
        client: Option<&Client>,
        request: &mut Request<B>,
        hijack_handle: &HijackHandle,
    ) {
        // Called in any case: it warns of a proxy that is not configured.
        let address = ClientAddr::from(client_address::address(request, self.proxies));
        if let Some(client) = client {
            request.extensions_mut().insert(client.clone());
            return;
        }
        let usage = self.budgets.usage(address);
        let permit = usage.hold_own(Resource::Connections).map_err(Overflow);
        let permit = permit.map_err(|overflow| request.extensions_mut().insert(overflow)).ok();
        hijack_handle.serve(Arc::clone(&usage), permit);
        request.extensions_mut().insert(Client { address, usage });
    }

    /// Most of the connections that this node may have are taken.
    pub fn is_crowded(&self) -> bool {
        self.budgets.is_crowded(Resource::Connections)
    }
}
