//! Opens pages in the browser of the user.

use std::io::IsTerminal;
use std::process::{Command, Stdio};

/// Opens a URL, but only for a user at a local terminal. Errors are ignored: the URL has been printed.
pub fn open(url: &str) {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !std::io::stdout().is_terminal() || is_set("CI") || is_set("SSH_CONNECTION") {
        return;
    }
    let default = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let browser = std::env::var("BROWSER").unwrap_or_else(|_| default.to_owned());
    _ = Command::new(browser).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
}
