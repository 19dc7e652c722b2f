//! What a program writes, line by line, into the log of its execution.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::handlers::Log;

/// The most bytes of a line as it is kept, the mark that it was cut included.
const LONGEST_LINE: usize = 8 * 1024;
const CUT: &str = "…";
/// The most characters of the last line that a reason repeats.
const LAST: usize = 300;

/// Both streams of one run. Whatever is written is read at once, so that nobody waits for us; what is too much is dropped.
pub struct Output<'a> {
    log: &'a Log,
    most: usize,
    left: AtomicUsize,
    is_cut: AtomicBool,
    last_error: Mutex<String>,
}

impl<'a> Output<'a> {
    pub fn new(log: &'a Log, most: usize) -> Self {
        Self { log, most, left: AtomicUsize::new(most), is_cut: AtomicBool::default(), last_error: Mutex::default() }
    }

    /// Reads until nobody can write any more.
    pub async fn read(&self, stream: &'static str, mut pipe: impl AsyncRead + Unpin) {
        let (mut buffer, mut line) = (vec![0; 16 * 1024], Line::default());
        while let Ok(n @ 1..) = pipe.read(&mut buffer).await {
            for piece in buffer[..n].split_inclusive(|byte| *byte == b'\n') {
                line.add(piece);
                if piece.ends_with(b"\n") {
                    self.say(stream, line.take());
                }
            }
        }
        if !line.text.is_empty() {
            self.say(stream, line.take());
        }
    }

    /// The last words on stderr.
    pub fn last_error(&self) -> String {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn say(&self, stream: &'static str, text: String) {
        if stream == "stderr" && !text.trim().is_empty() {
            *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = text.trim().chars().take(LAST).collect();
        }
        let left = self.left.load(Ordering::Relaxed);
        // An empty line costs, too.
        let rest = left.checked_sub(text.len() + 1);
        self.left.store(rest.unwrap_or(0), Ordering::Relaxed);
        if rest.is_some() {
            self.log.line(stream, text);
        } else if !self.is_cut.swap(true, Ordering::Relaxed) {
            self.log.note(format!("the output ends here: no more than {} bytes are kept", self.most));
        }
    }
}

/// A line on its way.
#[derive(Default)]
struct Line {
    text: Vec<u8>,
    is_cut: bool,
}

impl Line {
    fn add(&mut self, piece: &[u8]) {
        let piece = piece.strip_suffix(b"\n").unwrap_or(piece);
        let room = LONGEST_LINE - self.text.len();
        self.is_cut |= piece.len() > room;
        self.text.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    fn take(&mut self) -> String {
        let text = self.text.strip_suffix(b"\r").unwrap_or(&self.text);
        let mut text = String::from_utf8_lossy(text).into_owned();
        // What is not UTF-8 has become longer than it was.
        if std::mem::take(&mut self.is_cut) || text.len() > LONGEST_LINE {
            text.truncate(text.floor_char_boundary(LONGEST_LINE - CUT.len()));
            text.push_str(CUT);
        }
        self.text.clear();
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(written: &[u8], most: usize) -> Vec<String> {
        let log = Log::default();
        let output = Output::new(&log, most);
        output.read("stderr", written).await;
        log.close();
        let mut all = Vec::new();
        while let Some(batch) = log.batch().await {
            all.extend(batch.into_iter().map(|line| format!("{} {}", line.stream, line.text)));
        }
        all
    }

    #[tokio::test]
    async fn lines_are_what_stands_between_line_feeds() {
        assert_eq!(
            lines(b"one\r\n\ntw\xffo\nrest", 1000).await,
            ["stderr one", "stderr ", "stderr tw\u{fffd}o", "stderr rest"]
        );
        assert_eq!(lines(b"", 1000).await, [""; 0]);
    }

    #[tokio::test]
    async fn a_long_line_is_cut_and_says_so() {
        let mut written = vec![b'x'; 3 * 1024 * 1024];
        written.extend(b"\nnext");
        let all = lines(&written, 1 << 20).await;
        assert_eq!((all.len(), all[0].len(), all[1].as_str()), (2, 8192 + "stderr ".len(), "stderr next"));
        assert!(all[0].ends_with("xx…"));
    }

    #[tokio::test]
    async fn what_is_not_utf_8_has_no_more_room_than_other_text() {
        let kept = |line: &String| line.len() - "stderr ".len();
        let all = lines(&[[0xff; 8192].as_slice(), b"\nnext"].concat(), 1 << 20).await;
        assert_eq!((kept(&all[0]), all[1].as_str()), (8190, "stderr next"), "2729 of them, and the mark");
        assert!(all[0].ends_with("\u{fffd}…"));
        // No character is cut in half, and none that was is shown.
        let all = lines("x😀".repeat(8192).as_bytes(), 1 << 20).await;
        assert!(kept(&all[0]) <= 8192 && all[0].ends_with('…') && !all[0].contains('\u{fffd}'), "{}", all[0]);
        assert_eq!(lines(&[b'x'; 8192], 1 << 20).await, [format!("stderr {}", "x".repeat(8192))], "this one just fits");
    }

    #[tokio::test]
    async fn what_is_too_much_is_dropped_and_that_is_said_once() {
        assert_eq!(lines("123456789\n".repeat(3).as_bytes(), 30).await.len(), 3, "what fits exactly is kept");
        let all = lines("123456789\n".repeat(1000).as_bytes(), 35).await;
        assert_eq!(all.len(), 4);
        assert_eq!(all[3], "log the output ends here: no more than 35 bytes are kept");
    }

    #[tokio::test]
    async fn the_last_words_are_known_even_when_they_were_too_much() {
        let log = Log::default();
        let output = Output::new(&log, 5);
        output.read("stderr", b"first words\n  it is broken \n\n".as_slice()).await;
        output.read("stdout", b"fine\n".as_slice()).await;
        assert_eq!(output.last_error(), "it is broken");
    }
}
