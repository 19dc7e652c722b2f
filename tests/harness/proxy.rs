//! A network between a server and its database that can be broken and mended.

use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A TCP proxy. Broken, it cuts what is open and refuses what is new.
pub struct Proxy {
    port: u16,
    upstream_port: u16,
    whole: Arc<watch::Sender<bool>>,
}

impl Proxy {
    /// In front of the server of a database URL.
    pub async fn before(url: &str) -> Self {
        let config: tokio_postgres::Config = url.parse().unwrap();
        let upstream_port = config.get_ports()[0];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let whole = Arc::new(watch::Sender::new(true));
        let state = whole.clone();
        tokio::spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else { return };
                let mut whole = state.subscribe();
                tokio::spawn(async move {
                    if *whole.borrow_and_update() {
                        tokio::select! {
                            () = carry(client, upstream_port) => {}
                            _ = whole.wait_for(|whole| !whole) => {}
                        }
                    }
                });
            }
        });
        Self { port, upstream_port, whole }
    }

    /// The same URL, through this proxy.
    pub fn url(&self, url: &str) -> String {
        url.replacen(&format!(":{}/", self.upstream_port), &format!(":{}/", self.port), 1)
    }

    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    pub fn mend(&self) {
        self.whole.send_replace(true);
    }
}

async fn carry(mut client: TcpStream, upstream_port: u16) {
    if let Ok(mut server) = TcpStream::connect(("127.0.0.1", upstream_port)).await {
        _ = copy_bidirectional(&mut client, &mut server).await;
    }
}
