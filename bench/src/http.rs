//! A minimal HTTP client: one keep-alive connection, one request at a time. A full client would cost more CPU than the
//! server under test, on the same machine.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::error::{BenchError, Result};

pub struct Http {
    host: String,
    stream: TcpStream,
    buffer: Vec<u8>,
}

pub struct Response {
    pub status: u16,
    head: String,
    pub body: Vec<u8>,
}

impl Response {
    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<String> {
        let named = |line: &str| {
            line.split_once(':').filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|it| it.1.trim().to_owned())
        };
        self.head.lines().find_map(named)
    }

    /// The answer, if its status is a success.
    pub fn success(self) -> Result<Self> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let output = String::from_utf8_lossy(&self.body).chars().take(300).collect::<String>();
        Err(BenchError::new(format!("the server answered {}: {output}", self.status)))
    }
}

impl Http {
    /// `host` is an address with a port.
    pub async fn connect(host: &str) -> Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self { host: host.to_owned(), stream, buffer: Vec::with_capacity(4096) })
    }

    pub async fn post(&mut self, path: &str, json: &str) -> Result<Response> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{json}",
            self.host,
            json.len()
        );
        self.send(&request).await?.success()
    }

    pub async fn get(&mut self, path: &str, accept: &str) -> Result<Response> {
        self.get_with_header(path, &format!("accept: {accept}")).await?.success()
    }

    /// Any answer to a GET with one more header.
    pub async fn get_with_header(&mut self, path: &str, header: &str) -> Result<Response> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n{header}\r\n\r\n", self.host);
        self.send(&request).await
    }

    async fn send(&mut self, request: &str) -> Result<Response> {
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        let (head, length) = loop {
            self.read().await?;
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break (end, length_of(&self.buffer[..end]));
            }
        };
        let start = head + 4;
        match length {
            Some(length) => {
                while self.buffer.len() < start + length {
                    self.read().await?;
                }
            }
            // Chunked encoding ends with an empty chunk.
            None => {
                while !self.buffer[start..].ends_with(b"0\r\n\r\n") {
                    self.read().await?;
                }
            }
        }
        let status = self.buffer.get(9..12).and_then(|it| std::str::from_utf8(it).ok()?.parse().ok());
        let status = status.ok_or_else(|| BenchError::new("the answer is not HTTP"))?;
        let head = String::from_utf8_lossy(&self.buffer[..head]).into_owned();
        Ok(Response { status, head, body: self.buffer[start..].to_vec() })
    }

    async fn read(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(BenchError::new("the server closed the connection")),
            _ => Ok(()),
        }
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|it| it == part)
}

/// The length of the body; `None` if it is chunked.
fn length_of(head: &[u8]) -> Option<usize> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    if head.contains("transfer-encoding: chunked") {
        return None;
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    Some(length.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_length_is_read_from_the_head() {
        assert_eq!(length_of(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nx: y"), Some(12));
        assert_eq!(length_of(b"HTTP/1.1 204 No Content\r\nx: y"), Some(0));
        assert_eq!(length_of(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked"), None);
        assert_eq!(find(b"ab\r\n\r\ncd", b"\r\n\r\n"), Some(2));
    }
}
