//! Hosts and origins as people and browsers write them, brought to one form so that they can be compared.

use std::str::FromStr;

use url::Host;

/// A setting that names a host or an origin, and could never match.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameError {
    /// Not an origin.
    #[error(
        "`{0}` is no origin: write http:// or https://, a host, and a port if it is not the usual one \
         (https://chat.example.org), without a path, a user, or a wildcard"
    )]
    Origin(String),
    /// Not a host.
    #[error(
        "`{0}` is no host: write a name or an IP address (chat.example.org), without a scheme, a port, a path, or a wildcard"
    )]
    Host(String),
}

/// A host and its port, as `Host` has them: lower case, IDN as punycode, without a trailing dot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authority {
    /// A name, an IPv4 address, or an IPv6 address in brackets.
    pub host: String,
    /// The port, where one is written.
    pub port: Option<u16>,
}

impl Authority {
    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`; `None` for anything else.
    pub fn read(given: &str) -> Option<Self> {
        let end = if given.starts_with('[') {
            given.find(']')? + 1
        } else {
            given.find(':').unwrap_or(given.len())
        };
        let (host, port) = given.split_at(end);
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            None => return None,
            Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().ok().filter(|port| *port != 0)?)
            }
            Some(_) => return None,
        };
        Some(Self { host: host_name(host)?, port })
    }
}

/// One form for each host: what a browser would send for it.
fn host_name(given: &str) -> Option<String> {
    // The library would decode `%`; browsers never send it in a host.
    let given = given.strip_suffix('.').unwrap_or(given);
    if given.contains('%') {
        return None;
    }
    let host = Host::parse(given).ok()?;
    if let Host::Domain(name) = &host {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !name.split('.').all(|label| !label.is_empty() && label.bytes().all(known)) {
            return None;
        }
    }
    Some(host.to_string())
}

/// A page's origin: scheme, host and port, in the form in which browsers send it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    host: String,
    port: u16,
    /// Of its scheme.
    usual: u16,
    text: String,
}

impl Origin {
    /// Reads the header `Origin`; `None` for one that no page of ours can have, `null` among them.
    pub fn read(given: &str) -> Option<Self> {
        let (scheme, rest) = given.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let usual = match &*scheme {
            "https" => 443,
            "http" => 80,
            _ => return None,
        };
        let Authority { host, port } = Authority::read(rest)?;
        let port = port.unwrap_or(usual);
        let text = if port == usual {
            format!("{scheme}://{host}")
        } else {
            format!("{scheme}://{host}:{port}")
        };
        Some(Self { host, port, usual, text })
    }

    /// As browsers send it: without the scheme's usual port, IDN as punycode.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this is the origin of pages at this host. `Host` does not say the scheme, and a proxy may have ended
    /// TLS: a port that is not written is the usual one of the origin's own scheme.
    pub fn is_at(&self, authority: &Authority) -> bool {
        self.host == authority.host && self.port == authority.port.unwrap_or(self.usual)
    }
}

impl FromStr for Origin {
    type Err = NameError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let trimmed = given.trim();
        Self::read(trimmed.trim_end_matches('/'))
            .ok_or_else(|| NameError::Origin(trimmed.to_owned()))
    }
}

/// Origins, separated by commas; none if the setting is empty, as compose files like to leave it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origins(pub Vec<Origin>);

impl FromStr for Origins {
    type Err = NameError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        given
            .split(',')
            .filter(|origin| !origin.trim().is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// The hosts that the server answers to, separated by commas; all if the setting is empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AllowedHosts(Vec<String>);

impl AllowedHosts {
    /// Whether every host is answered to.
    pub fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this host is among them, whatever the port.
    pub fn has(&self, given: &str) -> bool {
        Authority::read(given).is_some_and(|given| self.0.contains(&given.host))
    }
}

impl FromStr for AllowedHosts {
    type Err = NameError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let host = |given: &str| {
            // Bare IPv6 is what people write where no port can follow.
            let bare = given.parse::<std::net::Ipv6Addr>().map(|address| format!("[{address}]"));
            let read = Authority::read(bare.as_deref().unwrap_or(given))
                .filter(|read| read.port.is_none());
            read.map(|read| read.host).ok_or_else(|| NameError::Host(given.to_owned()))
        };
        given
            .split(',')
            .map(str::trim)
            .filter(|given| !given.is_empty())
            .map(host)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_taken_as_people_write_them() {
        for (given, sent) in [
            ("https://a.example", "https://a.example"),
            ("https://A.Example/", "https://a.example"),
            (" https://a.example:443 ", "https://a.example"),
            ("http://a.example:80", "http://a.example"),
            ("http://a.example:443", "http://a.example:443"),
            ("HTTPS://a.example.:8443", "https://a.example:8443"),
            ("https://чат.пример", "https://xn--80a0bn.xn--e1afmkfd"),
            ("https://ЧАТ.пример:443/", "https://xn--80a0bn.xn--e1afmkfd"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("http://[2001:DB8:0::1]:8080", "http://[2001:db8::1]:8080"),
            ("http://localhost:5173", "http://localhost:5173"),
            ("http://my_app", "http://my_app"),
        ] {
            assert_eq!(given.parse::<Origin>().as_ref().map(Origin::as_str), Ok(sent), "{given}");
        }
    }

    #[test]
    fn an_origin_that_could_never_match_is_refused_and_named() {
        for bad in [
            "a.example",
            "null",
            "*",
            "https://*.a.example",
            "https://.a.example",
            "https://a..example",
            "https://a.example/path",
            "https://a.example?x",
            "https://a.example#x",
            "https://user@a.example",
            "https://a.example:99999",
            "https://a.example:0",
            "https://a.example:+80",
            "https://a.example:http",
            "https://a b.example",
            "https://a%2eexample",
            "https://",
            "https://:443",
            "http:///",
            "ftp://a.example",
            "wss://a.example",
            "https:a.example",
            "https://2001:db8::1",
            "https://[2001:db8::1",
            "https://[2001:db8::1]x",
            "https://a.example\\b",
        ] {
            let error = bad.parse::<Origin>().unwrap_err().to_string();
            assert!(
                error.contains(&format!("`{bad}`")) && error.contains("https://chat.example.org"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_page_is_at_its_host_with_the_port_written_or_not() {
        let at = |origin: &str, host: &str| {
            Origin::read(origin).unwrap().is_at(&Authority::read(host).unwrap())
        };
        for (origin, host) in [
            ("https://a.example", "a.example"),
            ("http://a.example", "a.example"),
            ("https://a.example", "a.example:443"),
            ("https://a.example", "A.EXAMPLE:443"),
            ("http://a.example", "a.example:80"),
            ("https://a.example.", "a.example"),
            ("https://a.example", "a.example.:443"),
            ("https://a.example:8443", "a.example:8443"),
            ("https://a.example", "a.example:"),
            ("https://[2001:db8::1]", "[2001:DB8::0:1]:443"),
        ] {
            assert!(at(origin, host), "{origin} {host}");
        }
        for (origin, host) in [
            ("https://a.example", "a.example:80"),
            ("http://a.example", "a.example:443"),
            ("https://a.example:8443", "a.example"),
            ("http://a.example:443", "a.example"),
            ("https://a.example", "b.example"),
            ("https://a.example", "a.example.evil"),
            ("https://[2001:db8::1]", "[2001:db8::2]"),
        ] {
            assert!(!at(origin, host), "{origin} {host}");
        }
        assert_eq!(Origin::read("null"), None);
        assert_eq!(Origin::read("https://a.example/"), None, "browsers send no path");
    }

    #[test]
    fn hosts_are_taken_as_people_write_them() {
        let allowed: AllowedHosts =
            " Chat.example.org., чат.пример ,127.0.0.1,2001:db8::1,[::1],".parse().unwrap();
        for good in [
            "chat.example.org",
            "CHAT.example.org.:8443",
            "xn--80a0bn.xn--e1afmkfd",
            "127.0.0.1:8080",
            "[2001:db8::1]",
            "[::1]:80",
        ] {
            assert!(allowed.has(good), "{good}");
        }
        for bad in [
            "example.org",
            "evil.example",
            "a.chat.example.org",
            "127.0.0.2",
            "",
            "a b",
            "x@chat.example.org",
            "2001:db8::1",
        ] {
            assert!(!allowed.has(bad), "{bad}");
        }
        assert!("".parse::<AllowedHosts>().unwrap().is_open() && !allowed.is_open());
        for bad in [
            "https://a.example",
            "a.example:80",
            "*.example",
            ".example",
            "a.example/x",
            "u@a.example",
            "a b",
            "*",
        ] {
            let error = bad.parse::<AllowedHosts>().unwrap_err().to_string();
            assert!(
                error.contains(&format!("`{bad}`")) && error.contains("chat.example.org"),
                "{error}"
            );
        }
    }
}
