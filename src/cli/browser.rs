//! The browser of whoever sits at the terminal.

use std::io::IsTerminal;

/// Shows a page to whoever sits at this terminal, not to a script or somebody far away.
pub fn open(url: &str) {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !std::io::stdout().is_terminal() || is_set("CI") || is_set("SSH_CONNECTION") {
        return;
    }
    let usual = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let browser = std::env::var("BROWSER").unwrap_or_else(|_| usual.to_owned());
    let quiet = || std::process::Stdio::null();
    // The address was printed; without a browser there is nothing to tell.
    _ = std::process::Command::new(browser).arg(url).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
}
