//! Finds out whether something between this program and the server shares the connections of the server.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio_postgres::Client;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// The process that the server named when the session started. A pooler names one of its own, and its clients share the processes of the
/// server. The driver keeps the number to itself, but sends it with a request to cancel, which goes nowhere here.
pub async fn announced_process(client: &Client) -> Option<i32> {
    let (stream, peer) = tokio::io::duplex(64);
    let token = client.cancel_token();
    let (sent, process) = tokio::join!(token.cancel_query_raw(stream, Plain), received(peer));
    sent.ok().and(process.ok())
}

/// The process in a request to cancel.
async fn received(mut stream: DuplexStream) -> std::io::Result<i32> {
    // A request to encrypt has 8 bytes, and a request to cancel 16: length, code, process and key.
    let mut length = stream.read_i32().await?;
    stream.read_i32().await?;
    if length == 8 {
        stream.write_all(b"S").await?;
        length = stream.read_i32().await?;
        stream.read_i32().await?;
    }
    debug_assert_eq!(length, 16);
    let process = stream.read_i32().await?;
    stream.read_i32().await?;
    Ok(process)
}

/// A stream that claims to be encrypted.
struct Plain;

impl TlsConnect<DuplexStream> for Plain {
    type Stream = PlainStream;
    type Error = std::io::Error;
    type Future = Ready<std::io::Result<PlainStream>>;

    fn connect(self, stream: DuplexStream) -> Self::Future {
        ready(Ok(PlainStream(stream)))
    }
}

struct PlainStream(DuplexStream);

impl TlsStream for PlainStream {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for PlainStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for PlainStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
