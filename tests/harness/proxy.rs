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
    pub fn before(url: &str) -> Self {
        let config: tokio_postgres::Config = url.parse().unwrap();
        let upstream_port = config.get_ports()[0];
        let whole = Arc::new(watch::Sender::new(true));
        let state = whole.clone();
        let (tell, told) = std::sync::mpsc::channel();
        // A thread of its own, so that it carries on while a test waits for a process.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap().port()).unwrap();
                accept(listener, upstream_port, state).await;
            });
        });
        let port = told.recv().unwrap();
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

async fn accept(listener: TcpListener, upstream_port: u16, state: Arc<watch::Sender<bool>>) {
    while let Ok((client, _)) = listener.accept().await {
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
}

async fn carry(mut client: TcpStream, upstream_port: u16) {
    if let Ok(mut server) = TcpStream::connect(("127.0.0.1", upstream_port)).await {
        _ = copy_bidirectional(&mut client, &mut server).await;
    }
}
