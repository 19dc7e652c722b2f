//! What people type, as JSON and as ids.

use std::io::Read;

use serde_json::value::RawValue;

use crate::cli::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Json, harmless, quoted};
use crate::wire::client::Body;
use crate::wire::json::raw;

/// JSON that was typed, that is in `@FILE`, or that comes from stdin (`-`): byte for byte.
pub fn value(flag: &str, text: &str) -> Result<Box<RawValue>, Failure> {
    let text = source(flag, text)?;
    serde_json::from_str::<&RawValue>(&text).map(ToOwned::to_owned).map_err(|error| {
        Failure::usage(format!("{flag} is not JSON: {error}")).hint(format!("{flag} '{{\"key\": \"value\"}}'"))
    })
}

/// The text itself, that of `@FILE`, or that of stdin (`-`).
pub fn source(flag: &str, text: &str) -> Result<String, Failure> {
    let unreadable =
        |what: &str, error: std::io::Error| Failure::usage(format!("{flag}: {what} cannot be read: {error}"));
    if text == "-" {
        let mut all = String::new();
        std::io::stdin().read_to_string(&mut all).map_err(|error| unreadable("stdin", error))?;
        return Ok(all);
    }
    match text.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).map_err(|error| unreadable(path, error)),
        None => Ok(text.to_owned()),
    }
}

/// An object of `key=value`: what is JSON is JSON, anything else is a text.
pub fn object(pairs: &[(String, String)]) -> Box<RawValue> {
    let typed =
        |text: &str| serde_json::from_str::<&RawValue>(text).map_or_else(|_| raw(quoted(text)), ToOwned::to_owned);
    raw(pairs.iter().fold(Body::default(), |body, (key, value)| body.with(key, Some(typed(value)))).text())
}

/// The least letters of an id that mean a thing: what a variable holds by mistake shall mean none.
const LEAST: usize = 4;

/// The id of the one thing that is called so; else of the one whose id begins so.
pub fn only(noun: &str, word: &str, found: &[Json], name: &str) -> Result<String, Failure> {
    if word.is_empty() {
        return Err(Failure::usage(format!("which {noun} is meant is not said: the word for it is empty")));
    }
    let called: Vec<&Json> = found.iter().filter(|it| it.text(name) == word).collect();
    let begins: Vec<&Json> = found.iter().filter(|it| begins(it.text("id"), word)).collect();
    let chosen = if called.is_empty() { begins } else { called };
    match chosen.as_slice() {
        [one] => Ok(one.text("id").to_owned()),
        [] => Err(Failure::new(Exit::NotFound, format!("there is no {noun} {:?}", harmless(word)))),
        several => {
            let what = format!("{} {noun}s are called {:?}", several.len(), harmless(word));
            let failure = Failure::usage(what).why("Name the one that you mean by its id.");
            Err(several.iter().take(5).fold(failure, |failure, it| failure.hint(it.text("id"))))
        }
    }
}

/// Whether an id is this one, or begins so.
fn begins(id: &str, word: &str) -> bool {
    id == word || word.len() >= LEAST && id.starts_with(&word.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hardly_said_means_nothing() {
        let found = Json::parse(r#"[{"id":"0198c0de-1","name":"7"}]"#).unwrap();
        let id = |word: &str| only("thing", word, found.list(), "name").ok();
        for word in ["0198", "0198C0DE", "0198c0de-1", "7"] {
            assert_eq!(id(word).as_deref(), Some("0198c0de-1"), "{word}");
        }
        for word in ["", "0", "019", "0198c0de-2"] {
            assert_eq!(id(word), None, "{word}");
        }
    }
}
