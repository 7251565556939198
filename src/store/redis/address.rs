//! What a Redis URL says: which servers to ask, how, and what for.

use fred::types::{
    RespVersion,
    config::{Config, Server, ServerConfig, TlsConnector},
};
use percent_encoding::percent_decode_str;

/// Why a URL cannot be used. Never shows the URL, which may hold a password.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RedisConfigError {
    /// Not a Redis URL at all.
    #[error(
        "a Redis URL is redis://[user[:password]@]host[:port][/database], redis-cluster://…host[:port],host[:port]…, \
        or redis-sentinel://…host[:port],host[:port]…/service[/database]; with rediss in front for TLS"
    )]
    BadUrl,
    /// The URL does not name the service: Sentinels watch many masters, each under a name.
    #[error(
        "a redis-sentinel:// URL names the service as well: redis-sentinel://host:port,host:port/service"
    )]
    NoService,
    /// The URL names a database of a Cluster: only single servers have databases.
    #[error("a Redis Cluster has no database but 0")]
    ClusterDatabase,
    /// fred sends credentials as an inline command, not as counted strings, and there these characters mean something else.
    #[error("a user or password for Redis may not hold spaces, quotes or line breaks")]
    Credentials,
    /// The certificates of this machine cannot be read.
    #[error("rediss:// needs the trusted certificates of this machine, which cannot be read")]
    Certificates,
}

/// What the hosts of a URL are.
pub(super) enum Deployment {
    /// The server itself.
    Server,
    /// Some of the servers of a Cluster.
    Cluster,
    /// Sentinels, which know the master of a service.
    Sentinels {
        /// The service's name.
        service: String,
        /// How to connect to the Sentinels. They have their own passwords, or none.
        config: Box<Config>,
    },
}

/// The deployment that this server should be part of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    /// It is the only server that the URL names.
    pub(super) alone: bool,
    /// It is a server of a Cluster.
    pub(super) clustered: bool,
    /// The number of the database.
    pub(super) database: u8,
}

/// A parsed URL.
pub(super) struct Address {
    /// The hosts that the URL names; at least one.
    pub(super) hosts: Vec<Server>,
    pub(super) deployment: Deployment,
    /// How to connect to a server that keeps rooms; the server is still to be filled in.
    config: Config,
}

/// The parameters after the question mark.
#[derive(Default)]
struct Query {
    hosts: Vec<String>,
    service: Option<String>,
    user: Option<String>,
    password: Option<String>,
}

impl Address {
    /// Parses a URL.
    pub(super) fn read(url: &str) -> Result<Self, RedisConfigError> {
        let bad = RedisConfigError::BadUrl;
        let (scheme, rest) = url.split_once("://").ok_or(bad)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let query = Query::read(query).ok_or(bad)?;
        let (first, kind) = scheme.split_once('-').unwrap_or((scheme, ""));
        let tls = match first {
            "redis" => None,
            "rediss" => Some(
                TlsConnector::default_rustls().map_err(|_| RedisConfigError::Certificates)?.into(),
            ),
            _ => return Err(bad),
        };
        let mut parts: Vec<String> =
            path.split('/').map(decode).collect::<Option<_>>().ok_or(bad)?;
        parts.retain(|part| !part.is_empty());
        let mut parts = parts.into_iter();
        let (user, password) = user.split_once(':').unwrap_or((user, ""));
        let known = |word: String| Some(word).filter(|word| !word.is_empty());
        let credentials = [user, password]
            .map(decode)
            .into_iter()
            .chain([query.user.clone(), query.password.clone()]);
        if credentials.flatten().any(|word| {
            word.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\''))
        }) {
            return Err(RedisConfigError::Credentials);
        }
        let mut config = Config {
            username: known(decode(user).ok_or(bad)?),
            password: known(decode(password).ok_or(bad)?),
            version: RespVersion::RESP3,
            fail_fast: false,
            tls,
            ..Config::default()
        };
        let deployment = match kind {
            "" => Deployment::Server,
            "cluster" => Deployment::Cluster,
            "sentinel" => {
                let service = query
                    .service
                    .clone()
                    .or_else(|| parts.next())
                    .ok_or(RedisConfigError::NoService)?;
                let (username, password) = (query.user.clone(), query.password.clone());
                Deployment::Sentinels {
                    service,
                    config: Box::new(Config { username, password, ..config.clone() }),
                }
            }
            _ => return Err(bad),
        };
        let sentinels = matches!(deployment, Deployment::Sentinels { .. });
        if !sentinels
            && (query.service.is_some() || query.user.is_some() || query.password.is_some())
        {
            return Err(bad);
        }
        if let Some(database) = parts.next() {
            config.database = Some(database.parse().map_err(|_| bad)?);
        }
        let port = if sentinels { 26379 } else { 6379 };
        let hosts = hosts.split(',').chain(query.hosts.iter().map(String::as_str));
        let hosts: Vec<Server> =
            hosts.map(|host| server(host, port)).collect::<Option<_>>().ok_or(bad)?;
        if parts.next().is_some() || matches!(deployment, Deployment::Server) && hosts.len() > 1 {
            return Err(bad);
        }
        if matches!(deployment, Deployment::Cluster)
            && config.database.is_some_and(|database| database != 0)
        {
            return Err(RedisConfigError::ClusterDatabase);
        }
        Ok(Self { hosts, deployment, config })
    }

    /// The number of the database.
    pub(super) fn database(&self) -> u8 {
        self.config.database.unwrap_or_default()
    }

    /// How to connect to one of the servers that keep rooms.
    pub(super) fn config(&self, server: &Server) -> Config {
        at(&self.config, server)
    }
}

/// The same configuration for one server.
pub(super) fn at(config: &Config, server: &Server) -> Config {
    Config { server: ServerConfig::Centralized { server: server.clone() }, ..config.clone() }
}

impl Query {
    fn read(query: &str) -> Option<Self> {
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            match &*name {
                "node" => read.hosts.push(value),
                "sentinelServiceName" => read.service = Some(value),
                "sentinelUsername" => read.user = Some(value),
                "sentinelPassword" => read.password = Some(value),
                _ => return None,
            }
        }
        Some(read)
    }
}

fn decode(word: &str) -> Option<String> {
    percent_decode_str(word).decode_utf8().ok().map(Into::into)
}

/// `host`, `host:port`, or `[address]:port` for IPv6.
fn server(word: &str, port: u16) -> Option<Server> {
    let (host, rest) = match word.strip_prefix('[') {
        Some(word) => word.split_once(']')?,
        None => word.split_at(word.find(':').unwrap_or(word.len())),
    };
    let port = match rest.strip_prefix(':') {
        Some(port) => port.parse().ok()?,
        None if rest.is_empty() => port,
        None => return None,
    };
    let fits = !host.is_empty() && !host.contains(['#', '@', ' ', '/']);
    fits.then(|| Server::new(host, port))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn hosts(url: &str) -> Vec<String> {
        Address::read(url).unwrap().hosts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn urls_are_read_or_refused_without_being_shown() {
        let address = Address::read("redis://ann:s%3Acret@localhost:7000/3").unwrap();
        let config = address.config(&address.hosts[0]);
        assert_eq!(
            (config.username.as_deref(), config.password.as_deref()),
            (Some("ann"), Some("s:cret"))
        );
        assert_eq!(
            (address.database(), hosts("redis://:pw@localhost/")),
            (3, vec!["localhost:6379".to_owned()])
        );
        assert_eq!(hosts("redis://[::1]:7000"), ["::1:7000"]);
        for bad in [
            "",
            "localhost:6379",
            "http://secret@localhost",
            "redis://",
            "redis://:secret@localhost/x",
            "redis://:secret@localhost:port",
            "redis://a/1/2",
            "redis://a,b",
            "redis://a?secret=1",
            "redis://a?sentinelServiceName=rooms",
            "redis-ring://a",
            "redis-cluster://a:1,",
            "redis-cluster://a#b",
        ] {
            let error = Address::read(bad).map(drop).unwrap_err();
            assert_eq!(error, RedisConfigError::BadUrl, "{bad}");
            assert!(!error.to_string().contains("secret"));
        }
    }

    #[test]
    fn cluster_urls_name_some_of_its_servers() {
        assert_eq!(hosts("redis-cluster://ann:pw@a:1,b,[::1]:3"), ["a:1", "b:6379", "::1:3"]);
        assert_eq!(hosts("redis-cluster://a:1?node=b:2&node=c:3"), ["a:1", "b:2", "c:3"]);
        assert!(matches!(
            Address::read("redis-cluster://a/0").unwrap().deployment,
            Deployment::Cluster
        ));
        assert_eq!(
            Address::read("redis-cluster://a/1").map(drop),
            Err(RedisConfigError::ClusterDatabase)
        );
    }

    #[test]
    fn sentinel_urls_name_the_service_and_may_hold_two_passwords() {
        for url in [
            "redis-sentinel://ann:pw@a:1,b/rooms/2?sentinelUsername=bob&sentinelPassword=w%2Fp",
            "redis-sentinel://ann:pw@a:1/2?node=b&sentinelServiceName=rooms&sentinelUsername=bob&sentinelPassword=w%2Fp",
        ] {
            let address = Address::read(url).unwrap();
            assert_eq!(
                (hosts(url), address.database()),
                (vec!["a:1".to_owned(), "b:26379".to_owned()], 2)
            );
            assert_eq!(address.config(&Server::new("c", 1)).password.as_deref(), Some("pw"));
            let Deployment::Sentinels { service, config } = address.deployment else {
                panic!("{url}")
            };
            assert_eq!(service, "rooms");
            assert_eq!(
                (config.username.as_deref(), config.password.as_deref()),
                (Some("bob"), Some("w/p"))
            );
            assert_eq!(config.database, None);
        }
        assert_eq!(
            Address::read("redis-sentinel://a:1").map(drop),
            Err(RedisConfigError::NoService)
        );
        for url in
            ["redis://:a%20b@c", "redis://:a%22@c", "redis-sentinel://a/b?sentinelPassword=a+b"]
        {
            assert_eq!(Address::read(url).map(drop), Err(RedisConfigError::Credentials), "{url}");
        }
    }
}
