//! The servers behind the hosts of a URL, and whether they still answer. A server that is frozen, or whose network drops packets, keeps its
//! connections open and answers nothing, so a statement that takes long is checked from outside.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio::time::timeout;

/// How long a statement may take before its server is checked, and how often.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a server may take to answer the first bytes of a connection. Accepting one takes milliseconds.
const SILENCE: Duration = Duration::from_secs(2);
/// Asks whether the server encrypts, which every server and pooler answers before anything else.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Tcp(IpAddr, u16),
    Unix(PathBuf, u16),
}

/// All servers that a connector and its copies have connected to.
#[derive(Clone, Default)]
pub(super) struct Servers(Arc<Mutex<BTreeMap<Place, Arc<Server>>>>);

impl Servers {
    pub fn endpoint(&self, place: &Place) -> Endpoint {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let server = servers.entry(place.clone()).or_insert_with(|| Arc::new(Server::new(place.clone()))).clone();
        let generation = *server.generation.borrow();
        Endpoint { server, generation }
    }
}

/// One server.
struct Server {
    place: Place,
    /// Increases when the server is found not to answer. Connections of an earlier generation are dead.
    generation: watch::Sender<u64>,
    /// When the server answered a check. One check runs at a time.
    answered: AsyncMutex<Option<Instant>>,
}

/// The server of one connection.
#[derive(Clone)]
pub struct Endpoint {
    server: Arc<Server>,
    /// When the connection was opened.
    generation: u64,
}

impl Endpoint {
    /// Whether the server stopped answering after this connection was opened.
    pub fn is_abandoned(&self) -> bool {
        *self.server.generation.borrow() != self.generation
    }

    /// Ends when the server stops answering.
    pub async fn abandoned(&self) {
        let mut generation = self.server.generation.subscribe();
        // The sender lives as long as this does.
        _ = generation.wait_for(|it| *it != self.generation).await;
    }

    /// Checks the server again and again, and ends when it does not answer. For as long as a statement runs.
    pub async fn silent(&self) {
        let checks = async {
            loop {
                tokio::time::sleep(PATIENCE).await;
                if !self.server.answers().await {
                    return;
                }
            }
        };
        tokio::select! {
            () = checks => {}
            () = self.abandoned() => {}
        }
    }
}

impl Server {
    fn new(place: Place) -> Self {
        Self { place, generation: watch::Sender::new(0), answered: AsyncMutex::new(None) }
    }

    /// Whether the server answers a new connection. If it is silent, or nothing listens there, its connections are dead.
    async fn answers(&self) -> bool {
        let mut answered = self.answered.lock().await;
        if answered.is_some_and(|at| at.elapsed() < PATIENCE) {
            return true;
        }
        let is_alive = match timeout(SILENCE, self.ask()).await {
            Ok(Err(error)) => !is_gone(&error),
            answer => answer.is_ok(),
        };
        if is_alive {
            *answered = Some(Instant::now());
        } else {
            self.generation.send_modify(|it| *it += 1);
        }
        is_alive
    }

    async fn ask(&self) -> std::io::Result<()> {
        match &self.place {
            Place::Tcp(ip, port) => first_answer(TcpStream::connect(SocketAddr::new(*ip, *port)).await?).await,
            Place::Unix(folder, port) => {
                first_answer(UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await?).await
            }
        }
    }
}

/// Whether nothing listens at the place of a server.
fn is_gone(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, NotFound};
    [ConnectionRefused, HostUnreachable, NetworkUnreachable, NotFound].contains(&error.kind())
}

async fn first_answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<()> {
    stream.write_all(&SSL_REQUEST).await?;
    stream.read(&mut [0]).await.map(drop)
}
