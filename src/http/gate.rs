//! Who is let in, as the budgets allow: connections, and behind a proxy the requests of its clients.

use std::sync::Arc;

use hyper::Request;

use super::{Peer, guards};
use crate::{
    budget::{Admission, Budgets, ClientAddr, Resource, Usage},
    protocol::ApiError,
    transport::hijack::HijackHandle,
};

/// Who asks, as far as that is counted; the server puts it into every request.
#[derive(Clone)]
pub struct Client {
    /// Where the client comes from.
    pub address: ClientAddr,
    /// What it holds and does.
    pub usage: Arc<Usage>,
}

/// In a request that came above a limit: it may ask after this server's health, and nothing else.
#[derive(Clone, Debug)]
pub struct Overflow(pub ApiError);

/// Counts connections for the addresses that they come from.
pub struct Gate {
    budgets: Arc<Budgets>,
    proxies: usize,
}

impl Gate {
    /// So many proxies stand before this server.
    pub fn new(budgets: Arc<Budgets>, proxies: usize) -> Self {
        Self { budgets, proxies }
    }

    /// Counts a connection. Where it is a proxy's, only for the node: the proxy's clients are counted by their requests.
    pub fn connection(&self, Peer(peer): Peer) -> (Option<Client>, Result<Admission, ApiError>) {
        if self.proxies > 0 {
            return (None, self.budgets.slot().map(Admission::of_proxy));
        }
        let address = ClientAddr::from(peer);
        let usage = self.budgets.usage(address);
        let admission = usage.hold(Resource::Connections).map(Admission::of_client);
        (Some(Client { address, usage }), admission)
    }

    /// Says in a request who sent it. Behind a proxy the request is counted until its answer, stream or socket ends.
    pub fn request<B>(&self, client: Option<&Client>, request: &mut Request<B>, lender: &HijackHandle) {
        // Asked in any case: it warns of a proxy that is not expected.
        let address = ClientAddr::from(guards::address(request, self.proxies));
        if let Some(client) = client {
            request.extensions_mut().insert(client.clone());
            return;
        }
        let usage = self.budgets.usage(address);
        let permit = usage.hold_own(Resource::Connections).map_err(Overflow);
        let permit = permit.map_err(|overflow| request.extensions_mut().insert(overflow)).ok();
        lender.serve(Arc::clone(&usage), permit);
        request.extensions_mut().insert(Client { address, usage });
    }

    /// Most of the connections that this node may have are taken.
    pub fn is_crowded(&self) -> bool {
        self.budgets.is_crowded(Resource::Connections)
    }
}
