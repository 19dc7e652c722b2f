//! Reads JSON and ids from arguments, files and stdin.

use std::io::Read;

use serde_json::value::RawValue;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Json, quoted, sanitize};
use crate::wire::client::Body;
use crate::wire::json::raw;

/// JSON from an argument, `@FILE` or stdin (`-`), kept byte for byte.
pub fn json(flag: &str, text: &str) -> Result<Box<RawValue>, Failure> {
    let text = source(flag, text)?;
    serde_json::from_str::<&RawValue>(&text).map(ToOwned::to_owned).map_err(|error| {
        Failure::usage(format!("{flag} is not JSON: {error}")).hint(format!("{flag} '{{\"key\": \"value\"}}'"))
    })
}

/// The argument itself, or the content of `@FILE` or stdin (`-`).
pub fn source(flag: &str, text: &str) -> Result<String, Failure> {
    let unreadable = |what: &str, error: std::io::Error| Failure::usage(format!("{flag}: cannot read {what}: {error}"));
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

/// An object of `key=value` pairs. Values that are valid JSON stay JSON, other values become strings.
pub fn object(pairs: &[(String, String)]) -> Box<RawValue> {
    let typed =
        |text: &str| serde_json::from_str::<&RawValue>(text).map_or_else(|_| raw(quoted(text)), ToOwned::to_owned);
    raw(pairs.iter().fold(Body::default(), |body, (key, value)| body.with(key, Some(typed(value)))).text())
}

/// An object of strings.
pub fn strings<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Body {
    pairs.into_iter().fold(Body::default(), |body, (key, value)| body.with(key, Some(value)))
}

/// Whether a text may be the beginning of an id.
pub fn is_id_prefix(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// Shorter prefixes of an id are rejected, so that a script variable with a wrong value rarely matches.
const MIN_ID_PREFIX: usize = 4;

/// The id of the only object with this name, or else with this id or id prefix.
pub fn find_one(noun: &str, word: &str, objects: &[Json], name: &str) -> Result<String, Failure> {
    if word.is_empty() {
        return Err(Failure::usage(format!("the {noun} must not be empty")));
    }
    let named: Vec<&Json> = objects.iter().filter(|it| it.text(name) == word).collect();
    let prefixed: Vec<&Json> = objects.iter().filter(|it| has_id(it.text("id"), word)).collect();
    let matching = if named.is_empty() { prefixed } else { named };
    match matching.as_slice() {
        [one] => Ok(one.text("id").to_owned()),
        [] => Err(Failure::new(Exit::NotFound, format!("no {noun} matches {:?}", sanitize(word)))),
        several => {
            let summary = format!("{} {noun}s match {:?}", several.len(), sanitize(word));
            let failure = Failure::usage(summary).cause("Use the id instead.");
            Err(several.iter().take(5).fold(failure, |failure, it| failure.hint(it.text("id"))))
        }
    }
}

fn has_id(id: &str, word: &str) -> bool {
    id == word || word.len() >= MIN_ID_PREFIX && id.starts_with(&word.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_id_prefix_matches_nothing() {
        let objects = Json::parse(r#"[{"id":"0198c0de-1","name":"7"}]"#).unwrap();
        let id = |word: &str| find_one("thing", word, objects.list(), "name").ok();
        for word in ["0198", "0198C0DE", "0198c0de-1", "7"] {
            assert_eq!(id(word).as_deref(), Some("0198c0de-1"), "{word}");
        }
        for word in ["", "0", "019", "0198c0de-2"] {
            assert_eq!(id(word), None, "{word}");
        }
    }
}
