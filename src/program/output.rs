//! Captures the output of a program, line by line, into the log of its execution.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};
use zeroize::Zeroizing;

use crate::lines::Log;

/// The maximum length of a line in bytes, including the mark of a truncated line.
const MAX_LINE: usize = 8 * 1024;
const TRUNCATED: &str = "…";
/// The maximum length of the last error line, which a failure repeats.
const MAX_LAST_ERROR: usize = 300;

/// The output streams of one attempt. All output is read at once, so that the program never blocks; excess output is
/// dropped.
pub struct OutputCapture<'a> {
    log: &'a Log,
    limit: usize,
    left: AtomicUsize,
    truncated: AtomicBool,
    last_error: Mutex<String>,
}

impl<'a> OutputCapture<'a> {
    pub fn new(log: &'a Log, limit: usize) -> Self {
        Self {
            log,
            limit,
            left: AtomicUsize::new(limit),
            truncated: AtomicBool::default(),
            last_error: Mutex::default(),
        }
    }

    /// Reads until the stream is closed.
    pub async fn read(&self, stream: &'static str, mut pipe: impl AsyncRead + Unpin) {
        let (mut buffer, mut line) = (vec![0; 16 * 1024], Line::default());
        while let Ok(n @ 1..) = pipe.read(&mut buffer).await {
            for piece in buffer[..n].split_inclusive(|byte| *byte == b'\n') {
                line.add(piece);
                if piece.ends_with(b"\n") {
                    self.emit(stream, line.take());
                }
            }
        }
        if !line.text.is_empty() {
            self.emit(stream, line.take());
        }
    }

    pub fn last_error(&self) -> String {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn emit(&self, stream: &'static str, text: String) {
        if stream == "stderr" && !text.trim().is_empty() {
            *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) =
                text.trim().chars().take(MAX_LAST_ERROR).collect();
        }
        let left = self.left.load(Ordering::Relaxed);
        // Count the line feed, so that empty lines count too.
        let rest = left.checked_sub(text.len() + 1);
        self.left.store(rest.unwrap_or(0), Ordering::Relaxed);
        if rest.is_some() {
            self.log.line(stream, text);
        } else if !self.truncated.swap(true, Ordering::Relaxed) {
            self.log.note(format!("output truncated: the limit is {} bytes", self.limit));
        }
    }
}

/// A stream that is not logged.
#[derive(Default)]
pub struct Kept {
    bytes: Zeroizing<Vec<u8>>,
    is_cut: bool,
}

impl Kept {
    /// `None` if it was longer than the limit.
    pub fn complete(self) -> Option<Zeroizing<Vec<u8>>> {
        (!self.is_cut).then_some(self.bytes)
    }
}

/// Reads until the stream is closed, and keeps at most `limit` bytes.
pub async fn keep(mut pipe: impl AsyncRead + Unpin, limit: usize, kept: &mut Kept) {
    // Growing would leave copies of secrets in freed memory.
    kept.bytes.reserve_exact(limit);
    let mut buffer = Zeroizing::new(vec![0; 16 * 1024]);
    while let Ok(n @ 1..) = pipe.read(&mut buffer).await {
        let room = limit - kept.bytes.len();
        kept.is_cut |= n > room;
        kept.bytes.extend_from_slice(&buffer[..n.min(room)]);
    }
}

#[derive(Default)]
struct Line {
    text: Vec<u8>,
    truncated: bool,
}

impl Line {
    fn add(&mut self, piece: &[u8]) {
        let piece = piece.strip_suffix(b"\n").unwrap_or(piece);
        let room = MAX_LINE - self.text.len();
        self.truncated |= piece.len() > room;
        self.text.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    fn take(&mut self) -> String {
        let text = self.text.strip_suffix(b"\r").unwrap_or(&self.text);
        let mut text = String::from_utf8_lossy(text).into_owned();
        // Replacing invalid UTF-8 makes the text longer.
        if std::mem::take(&mut self.truncated) || text.len() > MAX_LINE {
            text.truncate(text.floor_char_boundary(MAX_LINE - TRUNCATED.len()));
            text.push_str(TRUNCATED);
        }
        self.text.clear();
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(written: &[u8], limit: usize) -> Vec<String> {
        let log = Log::default();
        let output = OutputCapture::new(&log, limit);
        output.read("stderr", written).await;
        log.close();
        let mut all = Vec::new();
        while let Some(batch) = log.batch().await {
            all.extend(batch.into_iter().map(|line| format!("{} {}", line.stream, line.text)));
        }
        all
    }

    #[tokio::test]
    async fn output_is_split_at_line_feeds() {
        assert_eq!(
            lines(b"one\r\n\ntw\xffo\nrest", 1000).await,
            ["stderr one", "stderr ", "stderr tw\u{fffd}o", "stderr rest"]
        );
        assert_eq!(lines(b"", 1000).await, [""; 0]);
    }

    #[tokio::test]
    async fn long_line_is_truncated_and_marked() {
        let mut written = vec![b'x'; 3 * 1024 * 1024];
        written.extend(b"\nnext");
        let all = lines(&written, 1 << 20).await;
        assert_eq!((all.len(), all[0].len(), all[1].as_str()), (2, 8192 + "stderr ".len(), "stderr next"));
        assert!(all[0].ends_with("xx…"));
    }

    #[tokio::test]
    async fn invalid_utf8_is_truncated_like_other_text() {
        let kept = |line: &String| line.len() - "stderr ".len();
        let all = lines(&[[0xff; 8192].as_slice(), b"\nnext"].concat(), 1 << 20).await;
        assert_eq!((kept(&all[0]), all[1].as_str()), (8190, "stderr next"), "2729 replacement characters and the mark");
        assert!(all[0].ends_with("\u{fffd}…"));
        // Characters are not split.
        let all = lines("x😀".repeat(8192).as_bytes(), 1 << 20).await;
        assert!(kept(&all[0]) <= 8192 && all[0].ends_with('…') && !all[0].contains('\u{fffd}'), "{}", all[0]);
        assert_eq!(
            lines(&[b'x'; 8192], 1 << 20).await,
            [format!("stderr {}", "x".repeat(8192))],
            "the longest line that fits"
        );
    }

    #[tokio::test]
    async fn excess_output_is_dropped_with_one_note() {
        assert_eq!(lines("123456789\n".repeat(3).as_bytes(), 30).await.len(), 3, "output of exactly the limit is kept");
        let all = lines("123456789\n".repeat(1000).as_bytes(), 35).await;
        assert_eq!(all.len(), 4);
        assert_eq!(all[3], "log output truncated: the limit is 35 bytes");
    }

    #[tokio::test]
    async fn kept_stream_is_complete_or_absent() {
        for (limit, expected) in [(4, None), (5, Some("12345")), (6, Some("12345"))] {
            let mut kept = Kept::default();
            keep(b"12345".as_slice(), limit, &mut kept).await;
            assert_eq!(kept.complete().as_ref().map(|it| it.as_slice()), expected.map(str::as_bytes), "{limit}");
        }
    }

    #[tokio::test]
    async fn last_error_is_known_beyond_the_limit() {
        let log = Log::default();
        let output = OutputCapture::new(&log, 5);
        output.read("stderr", b"first words\n  it is broken \n\n".as_slice()).await;
        output.read("stdout", b"fine\n".as_slice()).await;
        assert_eq!(output.last_error(), "it is broken");
    }
}
