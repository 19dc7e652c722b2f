//! Connections to PostgreSQL: connection strings as libpq reads them, TLS, several hosts, and servers that do not answer.

mod error;
mod open;
mod process;
mod server;
mod tls;
mod url;

use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::config::Host;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::domain::Pooling;
use server::Servers;
use url::ConnectionString;

pub use error::ConnectError;
pub use open::Opened;
pub use server::Endpoint;
pub use url::UrlError;

/// The default, which `connect_timeout` in the URL overrides. Short, so that requests fail quickly while the database is down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens connections to one server, or to that one of several which accepts writes.
#[derive(Clone)]
pub struct Connector {
    /// Everything but the hosts.
    config: Config,
    hosts: Arc<[HostName]>,
    tls: MakeRustlsConnect,
    /// How long a host may take to accept a connection.
    timeout: Duration,
    /// Whether a server that is read-only is refused. Otherwise it is the last choice.
    needs_writable: bool,
    pooling: Pooling,
    servers: Servers,
}

/// A host of the URL.
#[derive(Clone, Debug)]
struct HostName {
    host: Option<Host>,
    /// The address, which saves looking up the name.
    address: Option<IpAddr>,
    port: u16,
}

impl Connector {
    /// Reads a URL, or `key=value` pairs.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let ConnectionString { config, tls, needs_writable } = ConnectionString::parse(text)?;
        let (names, addresses, ports) = (config.get_hosts(), config.get_hostaddrs(), config.get_ports());
        let local = || Some(Host::Tcp("localhost".to_owned()));
        let hosts = (0..names.len().max(addresses.len()).max(1)).map(|at| HostName {
            host: names.get(at).cloned().or_else(|| local().filter(|_| addresses.is_empty())),
            address: addresses.get(at).copied(),
            port: ports.get(at).or(ports.first()).copied().unwrap_or(5432),
        });
        let timeout = config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
        Ok(Self {
            hosts: hosts.collect(),
            config: without_hosts(&config),
            tls: tls.connector()?,
            timeout,
            needs_writable,
            pooling: Pooling::Auto,
            servers: Servers::default(),
        })
    }

    /// How long a host may take to accept a connection.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The same server, where a host may take this long, or longer if the URL says so.
    pub fn patient(mut self, timeout: Duration) -> Self {
        self.timeout = self.timeout.max(timeout);
        self
    }

    /// The same server, with what is known about a pooler before it.
    pub fn pooling(mut self, pooling: Pooling) -> Self {
        self.pooling = pooling;
        self
    }

    /// The same server under another name of the application, as `pg_stat_activity` shows it.
    pub fn named(mut self, application: &str) -> Self {
        self.config.application_name(application);
        self
    }

    /// The same server with another login and another database.
    pub fn with_login(mut self, user: &str, password: &str, database: &str) -> Self {
        self.config.user(user).password(password).dbname(database);
        self
    }

    /// The same server and login with another database.
    pub fn with_database(mut self, database: &str) -> Self {
        self.config.dbname(database);
        self
    }

    /// The name of the first host, or the folder of its socket.
    pub fn host(&self) -> String {
        self.hosts.first().map(HostName::name).unwrap_or_default()
    }

    /// The port of the first host.
    pub fn port(&self) -> u16 {
        self.hosts.first().map_or(5432, |it| it.port)
    }

    /// The role that logs in.
    pub fn user(&self) -> &str {
        self.config.get_user().unwrap_or("of this user")
    }

    /// Hosts, ports and database for display, without user and password.
    pub fn address(&self) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(ToString::to_string).collect();
        let database = self.config.get_dbname().or(self.config.get_user()).unwrap_or("postgres");
        format!("{}/{database}", hosts.join(","))
    }
}

impl HostName {
    fn name(&self) -> String {
        match (&self.host, self.address) {
            (Some(Host::Tcp(name)), _) => name.clone(),
            #[cfg(unix)]
            (Some(Host::Unix(path)), _) => path.display().to_string(),
            (None, address) => address.map(|it| it.to_string()).unwrap_or_default(),
        }
    }
}

impl std::fmt::Display for HostName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.name(), self.port)
    }
}

/// The encrypted stream of a connection.
pub type TlsStream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// A connection that must be polled.
pub type Driver = Connection<Socket, TlsStream>;

/// Waits for an answer while the connection does its work.
pub async fn drive<T>(
    connection: &mut Driver,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, tokio_postgres::Error> {
    let mut answer = pin!(answer);
    loop {
        tokio::select! {
            biased;
            answer = &mut answer => return answer,
            message = std::future::poll_fn(|context| connection.poll_message(context)) => match message {
                // Notices; nothing listens yet.
                Some(message) => drop(message?),
                // The answer says that the connection is closed.
                None => return answer.await,
            },
        }
    }
}

/// The same settings without hosts, and with times that reveal a dead connection within seconds.
fn without_hosts(config: &Config) -> Config {
    let mut new = Config::new();
    if let Some(user) = config.get_user() {
        new.user(user);
    }
    if let Some(password) = config.get_password() {
        new.password(password);
    }
    if let Some(database) = config.get_dbname() {
        new.dbname(database);
    }
    if let Some(options) = config.get_options() {
        new.options(options);
    }
    new.ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .channel_binding(config.get_channel_binding())
        .application_name("provost")
        .keepalives_idle(Duration::from_secs(10))
        .keepalives_interval(Duration::from_secs(3))
        .keepalives_retries(3)
        .tcp_user_timeout(Duration::from_secs(10));
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_names_every_host_and_no_password() {
        for (url, address, timeout) in [
            ("postgres://me:secret@db.example:6543/app", "db.example:6543/app", 2),
            ("postgres://me@a:1,b:2/app?connect_timeout=20", "a:1,b:2/app", 20),
            ("postgres:///app?host=/run/postgresql&user=me", "/run/postgresql:5432/app", 2),
            ("host=a hostaddr=127.0.0.1 user=me", "a:5432/me", 2),
        ] {
            let connector = Connector::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!((connector.address(), connector.timeout().as_secs()), (address.to_owned(), timeout), "{url}");
        }
    }
}
