//! `--jq`: filters JSON with a jq expression.

use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, data, unwrap_valr};
use jaq_json::{Val, read};

use super::stdout::print_untrusted;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

/// Prints each result of the filter on its own line: strings without quotes, everything else as JSON.
pub fn print_filtered(filter: &str, text: &str) -> Result<(), Failure> {
    results(filter, text)?.iter().try_for_each(|line| print_untrusted(line))
}

/// Checks the filter before the command sends its request.
pub fn check(filter: &str) -> Result<(), Failure> {
    results(&format!("empty | ({filter}\n)"), "null").map(drop).map_err(|_| invalid(filter))
}

fn invalid(filter: &str) -> Failure {
    Failure::usage(format!("--jq {filter:?} is not a valid jq filter"))
        .hint("--jq '.[].id', or --jq '.[] | select(.status == \"failed\") | .name'")
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
    compiled.id.run((context, input)).map(unwrap_valr).map(line).collect()
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
