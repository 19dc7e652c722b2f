//! Prints failures to stderr: for people as text, for `-o json` and `-o jsonl` as a problem object.

use std::fmt::Write as _;
use std::io::Write as _;

use super::exit::Exit;
use super::failure::{Error, Failure};
use super::output::{Colors, Format, sanitize};
use crate::wire::Problem;

/// The command that failed.
pub struct Subject<'a> {
    pub format: Format,
    pub colors: Colors,
    /// Where the address of the server was set.
    pub address_origin: &'a str,
    pub noun: &'a str,
    /// The name or id of the object, if the command has one.
    pub name: Option<&'a str>,
}

/// Prints a failure and returns its exit code.
pub fn print(failure: Failure, subject: &Subject<'_>) -> Exit {
    let Failure::Error(error) = failure else { return Exit::Success };
    let text = match subject.format {
        Format::Json | Format::Jsonl => serde_json::to_string(&as_problem(&error, subject)).unwrap_or_default(),
        _ => as_text(&error, subject),
    };
    // stderr may be closed.
    _ = writeln!(std::io::stderr(), "{}", text.trim_end());
    error.exit
}

fn as_text(error: &Error, subject: &Subject<'_>) -> String {
    let mut text = format!("{} {}\n", subject.colors.red("error:"), sanitize(&summary(error, subject)));
    // Writing to a String cannot fail.
    if let Some(cause) = &error.cause {
        _ = writeln!(text, "  {}", sanitize(cause));
    }
    if error.is_unreachable() {
        _ = writeln!(text, "  The address comes from {}.", subject.address_origin);
    }
    for (at, hint) in hints(error, subject).iter().enumerate() {
        _ = writeln!(text, "  {:5}  {}", if at == 0 { "try:" } else { "" }, sanitize(hint));
    }
    let request = error.problem.as_ref().map(|it| it.request_id.as_str()).filter(|it| !it.is_empty());
    let request = request.map(|id| format!("   request: {}", sanitize(id))).unwrap_or_default();
    _ = writeln!(text, "  {:5}  {}{request}", "code:", sanitize(&error.code));
    text
}

/// The summary with the name of the object: `The project is …` becomes `project "acme" is …`.
fn summary(error: &Error, subject: &Subject<'_>) -> String {
    let general = format!("The {} ", subject.noun);
    match (subject.name, error.summary.strip_prefix(&general)) {
        (Some(name), Some(rest)) => format!("{} \"{name}\" {rest}", subject.noun),
        _ => error.summary.clone(),
    }
}

fn hints(error: &Error, subject: &Subject<'_>) -> Vec<String> {
    if !error.hints.is_empty() {
        return error.hints.clone();
    }
    let noun = subject.noun;
    let hint = match (error.exit, subject.name) {
        (Exit::Unreachable, _) if error.is_unreachable() => {
            return vec![
                "provost serve, or provost dev to start with demo data".into(),
                "--address URL or PROVOST_ADDRESS, if the server runs elsewhere".into(),
            ];
        }
        (Exit::Unreachable, _) => "provost status".to_owned(),
        (Exit::NotFound, _) => format!("provost {noun} list"),
        (Exit::Denied, _) => "--token TOKEN, or PROVOST_TOKEN in the environment".to_owned(),
        (_, Some(name)) if error.code == "ambiguous_name" => {
            format!("provost {noun} list --search {}", shell_word(name))
        }
        (Exit::Conflict, Some(name)) => format!("provost {noun} get {}", shell_word(name)),
        (Exit::Usage, _) => format!("provost help {noun}"),
        _ => return Vec::new(),
    };
    vec![hint]
}

/// The problem object of the server, or one in the same form.
fn as_problem(error: &Error, subject: &Subject<'_>) -> Problem {
    if let Some(problem) = &error.problem {
        return problem.clone();
    }
    let origin = match error.is_unreachable() {
        true => format!(" The address comes from {}.", subject.address_origin),
        false => String::new(),
    };
    let cause = error.cause.as_ref().map(|cause| format!(" ({cause})")).unwrap_or_default();
    Problem {
        kind: format!("urn:provost:problem:{}", error.code),
        title: error.summary.clone(),
        status: 0,
        detail: format!("{}{cause}.{origin}", error.summary),
        code: error.code.clone(),
        request_id: String::new(),
        errors: Vec::new(),
        current_status: None,
    }
}

/// Quotes a text so that a shell reads it as one word.
fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:@".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(format: Format) -> Subject<'static> {
        Subject { format, colors: Colors(false), address_origin: "--address", noun: "project", name: Some("acme eu") }
    }

    #[test]
    fn error_text_has_summary_cause_hint_and_code() {
        let problem = Problem {
            kind: "urn:provost:problem:invalid_state".into(),
            title: "Invalid state".into(),
            status: 409,
            detail: "The project cannot be retried because it is ready. Only a failed project can be retried.".into(),
            code: "invalid_state".into(),
            request_id: "r-1".into(),
            errors: Vec::new(),
            current_status: Some("ready".into()),
        };
        let error = Error::refused(problem);
        assert_eq!(error.exit, Exit::Conflict);
        let expected = "error: project \"acme eu\" cannot be retried because it is ready\n  Only a failed project can be retried.\n  try:   provost project get 'acme eu'\n  code:  invalid_state   request: r-1\n";
        assert_eq!(as_text(&error, &subject(Format::Table)), expected);
    }

    #[test]
    fn unreachable_error_names_the_origin_of_the_address() {
        let Failure::Error(error) = Failure::new(Exit::Unreachable, "no server answers at http://127.0.0.1:1") else {
            panic!("not an error");
        };
        assert!(as_text(&error, &subject(Format::Table)).contains("The address comes from --address."));
        assert!(as_problem(&error, &subject(Format::Json)).detail.contains("--address"));
    }
}
