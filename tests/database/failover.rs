//! Another server takes over, whatever the first one does.

use nix::sys::signal::Signal;
use provost::embedded::Embedded;
use serde_json::json;
use tokio_postgres::NoTls;
use tokio_postgres::tls::NoTlsStream;

use crate::harness::{NetworkFault, Proxy, Server, Standby, eventually, run_folder, signal_all, start_cluster};

/// A primary and its standby.
struct Pair {
    primary: Embedded,
    standby: Standby,
}

impl Pair {
    fn new() -> Self {
        let primary = start_cluster("failover", "100", None);
        let standby = Standby::of(&primary, &run_folder("failover").join("data"));
        Self { primary, standby }
    }

    /// A URL with hosts in this order, by their ports.
    fn url(&self, ports: [u16; 2], query: &str) -> String {
        let [first, second] = ports;
        let hosts = format!("@127.0.0.1:{first},127.0.0.1:{second}/postgres");
        let own = format!("@127.0.0.1:{}/postgres", self.primary.port());
        let url = self.primary.url().split('?').next().unwrap().replace(&own, &hosts);
        format!("{url}?{query}")
    }
}

async fn connect(
    url: &str,
) -> Result<
    (tokio_postgres::Client, tokio_postgres::Connection<tokio_postgres::Socket, NoTlsStream>),
    tokio_postgres::Error,
> {
    tokio_postgres::connect(url, NoTls).await
}

/// A project is created and provisioned, after requests that failed.
async fn works(server: &Server) {
    let id = eventually("a write is accepted", async || {
        let answer = server.post("/projects", json!({"name": "after"})).await;
        (answer.status == 201).then(|| answer.json()["id"].as_str().unwrap().to_owned())
    })
    .await;
    server.until(&id, "ready").await;
}

#[tokio::test]
async fn promoted_server_is_found_whatever_the_first_one_does() {
    let pair = Pair::new();
    let (first, second) = (pair.primary.port(), pair.standby.port);
    let proxy = Proxy::to(first);
    let silent_port = proxy.address().rsplit(':').next().unwrap().parse().unwrap();
    let strict = "target_session_attrs=read-write";
    // A standby that answers is not used, whether the URL says so or not.
    let servers = [
        Server::with(&pair.url([first, second], strict), &[]),
        Server::with(&pair.url([silent_port, second], strict), &[]),
        Server::with(&pair.url([second, first], strict), &[]),
        Server::with(&pair.url([second, first], ""), &[]),
    ];
    for server in &servers {
        works(server).await;
    }
    eventually("the standby answers", async || connect(&pair.url([second, second], "")).await.is_ok().then_some(()))
        .await;
    // The first server freezes, or its network drops everything. Both stay so.
    proxy.set(NetworkFault::Silent);
    signal_all(pair.primary.pid(), Signal::SIGSTOP);
    let (promoted, connection) = connect(&pair.url([second, second], "")).await.unwrap();
    let _driver = tokio::spawn(connection);
    promoted.execute("SELECT pg_promote()", &[]).await.unwrap();
    for server in &servers {
        works(server).await;
        assert_eq!(server.get("/readyz").await.status, 200);
    }
    // A process starts while the first server hangs, and while it refuses.
    works(&Server::with(&pair.url([first, second], strict), &[])).await;
    signal_all(pair.primary.pid(), Signal::SIGKILL);
    works(&Server::with(&pair.url([first, second], strict), &[])).await;
}
