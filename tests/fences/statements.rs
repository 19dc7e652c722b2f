//! A proxy in front of a PostgreSQL that reads the messages of clients, and holds a chosen one: a statement that is on its way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Which message of a session to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The next batch of statements. Provisioners change things with batches, and look with prepared statements.
    Batch,
    /// The batch after the next one.
    SecondBatch,
    /// The next statement of any kind.
    Any,
}

#[derive(Default)]
struct State {
    /// The orders that no session has met yet, by the name of the application.
    orders: HashMap<String, Held>,
    /// The names of the applications with a statement on its way.
    held: Vec<String>,
    released: bool,
}

type Shared = Arc<Mutex<State>>;

/// The proxy. A statement that is held is delivered when everything is released, even if its client is gone by then.
pub struct StatementProxy {
    port: u16,
    upstream: u16,
    state: Shared,
    changed: Arc<watch::Sender<()>>,
}

impl StatementProxy {
    /// In front of the server of a URL without encryption.
    pub fn before(url: &str) -> Self {
        let config: tokio_postgres::Config = url.parse().unwrap();
        let (upstream, state, changed) = (config.get_ports()[0], Shared::default(), Arc::new(watch::Sender::new(())));
        let (sender, port) = std::sync::mpsc::channel();
        let (theirs, wakes) = (state.clone(), changed.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                sender.send(listener.local_addr().unwrap().port()).unwrap();
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(carry(client, upstream, theirs.clone(), wakes.clone()));
                }
            });
        });
        Self { port: port.recv().unwrap(), upstream, state, changed }
    }

    /// The same URL, through this proxy.
    pub fn url(&self, url: &str) -> String {
        url.replacen(&format!(":{}/", self.upstream), &format!(":{}/", self.port), 1)
    }

    /// Holds the next such statement of the sessions of this application.
    pub fn hold(&self, application: &str, held: Held) {
        let mut state = self.state.lock().unwrap();
        state.released = false;
        state.orders.insert(application.to_owned(), held);
    }

    pub fn is_holding(&self, application: &str) -> bool {
        self.state.lock().unwrap().held.iter().any(|it| it == application)
    }

    /// Delivers every statement that is held, and forgets the orders.
    pub fn release(&self) {
        *self.state.lock().unwrap() = State { released: true, ..State::default() };
        self.changed.send_replace(());
    }
}

async fn carry(client: TcpStream, upstream: u16, state: Shared, changed: Arc<watch::Sender<()>>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", upstream)).await else { return };
    _ = client.set_nodelay(true);
    _ = server.set_nodelay(true);
    let ((from_client, mut to_client), (mut from_server, to_server)) = (client.into_split(), server.into_split());
    let back = tokio::spawn(async move {
        let mut bytes = vec![0; 16 * 1024];
        while let Ok(n) = from_server.read(&mut bytes).await {
            // The server goes on although nobody reads its answers.
            if n == 0 {
                break;
            }
            _ = to_client.write_all(&bytes[..n]).await;
        }
        _ = to_client.shutdown().await;
    });
    _ = forward(from_client, to_server, &state, &changed).await;
    _ = back.await;
}

/// Forwards the messages of a client, except those that are to be held.
async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    state: &Shared,
    changed: &watch::Sender<()>,
) -> std::io::Result<()> {
    let mut startup = message(&mut from, 0).await?;
    to.write_all(&startup).await?;
    // A client that asked for encryption, which this server refuses, begins again.
    while startup.len() == 8 {
        startup = message(&mut from, 0).await?;
        to.write_all(&startup).await?;
    }
    let application = parameter(&startup, "application_name").unwrap_or_default();
    loop {
        let bytes = message(&mut from, 1).await?;
        if is_to_be_held(&mut state.lock().unwrap(), &application, &bytes) {
            let mut wakes = changed.subscribe();
            while !state.lock().unwrap().released {
                _ = wakes.changed().await;
            }
        }
        to.write_all(&bytes).await?;
    }
}

fn is_to_be_held(state: &mut State, application: &str, message: &[u8]) -> bool {
    let is_batch = message[0] == b'Q' && !message[5..].starts_with(b"SET ");
    let is_held = match state.orders.get(application) {
        Some(Held::Batch) => is_batch,
        Some(Held::SecondBatch) => {
            if is_batch {
                state.orders.insert(application.to_owned(), Held::Batch);
            }
            false
        }
        Some(Held::Any) => is_batch || message[0] == b'P',
        None => false,
    };
    if is_held {
        state.orders.remove(application);
        state.held.push(application.to_owned());
    }
    is_held
}

/// Reads a message whose length follows after this number of bytes.
async fn message(from: &mut OwnedReadHalf, before_length: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; before_length + 4];
    from.read_exact(&mut bytes).await?;
    let length = u32::from_be_bytes(bytes[before_length..].try_into().unwrap_or_default()) as usize;
    bytes.resize(before_length + length.max(4), 0);
    from.read_exact(&mut bytes[before_length + 4..]).await?;
    Ok(bytes)
}

/// A parameter of a startup message: names and values, each ended by a zero.
fn parameter(startup: &[u8], name: &str) -> Option<String> {
    let words: Vec<&[u8]> = startup.get(8..)?.split(|it| *it == 0).collect();
    let pair = words.chunks(2).find(|pair| pair[0] == name.as_bytes())?;
    Some(String::from_utf8_lossy(pair.get(1)?).into_owned())
}
