//! Writes data to stdout.

use std::io::{ErrorKind, IsTerminal, Write};

use super::cell::sanitize;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

/// Prints untrusted text. It is sanitized on a terminal and printed byte for byte elsewhere.
pub fn print_untrusted(text: &str) -> Result<(), Failure> {
    if !std::io::stdout().is_terminal() {
        return print(text);
    }
    print(&text.split('\n').map(sanitize).collect::<Vec<_>>().join("\n"))
}

/// Prints a line.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::OutputClosed,
        _ => Failure::new(Exit::Failure, format!("cannot write to stdout: {error}")),
    })
}

/// The width of the terminal, or nothing if stdout is not one.
pub fn terminal_width() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    Some(terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0)))
}

/// Clears the terminal before a redraw.
pub fn clear() {
    _ = write!(std::io::stdout(), "\u{1b}[H\u{1b}[2J");
}
