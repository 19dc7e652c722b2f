//! Prints JSON as YAML. YAML crates would round large numbers and leave words unquoted that YAML 1.1 parsers read as
//! booleans or dates.

use std::fmt::Write;

use super::json::{Json, quoted};

pub fn document(json: &Json) -> String {
    let mut text = String::new();
    match json {
        Json::List(_) | Json::Map(_) => block(&mut text, json, 0),
        other => _ = writeln!(text, "{}", scalar(other)),
    }
    text
}

/// Writes a container, indented by `depth` levels.
fn block(text: &mut String, json: &Json, depth: usize) {
    let indent = "  ".repeat(depth);
    match json {
        Json::List(elements) if !elements.is_empty() => {
            for element in elements {
                _ = write!(text, "{indent}-");
                match element {
                    Json::List(inner) if !inner.is_empty() => {
                        text.push('\n');
                        block(text, element, depth + 1);
                    }
                    Json::Map(members) if !members.is_empty() => {
                        let mut lines = String::new();
                        block(&mut lines, element, depth + 1);
                        // The first member follows the dash on the same line.
                        text.push(' ');
                        text.push_str(lines.trim_start());
                    }
                    other => _ = writeln!(text, " {}", scalar(other)),
                }
            }
        }
        Json::Map(members) if !members.is_empty() => {
            for (name, value) in members {
                _ = write!(text, "{indent}{}:", plain(name));
                if scalar(value).is_empty() {
                    text.push('\n');
                    block(text, value, depth + 1);
                } else {
                    _ = writeln!(text, " {}", scalar(value));
                }
            }
        }
        other => _ = writeln!(text, "{indent}{}", scalar(other)),
    }
}

/// The value on one line, or an empty text for a non-empty container.
fn scalar(json: &Json) -> String {
    match json {
        Json::List(elements) if elements.is_empty() => "[]".to_owned(),
        Json::Map(members) if members.is_empty() => "{}".to_owned(),
        Json::List(_) | Json::Map(_) => String::new(),
        Json::Text(text) => plain(text),
        other => other.to_string(),
    }
}

/// A string, unquoted only if every YAML parser reads it as a string.
fn plain(text: &str) -> String {
    const WORDS: &[&str] = &["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"];
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./@ ".contains(c))
        && !text.ends_with(' ')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if is_plain {
        return text.to_owned();
    }
    // Characters that JSON allows and YAML or a terminal does not.
    let escape = |c: char| match c {
        '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    quoted(text).chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_stay_strings_and_numbers_keep_their_digits() {
        let json = Json::parse(
            r#"[{"id":"018f-a","n":123456789012345678901234567890.10,"yes":"no","at":"2026-01-01","empty":[],"deep":{"list":[[1,2],{"a":"x: y"}]}},"plain words",null]"#,
        );
        let wanted = "- id: \"018f-a\"\n  \"n\": 123456789012345678901234567890.10\n  \"yes\": \"no\"\n  at: \"2026-01-01\"\n  empty: []\n  deep:\n    list:\n      -\n        - 1\n        - 2\n      - a: \"x: y\"\n- plain words\n- null\n";
        assert_eq!(document(&json.unwrap()), wanted);
    }
}
