//! Prints one object in full, one member per line.

use super::cell::{TimeFormat, sanitize, timestamp};
use super::colors::Colors;
use super::json::Json;
use super::yaml;

/// A list or map longer than this is printed as YAML on several lines.
const MAX_LINE: usize = 100;

/// One line per member that is not null, with aligned labels.
pub fn details(json: &Json, colors: Colors) -> String {
    let members: Vec<_> = json.map().iter().filter(|(_, value)| *value != Json::Null).collect();
    let width = members.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let line = |(name, value): &(String, Json)| {
        let label = format!("{:width$}", sanitize(name).replace('_', " "));
        let value = match value {
            Json::Text(word) if name == "state" || name == "status" => colors.state(&sanitize(word)),
            Json::Text(at) if is_timestamp(name) => {
                format!("{} ({})", timestamp(at, TimeFormat::Utc), timestamp(at, TimeFormat::Relative))
            }
            Json::Text(text) => sanitize(text),
            Json::List(_) | Json::Map(_) => {
                let text = sanitize(&value.to_string());
                if text.len() > MAX_LINE {
                    let lines = yaml::document(value).lines().map(|line| format!("\n    {line}")).collect::<String>();
                    return format!("{}{lines}\n", colors.dim(label.trim_end()));
                }
                text
            }
            other => other.to_string(),
        };
        format!("{}  {value}\n", colors.dim(&label))
    };
    members.into_iter().map(line).collect()
}

fn is_timestamp(name: &str) -> bool {
    name.ends_with("_at") || matches!(name, "at" | "since" | "until" | "lease_until")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_member_has_a_line_unless_it_is_null() {
        let json = Json::parse(r#"{"id":"1","status":"ready","error_reason":null,"labels":{"a":"b"},"n":12}"#).unwrap();
        let expected = "id      1\nstatus  ready\nlabels  {\"a\":\"b\"}\nn       12\n";
        assert_eq!(details(&json, Colors(false)), expected);
    }
}
