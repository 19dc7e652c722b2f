//! How large a module, a file and a function may be.

use std::collections::BTreeMap;

use super::{Source, sources};

const MODULE: usize = 8000;
const FILE: usize = 400;
const FILE_P90: usize = 250;
const FUNCTION_P90: usize = 40;

/// Folders that count as modules of their own although they are part of a larger one.
const INNER_MODULES: &[&str] = &["src/web/api", "src/web/dashboard", "src/web/ui", "src/cli/client"];

#[test]
fn modules_stay_under_eight_thousand_lines() {
    let mut modules: BTreeMap<String, usize> = BTreeMap::new();
    for source in sources("src", "rs") {
        let inner = INNER_MODULES.iter().find(|module| source.path.starts_with(&format!("{module}/")));
        let module =
            inner.map_or_else(|| source.path.split('/').take(2).collect::<Vec<_>>().join("/"), |it| (*it).to_owned());
        *modules.entry(module).or_default() += source.product().lines().count();
    }
    for (module, lines) in modules {
        assert!(lines <= MODULE, "{module} has {lines} lines");
    }
}

#[test]
fn files_stay_short() {
    for (folder, extension) in [("src", "rs"), ("bench", "rs"), ("tests", "rs"), ("templates", "html"), ("sql", "sql")]
    {
        let mut lengths = Vec::new();
        for source in sources(folder, extension) {
            let lines = source.text.lines().count();
            assert!(lines <= FILE, "{} has {lines} lines", source.path);
            lengths.push(lines);
        }
        let p90 = percentile(lengths, 90);
        assert!(folder == "tests" || p90 <= FILE_P90, "one file in ten of {folder} has {p90} lines or more");
    }
}

#[test]
fn functions_stay_short() {
    let lengths: Vec<usize> = sources("src", "rs").iter().flat_map(functions).collect();
    assert!(lengths.len() > 1000, "functions are not recognised: {}", lengths.len());
    let p90 = percentile(lengths, 90);
    assert!(p90 <= FUNCTION_P90, "one function in ten has {p90} lines or more");
}

/// The lengths of the functions of a file. rustfmt puts the closing brace at the indentation of its `fn`.
fn functions(source: &Source) -> Vec<usize> {
    let lines: Vec<&str> = source.product().lines().collect();
    let mut lengths = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let is_function = line.trim_start().split("fn ").next().is_some_and(|before| {
            line.contains("fn ")
                && before
                    .split_whitespace()
                    .all(|word| word.starts_with("pub") || ["async", "const", "unsafe", "in", "super)"].contains(&word))
        });
        if is_function {
            let indent = line.len() - line.trim_start().len();
            let end = lines[start..].iter().position(|it| it.starts_with(&format!("{}}}", " ".repeat(indent))));
            lengths.push(if line.ends_with('}') || line.ends_with(';') { 1 } else { end.unwrap_or_default() + 1 });
        }
    }
    lengths
}

fn percentile(mut values: Vec<usize>, percent: usize) -> usize {
    values.sort_unstable();
    values.get(values.len() * percent / 100).copied().unwrap_or_default()
}
