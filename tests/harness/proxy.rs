//! A TCP proxy with faults: between a server and its database, or a worker and its server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A network fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkFault {
    None,
    /// Closes open connections and refuses new ones.
    Cut,
    /// Forwards nothing and closes nothing, as if packets were lost.
    Silent,
    /// Serves open connections; new ones wait.
    HoldNew,
}

/// A TCP proxy.
pub struct Proxy {
    port: u16,
    upstream_port: Arc<AtomicU16>,
    fault: Arc<watch::Sender<NetworkFault>>,
    #[cfg_attr(not(feature = "chaos"), expect(dead_code, reason = "only the mutants use it"))]
    held: Arc<AtomicUsize>,
}

impl Proxy {
    /// In front of the server of a database URL.
    pub fn before(url: &str) -> Self {
        let config: tokio_postgres::Config = url.parse().unwrap();
        Self::to(config.get_ports()[0])
    }

    /// In front of the process that listens at this port.
    pub fn to(port: u16) -> Self {
        let upstream_port = Arc::new(AtomicU16::new(port));
        let fault = Arc::new(watch::Sender::new(NetworkFault::None));
        let held = Arc::<AtomicUsize>::default();
        let (upstream, state, count) = (upstream_port.clone(), fault.clone(), held.clone());
        let (sender, port) = std::sync::mpsc::channel();
        // A thread of its own, because tests block while they wait for a process.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                sender.send(listener.local_addr().unwrap().port()).unwrap();
                accept(listener, upstream, state, count).await;
            });
        });
        let port = port.recv().unwrap();
        Self { port, upstream_port, fault, held }
    }

    /// The same URL, through this proxy.
    pub fn url(&self, url: &str) -> String {
        let upstream = self.upstream_port.load(Ordering::SeqCst);
        // Faults are noticed as early as by default.
        let url = url.split("&connect_timeout=").next().unwrap_or(url);
        url.replacen(&format!(":{upstream}/"), &format!(":{}/", self.port), 1)
    }

    /// The HTTP address of the proxy.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Forwards new connections to another port.
    #[allow(dead_code, reason = "only the chaos program does")]
    pub fn lead_to(&self, port: u16) {
        self.upstream_port.store(port, Ordering::SeqCst);
    }

    pub fn set(&self, fault: NetworkFault) {
        self.fault.send_replace(fault);
    }

    pub fn cut(&self) {
        self.set(NetworkFault::Cut);
    }

    pub fn repair(&self) {
        self.set(NetworkFault::None);
    }

    #[cfg(feature = "chaos")]
    /// The number of connections that had to wait.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }
}

async fn accept(
    listener: TcpListener,
    upstream_port: Arc<AtomicU16>,
    state: Arc<watch::Sender<NetworkFault>>,
    held: Arc<AtomicUsize>,
) {
    while let Ok((client, _)) = listener.accept().await {
        let (upstream_port, state) = (upstream_port.clone(), state.clone());
        let (mut fault, held) = (state.subscribe(), held.clone());
        tokio::spawn(async move {
            let now = *fault.borrow_and_update();
            if now == NetworkFault::HoldNew {
                held.fetch_add(1, Ordering::SeqCst);
            }
            if fault.wait_for(|it| matches!(it, NetworkFault::None | NetworkFault::Cut)).await.is_err()
                || now == NetworkFault::Cut
            {
                return;
            }
            let cut = async { _ = state.subscribe().wait_for(|it| *it == NetworkFault::Cut).await };
            tokio::select! {
                () = carry(client, upstream_port.load(Ordering::SeqCst), &state) => {}
                () = cut => {}
            }
        });
    }
}

async fn carry(client: TcpStream, upstream_port: u16, state: &watch::Sender<NetworkFault>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", upstream_port)).await else { return };
    _ = client.set_nodelay(true);
    _ = server.set_nodelay(true);
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    // When one side closes, both are closed.
    tokio::select! {
        () = pump(from_client, to_server, state.subscribe()) => {}
        () = pump(from_server, to_client, state.subscribe()) => {}
    }
}

/// Forwards bytes, except while the network is silent.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut fault: watch::Receiver<NetworkFault>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(n) = from.read(&mut bytes).await {
        if n == 0 || fault.wait_for(|it| *it != NetworkFault::Silent).await.is_err() {
            return;
        }
        if to.write_all(&bytes[..n]).await.is_err() {
            return;
        }
    }
}
