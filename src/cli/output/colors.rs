//! Terminal colors.

use std::io::IsTerminal;

/// When to use colors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set; CLICOLOR_FORCE overrides
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl ColorChoice {
    /// Whether to color the output to this stream.
    pub fn colors(self, stream: &impl IsTerminal) -> Colors {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|it| it == "dumb");
        let forced = std::env::var_os("CLICOLOR_FORCE").is_some_and(|it| !it.is_empty() && it != "0");
        Colors(match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto if set("NO_COLOR") => false,
            Self::Auto => forced || (stream.is_terminal() && !is_dumb),
        })
    }
}

/// Whether colors are enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colors(pub bool);

impl Colors {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub fn red(self, text: &str) -> String {
        self.with("31", text)
    }

    /// Colors a state by its meaning.
    pub fn state(self, word: &str) -> String {
        match word {
            "ready" | "completed" | "online" | "enabled" | "ok" | "fired" => self.with("32", word),
            "failed" | "lost" | "down" | "unavailable" | "timed_out" | "lease_expired" => self.with("31", word),
            "retrying" | "paused" | "cordoned" | "draining" | "deleting" | "degraded" | "skipped" => {
                self.with("33", word)
            }
            "active" | "provisioning" | "creating" | "running" => self.with("36", word),
            "scheduled" | "queued" | "blocked" | "canceled" | "deleted" | "none" => self.dim(word),
            _ => word.to_owned(),
        }
    }
}
