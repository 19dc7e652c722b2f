//! JSON as YAML. Written here because numbers must stay as they came, and because what YAML 1.1 would take for something else
//! than a text is put into quotation marks.

use std::fmt::Write;

use super::json::{Json, quoted};

/// A document.
pub fn document(json: &Json) -> String {
    let mut text = String::new();
    match json {
        Json::List(_) | Json::Map(_) => block(&mut text, json, 0),
        other => _ = writeln!(text, "{}", scalar(other)),
    }
    text
}

/// Writes a container that stands `depth` steps to the right, line by line.
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
                        // The first member stands on the line of the dash.
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

/// What fits on one line; nothing for a container with something in it.
fn scalar(json: &Json) -> String {
    match json {
        Json::List(elements) if elements.is_empty() => "[]".to_owned(),
        Json::Map(members) if members.is_empty() => "{}".to_owned(),
        Json::List(_) | Json::Map(_) => String::new(),
        Json::Text(text) => plain(text),
        other => other.to_string(),
    }
}

/// A text without quotation marks where nobody can take it for anything else.
fn plain(text: &str) -> String {
    const WORDS: &[&str] = &["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"];
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./@ ".contains(c))
        && !text.ends_with(' ')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if is_plain {
        return text.to_owned();
    }
    // What JSON leaves as it is and a terminal or YAML would not.
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
    fn what_is_a_text_stays_one_and_numbers_stay_as_they_are() {
        let json = Json::parse(
            r#"[{"id":"018f-a","n":123456789012345678901234567890.10,"yes":"no","at":"2026-01-01","empty":[],"deep":{"list":[[1,2],{"a":"x: y"}]}},"plain words",null]"#,
        );
        let wanted = "- id: \"018f-a\"\n  \"n\": 123456789012345678901234567890.10\n  \"yes\": \"no\"\n  at: \"2026-01-01\"\n  empty: []\n  deep:\n    list:\n      -\n        - 1\n        - 2\n      - a: \"x: y\"\n- plain words\n- null\n";
        assert_eq!(document(&json.unwrap()), wanted);
    }
}
