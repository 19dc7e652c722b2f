//! `--jq`: what a filter makes of an answer, in the language of jq.

use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, data, unwrap_valr};
use jaq_json::{Val, read};

use super::show;
use crate::cli::Exit;
use crate::cli::failure::Failure;

/// Writes what the filter makes of this JSON, a line for each result; texts as they are, everything else as JSON.
pub fn filtered(filter: &str, text: &str) -> Result<(), Failure> {
    results(filter, text)?.iter().try_for_each(|line| show(line))
}

/// Whether it is a filter at all, before anything is done whose answer it is for.
pub fn check(filter: &str) -> Result<(), Failure> {
    results(&format!("empty | ({filter}\n)"), "null").map(drop).map_err(|_| wrong(filter))
}

fn wrong(filter: &str) -> Failure {
    Failure::usage(format!("--jq {filter:?} is no filter of jq"))
        .hint("--jq '.[].id', or --jq '.[] | select(.status == \"failed\") | .name'")
}

fn results(filter: &str, text: &str) -> Result<Vec<String>, Failure> {
    let wrong = || wrong(filter);
    let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let functions = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let (arena, loader) = (Arena::default(), Loader::new(definitions));
    let modules = loader.load(&arena, File { code: filter, path: () }).map_err(|_| wrong())?;
    let compiled = Compiler::default().with_funs(functions).compile(modules).map_err(|_| wrong())?;
    let input = read::parse_single(text.as_bytes())
        .map_err(|error| Failure::new(Exit::Failure, format!("the answer is not JSON: {error}")))?;
    let context = Ctx::<data::JustLut<Val>>::new(&compiled.lut, Vars::new([]));
    let line = |result: Result<Val, jaq_core::Error<Val>>| match result {
        Ok(Val::TStr(text)) => Ok(String::from_utf8_lossy(&text).into_owned()),
        Ok(value) => Ok(value.to_string()),
        Err(error) => Err(Failure::usage(format!("--jq {filter:?} does not fit the answer: {error}"))),
    };
    compiled.id.run((context, input)).map(unwrap_valr).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_makes_lines_of_an_answer() {
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
