//! A network, between a server and its database or a worker and its server, that can be broken and mended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    Fair,
    /// What is open is cut, what is new is refused.
    Cut,
    /// Nothing is forwarded, and nobody is told: packets simply vanish.
    Silent,
    /// What is open goes on; what is new waits.
    LeasedExecution,
}

/// A TCP proxy.
pub struct Proxy {
    port: u16,
    upstream_port: Arc<AtomicU16>,
    weather: Arc<watch::Sender<Weather>>,
    #[cfg_attr(not(feature = "chaos"), expect(dead_code, reason = "only the mutants ask"))]
    held: Arc<AtomicUsize>,
}

impl Proxy {
    /// In front of the server of a database URL.
    pub fn before(url: &str) -> Self {
        let config: tokio_postgres::Config = url.parse().unwrap();
        Self::to(config.get_ports()[0])
    }

    /// In front of whatever listens at this port.
    pub fn to(port: u16) -> Self {
        let upstream_port = Arc::new(AtomicU16::new(port));
        let weather = Arc::new(watch::Sender::new(Weather::Fair));
        let held = Arc::<AtomicUsize>::default();
        let (upstream, state, count) = (upstream_port.clone(), weather.clone(), held.clone());
        let (tell, told) = std::sync::mpsc::channel();
        // A thread of its own, so that it carries on while a test waits for a process.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap().port()).unwrap();
                accept(listener, upstream, state, count).await;
            });
        });
        let port = told.recv().unwrap();
        Self { port, upstream_port, weather, held }
    }

    /// The same URL, through this proxy.
    pub fn url(&self, url: &str) -> String {
        let upstream = self.upstream_port.load(Ordering::SeqCst);
        url.replacen(&format!(":{upstream}/"), &format!(":{}/", self.port), 1)
    }

    /// Its address, for whoever speaks HTTP.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Leads what is new to another port.
    #[allow(dead_code, reason = "only the chaos program does")]
    pub fn lead_to(&self, port: u16) {
        self.upstream_port.store(port, Ordering::SeqCst);
    }

    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    pub fn cut(&self) {
        self.set(Weather::Cut);
    }

    pub fn mend(&self) {
        self.set(Weather::Fair);
    }

    #[cfg(feature = "chaos")]
    /// How many connections were ever made to wait.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }
}

async fn accept(
    listener: TcpListener,
    upstream_port: Arc<AtomicU16>,
    state: Arc<watch::Sender<Weather>>,
    held: Arc<AtomicUsize>,
) {
    while let Ok((client, _)) = listener.accept().await {
        let (upstream_port, state) = (upstream_port.clone(), state.clone());
        let (mut weather, held) = (state.subscribe(), held.clone());
        tokio::spawn(async move {
            let now = *weather.borrow_and_update();
            if now == Weather::LeasedExecution {
                held.fetch_add(1, Ordering::SeqCst);
            }
            // Whoever waits while it is held or silent, waits.
            if weather.wait_for(|it| matches!(it, Weather::Fair | Weather::Cut)).await.is_err() || now == Weather::Cut {
                return;
            }
            let cut = async { _ = state.subscribe().wait_for(|it| *it == Weather::Cut).await };
            tokio::select! {
                () = carry(client, upstream_port.load(Ordering::SeqCst), &state) => {}
                () = cut => {}
            }
        });
    }
}

async fn carry(client: TcpStream, upstream_port: u16, state: &watch::Sender<Weather>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", upstream_port)).await else { return };
    _ = client.set_nodelay(true);
    _ = server.set_nodelay(true);
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    // Either side that ends ends both, as a cut does.
    tokio::select! {
        () = pump(from_client, to_server, state.subscribe()) => {}
        () = pump(from_server, to_client, state.subscribe()) => {}
    }
}

/// Forwards bytes, except while the network is silent.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut weather: watch::Receiver<Weather>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(n) = from.read(&mut bytes).await {
        if n == 0 || weather.wait_for(|it| *it != Weather::Silent).await.is_err() {
            return;
        }
        if to.write_all(&bytes[..n]).await.is_err() {
            return;
        }
    }
}
