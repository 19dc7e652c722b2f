//! One thing with everything that is known of it: a line for each member.

use std::fmt::Write;

use super::cell::{Clock, harmless, when};
use super::json::Json;
use super::paint::Paint;
use super::yaml;

/// What is longer than this in one line is written in several.
const LINE: usize = 100;

/// The members, each on its line, names to the left.
pub fn card(json: &Json, paint: Paint) -> String {
    let members: Vec<_> = json.map().iter().filter(|(_, value)| *value != Json::Null).collect();
    let width = members.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for (name, value) in members {
        let label = format!("{:width$}", harmless(name).replace('_', " "));
        // Writing to a String cannot fail.
        _ = match value {
            Json::Text(word) if name == "state" || name == "status" => {
                writeln!(text, "{}  {}", paint.dim(&label), paint.state(&harmless(word)))
            }
            Json::Text(at) if is_moment(name) => {
                let (absolute, ago) = (when(at, Clock::Utc), when(at, Clock::Relative));
                writeln!(text, "{}  {absolute} ({ago})", paint.dim(&label))
            }
            Json::Text(words) => writeln!(text, "{}  {}", paint.dim(&label), harmless(words)),
            Json::List(_) | Json::Map(_) => {
                let line = harmless(&value.to_string());
                if line.len() <= LINE {
                    writeln!(text, "{}  {line}", paint.dim(&label))
                } else {
                    let indented =
                        yaml::document(value).lines().fold(String::new(), |text, line| text + "\n    " + line);
                    writeln!(text, "{}{indented}", paint.dim(label.trim_end()))
                }
            }
            other => writeln!(text, "{}  {other}", paint.dim(&label)),
        };
    }
    text
}

fn is_moment(name: &str) -> bool {
    name.ends_with("_at") || matches!(name, "at" | "since" | "until" | "lease_until")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_member_has_its_line_and_what_is_null_has_none() {
        let json = Json::parse(r#"{"id":"1","status":"ready","error_reason":null,"labels":{"a":"b"},"n":12}"#).unwrap();
        let wanted = "id      1\nstatus  ready\nlabels  {\"a\":\"b\"}\nn       12\n";
        assert_eq!(card(&json, Paint(false)), wanted);
    }
}
