//! Logging: JSON lines, or readable lines on a terminal. Loggers are passed down, never global. An error is logged once,
//! where it is handled.

use std::io::{IsTerminal, LineWriter};
use std::sync::Mutex;

use slog::{Drain, FnValue, Level, Logger, o};

use crate::config::LogFormat;

/// The root logger. The level filter is the outermost drain, so that a filtered record costs nothing.
pub fn root(level: Level, format: LogFormat) -> Logger {
    let json = match format {
        LogFormat::Json => true,
        LogFormat::Pretty => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    if json { json_logger(level) } else { pretty_logger(level) }
}

fn json_logger(level: Level) -> Logger {
    // One system call per line instead of one per fragment.
    let lines = slog_json::Json::new(LineWriter::new(std::io::stderr())).add_key_value(o!(
        "ts" => FnValue(|_| crate::domain::moment::text(time::OffsetDateTime::now_utc())),
        "level" => FnValue(|record| level_word(record.level())),
        "msg" => FnValue(|record| record.msg().to_string()),
    ));
    Logger::root(Mutex::new(lines.build()).filter_level(level).ignore_res(), o!())
}

fn pretty_logger(level: Level) -> Logger {
    let lines = slog_term::FullFormat::new(slog_term::TermDecorator::new().stderr().build())
        .use_custom_timestamp(|out| write!(out, "{}", crate::domain::moment::text(time::OffsetDateTime::now_utc())));
    Logger::root(Mutex::new(lines.build()).filter_level(level).ignore_res(), o!())
}

/// The levels as the setting `PROVOST_LOG` names them.
fn level_word(level: Level) -> &'static str {
    match level {
        Level::Critical | Level::Error => "error",
        Level::Warning => "warn",
        Level::Info => "info",
        Level::Debug | Level::Trace => "debug",
    }
}

/// A logger that discards every record, for tests.
pub fn silent() -> Logger {
    Logger::root(slog::Discard, o!())
}

/// The error and its causes on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
