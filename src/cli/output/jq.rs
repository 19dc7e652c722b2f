//! `--jq`: filters JSON with a jq expression.
//!
//! A filter is a program and need not end. It runs on a thread of its own, and the command fails once the filter has used too much
//! time or memory; the end of the process then ends the thread.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::Builder;
use std::time::{Duration, Instant};

use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, data, unwrap_valr};
use jaq_json::{Val, read};

use super::stdout::print_untrusted;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

/// How long a filter may take. One that filters the largest page takes a fraction of a second.
const MAX_TIME: Duration = Duration::from_secs(10);
/// How much memory a filter may take, and how large its results may be together.
const MAX_MEMORY: usize = 1024 * 1024 * 1024;
const MAX_RESULTS: usize = 256 * 1024 * 1024;
/// How often the memory is measured.
const INTERVAL: Duration = Duration::from_millis(20);
/// Filters recurse on the stack.
const STACK: usize = 64 * 1024 * 1024;

/// Prints each result of the filter on its own line: strings without quotes, everything else as JSON.
pub fn print_filtered(filter: &str, text: &str) -> Result<(), Failure> {
    bounded(filter, text)?.iter().try_for_each(|line| print_untrusted(line))
}

/// Checks the filter before the command sends its request.
pub fn check(filter: &str) -> Result<(), Failure> {
    results(&format!("empty | ({filter}\n)"), "null").map(drop).map_err(|_| invalid(filter))
}

fn invalid(filter: &str) -> Failure {
    Failure::usage(format!("--jq {filter:?} is not a valid jq filter"))
        .hint("--jq '.[].id', or --jq '.[] | select(.status == \"failed\") | .name'")
}

/// The results of a filter, or a failure once it has used too much time or memory.
fn bounded(filter: &str, text: &str) -> Result<Vec<String>, Failure> {
    let (send, receive) = channel();
    let (started, before) = (Instant::now(), memory());
    let (owned_filter, owned_text) = (filter.to_owned(), text.to_owned());
    let run = move || _ = send.send(results(&owned_filter, &owned_text));
    let thread = Builder::new().name("jq".to_owned()).stack_size(STACK).spawn(run);
    thread.map_err(|error| Failure::new(Exit::Failure, format!("--jq cannot run: {error}")))?;
    let exceeds = |what: String| {
        Failure::usage(format!("--jq {filter:?} {what}"))
            .hint("End the filter sooner: limit recursion, or select fewer results")
    };
    loop {
        match receive.recv_timeout(INTERVAL) {
            Ok(results) => return results,
            Err(RecvTimeoutError::Timeout) if started.elapsed() > MAX_TIME => {
                return Err(exceeds(format!("takes longer than {} s", MAX_TIME.as_secs())));
            }
            Err(RecvTimeoutError::Timeout) if memory().saturating_sub(before) > MAX_MEMORY => {
                return Err(exceeds(format!("needs more than {} MiB of memory", MAX_MEMORY >> 20)));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(exceeds("failed".to_owned())),
        }
    }
}

/// The memory of this process in bytes; 0 where the system does not tell.
fn memory() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|it| it.parse::<usize>().ok()).unwrap_or_default().saturating_mul(4096)
}

fn results(filter: &str, text: &str) -> Result<Vec<String>, Failure> {
    let invalid = || invalid(filter);
    let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let functions = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let (arena, loader) = (Arena::default(), Loader::new(definitions));
    let modules = loader.load(&arena, File { code: filter, path: () }).map_err(|_| invalid())?;
    let compiled = Compiler::default().with_funs(functions).compile(modules).map_err(|_| invalid())?;
    let input = read::parse_single(text.as_bytes())
        .map_err(|error| Failure::new(Exit::Failure, format!("the response is not JSON: {error}")))?;
    let context = Ctx::<data::JustLut<Val>>::new(&compiled.lut, Vars::new([]));
    let line = |result: Result<Val, jaq_core::Error<Val>>| match result {
        Ok(Val::TStr(text)) => Ok(String::from_utf8_lossy(&text).into_owned()),
        Ok(value) => Ok(value.to_string()),
        Err(error) => Err(Failure::usage(format!("--jq {filter:?} failed on the response: {error}"))),
    };
    let mut room = MAX_RESULTS;
    let mut lines = Vec::new();
    for result in compiled.id.run((context, input)) {
        let line = line(unwrap_valr(result))?;
        room = room.checked_sub(line.len() + 1).ok_or_else(|| {
            Failure::usage(format!("--jq {filter:?} has more than {} MiB of results", MAX_RESULTS >> 20))
        })?;
        lines.push(line);
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_filter_result_is_one_line() {
        let text = r#"[{"id":"a","n":12345678901234567890123,"s":"x\ny"},{"id":"b","n":1.10,"s":null}]"#;
        for (filter, wanted) in [
            (".[].id", vec!["a", "b"]),
            (".[] | select(.id == \"b\") | .n", vec!["1.10"]),
            (".[0].n", vec!["12345678901234567890123"]),
            (".[0].s", vec!["x\ny"]),
            ("length", vec!["2"]),
            ("map({id})", vec![r#"[{"id":"a"},{"id":"b"}]"#]),
            (".[5]", vec!["null"]),
            ("empty", vec![]),
        ] {
            assert_eq!(results(filter, text).ok(), Some(wanted.iter().map(ToString::to_string).collect()), "{filter}");
        }
        for filter in [".[", "nosuch", ".x"] {
            assert!(results(filter, text).is_err(), "{filter}");
        }
    }
}
