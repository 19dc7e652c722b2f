//! Opens a connection: tries one host after the other, each as soon as the one before has failed or has not answered for a moment, and
//! prefers a server that accepts writes.

use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::lookup_host;
use tokio::time::timeout;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::error::{Failed, Reason};
use super::process::announced_process;
use super::server::Place;
use super::{ConnectError, Connector, Driver, Endpoint, HostName, drive};
use crate::domain::Pooling;

/// How long a host may be silent before the next one is tried too.
const STAGGER: Duration = Duration::from_millis(250);
/// What a connection must know about its session.
const FACTS: &str = include_str!("../../sql/queries/database/facts.sql");

/// An open connection, which works only while it is polled.
pub struct Opened {
    pub client: Client,
    pub connection: Driver,
    pub endpoint: Endpoint,
    /// Whether the session accepts writes: not on a standby, and not where its default is read-only.
    pub is_writable: bool,
    /// Whether something between shares the connections of the server: its session is not the one that was started here.
    pub is_pooled: bool,
    /// Whether triggers are off, because `session_replication_role` is not `origin`.
    pub skips_triggers: bool,
}

/// The end of an attempt that is not the best one.
enum Inferior {
    Failed(Failed),
    ReadOnly(String, Box<Opened>),
}

impl Connector {
    /// A connection outside every pool.
    pub async fn connect(&self) -> Result<(Client, Driver), ConnectError> {
        self.open().await.map(|it| (it.client, it.connection))
    }

    /// Opens a connection, to a server that accepts writes if there is one.
    ///
    /// # Errors
    /// If no host accepts a connection in time, or all are read-only and the URL asks for another one.
    pub async fn open(&self) -> Result<Opened, ConnectError> {
        let inferior = match first(self.hosts.iter().map(|host| self.open_host(host))).await {
            Ok(opened) => return Ok(opened),
            Err(inferior) => inferior,
        };
        let (mut failed, mut read_only) = (Vec::new(), None);
        for it in inferior.into_iter().flatten() {
            match it {
                Inferior::Failed(it) => failed.push(it),
                Inferior::ReadOnly(address, _) if self.needs_writable => {
                    failed.push(Failed { address, reason: Reason::ReadOnly })
                }
                Inferior::ReadOnly(_, opened) => _ = read_only.get_or_insert(opened),
            }
        }
        read_only.map(|it| *it).ok_or(ConnectError(failed))
    }

    /// Like [`Connector::open`], for the tables of Provost, which need their triggers.
    pub async fn open_with_triggers(&self) -> Result<Opened, ConnectError> {
        let opened = self.open().await?;
        if opened.skips_triggers { Err(ConnectError::skips_triggers(self)) } else { Ok(opened) }
    }

    /// Opens a connection to a host, at any of its addresses.
    async fn open_host(&self, host: &HostName) -> Result<Opened, Vec<Inferior>> {
        let failed = |reason| vec![Inferior::Failed(Failed { address: host.to_string(), reason })];
        let addresses: Vec<Option<IpAddr>> = match (&host.host, host.address) {
            (Some(Host::Tcp(name)), None) => match timeout(self.timeout, lookup_host((name.as_str(), host.port))).await
            {
                Ok(Ok(found)) => found.map(|it| Some(it.ip())).collect(),
                Ok(Err(error)) => return Err(failed(Reason::Unknown(error))),
                Err(_) => return Err(failed(Reason::Silent(self.timeout))),
            },
            (_, address) => vec![address],
        };
        if addresses.is_empty() {
            return Err(failed(Reason::Unknown(std::io::Error::other("it has no address"))));
        }
        first(addresses.into_iter().map(|address| self.open_address(host, address))).await
    }

    async fn open_address(&self, host: &HostName, address: Option<IpAddr>) -> Result<Opened, Inferior> {
        let name = match address {
            Some(ip) if ip.to_string() != host.name() => format!("{host} ({ip})"),
            _ => host.to_string(),
        };
        let failed = |reason| Inferior::Failed(Failed { address: name.clone(), reason });
        match timeout(self.timeout, self.open_one(host, address)).await {
            Ok(Ok(opened)) if opened.is_writable => Ok(opened),
            Ok(Ok(opened)) => Err(Inferior::ReadOnly(name, Box::new(opened))),
            Ok(Err(error)) => Err(failed(Reason::Refused(error))),
            Err(_) => Err(failed(Reason::Silent(self.timeout))),
        }
    }

    async fn open_one(&self, host: &HostName, address: Option<IpAddr>) -> Result<Opened, tokio_postgres::Error> {
        let mut config = self.config.clone();
        let place = match (&host.host, address) {
            #[cfg(unix)]
            (Some(Host::Unix(folder)), _) => {
                config.host_path(folder);
                Place::Unix(folder.clone(), host.port)
            }
            (name, address) => {
                if let Some(Host::Tcp(name)) = name {
                    config.host(name);
                }
                let address = address.unwrap_or(IpAddr::from([127, 0, 0, 1]));
                config.hostaddr(address);
                Place::Tcp(address, host.port)
            }
        };
        // Taken before, so that a server that stops answering meanwhile is noticed.
        let endpoint = self.servers.endpoint(&place);
        let (client, mut connection) = config.port(host.port).connect(self.tls.clone()).await?;
        let rows = drive(&mut connection, client.simple_query(FACTS)).await?;
        let facts = rows.iter().find_map(|it| match it {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let fact = |name: &str| facts.and_then(|row| row.try_get(name).ok().flatten()).unwrap_or_default();
        let is_pooled = match self.pooling {
            Pooling::Session => false,
            Pooling::Transaction => true,
            Pooling::Auto => announced_process(&client).await.is_some_and(|pid| pid.to_string() != fact("pid")),
        };
        let (is_writable, skips_triggers) = (fact("read_only") != "on", fact("replication_role") != "origin");
        Ok(Opened { client, connection, endpoint, is_writable, is_pooled, skips_triggers })
    }
}

/// Starts one attempt after the other: the next one as soon as one has failed, or after a moment of silence. Returns the first success,
/// and drops the other attempts, or returns all errors.
async fn first<T, E>(attempts: impl Iterator<Item = impl Future<Output = Result<T, E>>>) -> Result<T, Vec<E>> {
    let (mut attempts, mut running, mut errors) = (attempts, FuturesUnordered::new(), Vec::new());
    let mut has_more = true;
    loop {
        if has_more {
            match attempts.next() {
                Some(attempt) => running.push(attempt),
                None => has_more = false,
            }
        }
        tokio::select! {
            ended = running.next() => match ended {
                Some(Ok(value)) => return Ok(value),
                Some(Err(error)) => errors.push(error),
                None if !has_more => return Err(errors),
                None => {}
            },
            () = tokio::time::sleep(STAGGER), if has_more => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;

    use super::*;

    type Attempt = BoxFuture<'static, Result<u8, u8>>;

    fn answers(result: Result<u8, u8>) -> Attempt {
        ready(result).boxed()
    }

    #[tokio::test(start_paused = true)]
    async fn failure_and_silence_lead_to_the_next_host() {
        for (attempts, expected, waited) in [
            (vec![answers(Err(1)), answers(Ok(2))], Ok(2), 0),
            (vec![pending().boxed(), answers(Ok(2))], Ok(2), 250),
            (vec![pending().boxed(), answers(Err(1)), answers(Ok(3))], Ok(3), 250),
            (vec![answers(Ok(1)), answers(Ok(2))], Ok(1), 0),
            (vec![answers(Err(1)), answers(Err(2))], Err(vec![1, 2]), 0),
            (vec![], Err(vec![]), 0),
        ] {
            let started = tokio::time::Instant::now();
            assert_eq!(first(attempts.into_iter()).await, expected);
            assert_eq!(started.elapsed().as_millis(), waited);
        }
    }
}
