//! The address of a request's client.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Once,
};

use hyper::{Request, header::HeaderName};

use super::Peer;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Why the peer's address is used, although the request or the settings mention proxies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Doubt {
    /// There seems to be a proxy, and none is configured.
    Unexpected,
    /// The entry that the proxies should have added is missing, or is no address.
    Missing,
}

/// The address of the client. Each of the `proxies` before this server appends the address it saw to `X-Forwarded-For`.
/// Entries before those were written by the client.
pub(super) fn address<B>(request: &Request<B>, proxies: usize) -> IpAddr {
    static UNEXPECTED: Once = Once::new();
    static MISSING: Once = Once::new();
    let (address, doubt) = read(request, proxies);
    match doubt {
        None => {}
        Some(Doubt::Unexpected) => UNEXPECTED.call_once(|| {
            tracing::warn!(
                "a request carries X-Forwarded-For, and PARLOR_PROXIES is 0: if a proxy stands before this server, all its \
                 clients count as one address; set PARLOR_PROXIES to the number of proxies"
            );
        }),
        Some(Doubt::Missing) => MISSING.call_once(|| {
            tracing::warn!(
                proxies,
                "X-Forwarded-For lacks what PARLOR_PROXIES says that the proxies add: the peer's address is used; let each \
                 proxy append the address it sees (HAProxy: option forwardfor), or lower PARLOR_PROXIES"
            );
        }),
    }
    address
}

fn read<B>(request: &Request<B>, proxies: usize) -> (IpAddr, Option<Doubt>) {
    let peer = request
        .extensions()
        .get()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(address)| address.to_canonical());
    let lines = request.headers().get_all(FORWARDED_FOR);
    let Some(others) = proxies.checked_sub(1) else {
        return (peer, lines.iter().next().map(|_| Doubt::Unexpected));
    };
    // From the end, as far as needed: the rest may be long, and the client wrote it.
    let seen = lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    let first = seen
        .map(<[u8]>::trim_ascii)
        .nth(others)
        .and_then(|first| parse(std::str::from_utf8(first).ok()?));
    first.map_or((peer, Some(Doubt::Missing)), |first| (first, None))
}

/// Parses what proxies write: an address, `[v6]`, or either with a port.
fn parse(given: &str) -> Option<IpAddr> {
    let bracketed = given.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = given.parse::<IpAddr>().ok();
    let address = address.or_else(|| given.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    let address = address.or_else(|| bracketed?.parse().ok().map(IpAddr::V6));
    // On a socket for both families the kernel writes IPv4 as ::ffff:1.2.3.4.
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(seen: &[&str], proxies: usize) -> (String, Option<Doubt>) {
        let request = Request::get("/").extension(Peer(IpAddr::from([10, 0, 0, 1])));
        let request =
            seen.iter().fold(request, |request, seen| request.header("x-forwarded-for", *seen));
        let (address, doubt) = read(&request.body(()).unwrap(), proxies);
        (address.to_string(), doubt)
    }

    #[test]
    fn an_address_is_what_the_proxies_saw_and_not_what_the_client_claims() {
        for (seen, proxies, address) in [
            (&["192.0.2.9, 192.0.2.1"][..], 1, "192.0.2.1"),
            (&["192.0.2.9", "2001:db8::1, 192.0.2.1"], 2, "2001:db8::1"),
            (&["192.0.2.9,192.0.2.8", "192.0.2.1"], 2, "192.0.2.8"),
            (&["192.0.2.1:4711"], 1, "192.0.2.1"),
            (&["[2001:db8::1]:4711"], 1, "2001:db8::1"),
            (&["x, [2001:db8::1] "], 1, "2001:db8::1"),
            (&["2001:db8::1"], 1, "2001:db8::1"),
            (&["::ffff:192.0.2.1"], 1, "192.0.2.1"),
            (&["[::ffff:192.0.2.1]:80"], 1, "192.0.2.1"),
        ] {
            assert_eq!(ask(seen, proxies), (address.to_owned(), None), "{seen:?}");
        }
        assert_eq!(ask(&[], 0), ("10.0.0.1".to_owned(), None));
    }

    #[test]
    fn what_the_proxies_should_have_added_is_missed() {
        let peer = |doubt| ("10.0.0.1".to_owned(), Some(doubt));
        assert_eq!(ask(&["192.0.2.9"], 0), peer(Doubt::Unexpected));
        for (seen, proxies) in [
            (&[][..], 1),
            (&["192.0.2.1"], 2),
            (&["nonsense"], 1),
            (&["192.0.2.1, "], 1),
            (&["unknown, 192.0.2.1"], 2),
            (&["192.0.2.1:x"], 1),
            (&["[192.0.2.1]"], 1),
            (&["[2001:db8::1"], 1),
            (&["192.0.2.1, caf\u{e9}"], 1),
        ] {
            assert_eq!(ask(seen, proxies), peer(Doubt::Missing), "{seen:?}");
        }
        let mapped =
            Request::get("/").extension(Peer("::ffff:10.0.0.1".parse().unwrap())).body(()).unwrap();
        assert_eq!(read(&mapped, 0).0.to_string(), "10.0.0.1");
    }
}
