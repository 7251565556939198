//! HTTP clients. livekit-api builds reqwest without a TLS provider, and a client panics where none is installed.

use std::sync::Once;

use reqwest::{Client, ClientBuilder, IntoUrl, Response, Result};

/// A client to be set up.
pub fn builder() -> ClientBuilder {
    static INSTALLED: Once = Once::new();
    // Another part of the process may have installed one already.
    INSTALLED.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    Client::builder()
}

/// A client.
pub fn client() -> Client {
    builder().build().unwrap()
}

/// Gets an address.
pub async fn get(url: impl IntoUrl) -> Result<Response> {
    client().get(url).send().await
}
