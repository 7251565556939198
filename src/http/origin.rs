//! The host that a request is for, and the origin of the page that sends it.

use hyper::{
    Request, Version,
    header::{HOST, HeaderName, ORIGIN},
    http::uri,
};

use super::header;
use crate::{
    config::{AllowedHosts, Authority, Origin},
    protocol::ApiError,
};

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The hosts and origins that the operator allows.
#[derive(Clone, Debug)]
pub struct Origins {
    /// Further origins whose pages may connect.
    pub allowed: Vec<Origin>,
    /// Hosts that the server answers to.
    pub hosts: AllowedHosts,
    /// How many proxies stand before this server.
    pub proxies: usize,
}

/// A request names one host: with two, a proxy may have used the other one. HTTP/1.0 needs none.
pub(super) fn check_host<B>(request: &Request<B>) -> Result<(), ApiError> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let good = match (hosts.next(), hosts.next()) {
        (None, _) => request.version() < Version::HTTP_11,
        (Some(host), None) => {
            host.is_empty()
                || (!host.as_bytes().contains(&b'@')
                    && uri::Authority::try_from(host.as_bytes()).is_ok())
        }
        (Some(_), Some(_)) => false,
    };
    if good { Ok(()) } else { Err(ApiError::BadHost) }
}

/// The server may answer to some hosts only, so that no other site's name can be pointed at it (DNS rebinding). A page
/// of such a site may set `X-Forwarded-Host`: every host that the request names must be allowed.
pub(super) fn check_name<B>(request: &Request<B>, origins: &Origins) -> Result<(), ApiError> {
    if origins.hosts.is_open() {
        return Ok(());
    }
    let mut named =
        [direct_host(request), header(request, HOST), forwarded_host(request, origins.proxies)]
            .into_iter()
            .flatten();
    let good = direct_host(request).is_some() && named.all(|host| origins.hosts.has(host));
    if good { Ok(()) } else { Err(ApiError::UnknownHost) }
}

/// A page may connect to its own host, and from the origins that are allowed. A request without an origin is not a
/// page's.
pub(super) fn check_origin<B>(request: &Request<B>, origins: &Origins) -> Result<(), ApiError> {
    let Some(origin) = request.headers().get(ORIGIN) else {
        // Another site's page may embed an address of this server as a picture, and browsers then send no origin. From
        // a site under the same domain they would send the login cookie.
        let site = request.headers().get("sec-fetch-site");
        let embedded = site.is_some_and(|site| site == "cross-site" || site == "same-site");
        return if embedded { Err(ApiError::ForbiddenOrigin) } else { Ok(()) };
    };
    let origin = origin.to_str().map_err(|_| ApiError::ForbiddenOrigin)?;
    let own = asked_host(request, origins.proxies);
    // Nearly always both are written alike, and need no parsing.
    let site = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    if site.is_some() && site == own {
        return Ok(());
    }
    let origin = Origin::read(origin).ok_or(ApiError::ForbiddenOrigin)?;
    let own = own.and_then(Authority::read);
    let good = own.is_some_and(|own| origin.is_at(&own)) || origins.allowed.contains(&origin);
    if good { Ok(()) } else { Err(ApiError::ForbiddenOrigin) }
}

/// The base URL of this server as the client sees it: `https://chat.example.org`. `None` if the request names no host.
pub(super) fn public_base<B>(request: &Request<B>, origins: &Origins) -> Option<String> {
    let Authority { host, port } = Authority::read(asked_host(request, origins.proxies)?)?;
    let scheme = if is_secure(request) { "https" } else { "http" };
    let port = port.filter(|port| *port != if scheme == "https" { 443 } else { 80 });
    Some(
        port.map_or_else(
            || format!("{scheme}://{host}"),
            |port| format!("{scheme}://{host}:{port}"),
        ),
    )
}

/// Whether the client uses TLS, by a proxy's header or the browser's origin. A client that lies changes only its own
/// responses, so the header is always trusted.
pub(super) fn is_secure<B>(request: &Request<B>) -> bool {
    let forwarded = header(request, FORWARDED_PROTO).and_then(|schemes| schemes.split(',').next());
    forwarded.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
        || header(request, ORIGIN).is_some_and(|origin| {
            origin.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"))
        })
}

/// The host that the client asked for. If proxies are configured, a proxy's `X-Forwarded-Host` goes before `Host`.
fn asked_host<B>(request: &Request<B>, proxies: usize) -> Option<&str> {
    forwarded_host(request, proxies).or_else(|| direct_host(request))
}

/// A host in the request target goes before `Host`, as HTTP demands.
fn direct_host<B>(request: &Request<B>) -> Option<&str> {
    let named =
        request.uri().authority().map(uri::Authority::as_str).or_else(|| header(request, HOST));
    named.filter(|host| !host.is_empty())
}

/// The `Host` that the outermost of the `proxies` saw. If each proxy appends to the list, it is that many entries from
/// the end. Most pass the list on or replace it, so that it is shorter: then the first entry.
fn forwarded_host<B>(request: &Request<B>, proxies: usize) -> Option<&str> {
    let others = proxies.checked_sub(1)?;
    let mut lines = request.headers().get_all(FORWARDED_HOST).iter().peekable();
    lines.peek()?;
    let hosts: Vec<&str> = lines
        .flat_map(|line| line.to_str().unwrap_or_default().split(','))
        .map(str::trim)
        .collect();
    hosts.iter().rev().nth(others).or(hosts.first()).copied().filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)]) -> Request<()> {
        headers
            .iter()
            .fold(Request::get("/ws"), |request, (name, value)| request.header(*name, *value))
            .body(())
            .unwrap()
    }

    fn origins(allowed: &str, hosts: &str, proxies: usize) -> Origins {
        Origins {
            allowed: allowed.parse::<crate::config::Origins>().unwrap().0,
            hosts: hosts.parse().unwrap(),
            proxies,
        }
    }

    #[test]
    fn a_page_may_connect_to_its_own_host_and_where_it_is_allowed() {
        let origins = origins("https://other.example:443,https://чат.пример", "", 0);
        let ask = |host: &str, origin: Option<&str>| {
            let headers: Vec<_> = [("host", host)]
                .into_iter()
                .chain(origin.map(|origin| ("origin", origin)))
                .collect();
            check_origin(&request(&headers), &origins)
        };
        let own = "chat.example:8080";
        for good in [
            None,
            Some("http://chat.example:8080"),
            Some("https://Chat.example:8080"),
            Some("https://other.example"),
            Some("https://xn--80a0bn.xn--e1afmkfd"),
        ] {
            assert_eq!(ask(own, good), Ok(()), "{good:?}");
        }
        for bad in [
            "null",
            "http://chat.example",
            "http://evil.example",
            "http://chat.example:8080.evil",
            "https://other.example:1",
            "http://other.example",
            "https://chat.example:8080/",
            "file://",
            "",
        ] {
            assert_eq!(ask(own, Some(bad)), Err(ApiError::ForbiddenOrigin), "{bad}");
        }
        for (host, origin) in [
            ("name:443", "https://name"),
            ("name", "https://name"),
            ("name:80", "http://name"),
            ("NAME.", "https://name"),
            ("[::1]:443", "https://[::1]"),
        ] {
            assert_eq!(ask(host, Some(origin)), Ok(()), "{host} {origin}");
        }
        for (host, origin) in [
            ("", "http://"),
            ("", "null"),
            ("name:80", "https://name"),
            ("name:443", "http://name"),
        ] {
            assert_eq!(ask(host, Some(origin)), Err(ApiError::ForbiddenOrigin), "{host} {origin}");
        }
        for site in ["cross-site", "same-site"] {
            let picture = request(&[("sec-fetch-site", site)]);
            assert_eq!(check_origin(&picture, &origins), Err(ApiError::ForbiddenOrigin), "{site}");
        }
    }

    #[test]
    fn a_proxy_that_rewrites_host_is_read_if_it_is_trusted() {
        let ask = |forwarded: &[&str], proxies| {
            let mut headers = vec![("host", "127.0.0.1:8080"), ("origin", "https://name")];
            headers.extend(forwarded.iter().map(|hosts| ("x-forwarded-host", *hosts)));
            check_origin(&request(&headers), &origins("", "", proxies)).is_ok()
        };
        assert!(!ask(&["name"], 0) && !ask(&[], 1) && !ask(&[""], 1) && !ask(&["a b"], 1));
        assert!(
            ask(&["name"], 1)
                && ask(&["name:443"], 1)
                && ask(&["evil, name"], 1)
                && ask(&["evil", "name"], 1)
        );
        assert!(!ask(&["name, evil"], 1) && !ask(&["name", "evil"], 1));
        assert!(ask(&["name, inner"], 2) && ask(&["evil, name, inner"], 2));
        assert!(ask(&["name"], 2), "the inner one passes on what the outer one said");
    }

    #[test]
    fn the_server_answers_to_the_hosts_that_were_allowed() {
        let ask = |headers: &[(&str, &str)], proxies| {
            check_name(&request(headers), &origins("", "name,127.0.0.1", proxies))
        };
        for good in ["name", "NAME.:8080", "127.0.0.1:1"] {
            assert_eq!(ask(&[("host", good)], 0), Ok(()), "{good}");
        }
        for bad in ["evil", "name.evil", "", "127.0.0.2", "[::1]"] {
            assert_eq!(ask(&[("host", bad)], 0), Err(ApiError::UnknownHost), "{bad}");
        }
        assert_eq!(ask(&[], 0), Err(ApiError::UnknownHost), "nor to a request that names none");
        let forwarded = |host, forwarded| [("host", host), ("x-forwarded-host", forwarded)];
        assert_eq!(ask(&forwarded("127.0.0.1:8080", "name"), 1), Ok(()));
        assert_eq!(ask(&forwarded("127.0.0.1:8080", "evil"), 1), Err(ApiError::UnknownHost));
        assert_eq!(ask(&forwarded("evil", "name"), 1), Err(ApiError::UnknownHost));
        assert_eq!(ask(&forwarded("name", "evil"), 0), Ok(()), "nobody vouches for it");
        let absolute = Request::get("http://evil/").header("host", "name").body(()).unwrap();
        assert_eq!(check_name(&absolute, &origins("", "name", 0)), Err(ApiError::UnknownHost));
        assert_eq!(
            check_name(&request(&[]), &origins("", "", 0)),
            Ok(()),
            "an empty list allows all"
        );
    }

    #[test]
    fn the_public_address_is_that_of_the_request() {
        let ask = |headers: &[(&str, &str)], proxies| {
            public_base(&request(headers), &origins("", "", proxies))
        };
        let base = |text: &str| Some(text.to_owned());
        assert_eq!(ask(&[("host", "Name:8080")], 0), base("http://name:8080"));
        assert_eq!(
            ask(&[("host", "name:443"), ("x-forwarded-proto", "https, http")], 0),
            base("https://name")
        );
        assert_eq!(ask(&[("host", "inner"), ("x-forwarded-host", "name")], 1), base("http://name"));
        for bad in ["a'b", "a&b", "a%22b", "", "a:b"] {
            assert_eq!(ask(&[("host", bad)], 0), None, "{bad}");
        }
        assert_eq!(ask(&[("host", "x"), ("x-forwarded-host", "\"><script>")], 1), None);
    }
}
