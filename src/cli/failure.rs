//! Why a command did not do what it was asked: what, why, what to try, and where to look.

use std::fmt::Write as _;
use std::io::Write as _;

use super::Exit;
use super::output::{Format, Paint, harmless};
use crate::log::chain;
use crate::wire::Problem;
use crate::wire::client::ClientError;

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    Story(Box<Story>),
    /// Nothing was to be sent; this is what would have been.
    Rehearsed(String),
    /// Whoever read what we write has gone away, which is nobody's mistake.
    NobodyReads,
}

/// What went wrong, for people and for programs.
#[derive(Debug)]
pub struct Story {
    exit: Exit,
    what: String,
    why: Option<String>,
    tries: Vec<String>,
    code: String,
    problem: Option<Problem>,
    /// Another time may go better.
    passing: bool,
}

/// What the teller knows beyond the failure itself.
pub struct Teller<'a> {
    pub format: Format,
    pub paint: Paint,
    /// Who said where the server is.
    pub origin: &'a str,
    /// The kind of thing that the command is about, and which one.
    pub noun: &'a str,
    pub subject: Option<&'a str>,
}

impl Failure {
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        let code = match exit {
            Exit::Usage => "usage",
            Exit::NotFound => "not_found",
            Exit::Conflict => "invalid_state",
            Exit::TimedOut => "timed_out",
            Exit::Unreachable => "unreachable",
            _ => "failed",
        };
        let (what, code) = (what.into(), code.to_owned());
        Self::Story(Box::new(Story { exit, what, why: None, tries: Vec::new(), code, problem: None, passing: false }))
    }

    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    pub const fn nobody_reads() -> Self {
        Self::NobodyReads
    }

    pub fn why(mut self, why: impl Into<String>) -> Self {
        if let Self::Story(story) = &mut self {
            story.why = Some(why.into());
        }
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Story(story) = &mut self {
            story.tries.push(hint.into());
        }
        self
    }

    /// Whether trying again later may go better.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Story(story) if story.passing)
    }

    /// Tells it on stderr; what the process ends with.
    pub fn tell(self, teller: &Teller<'_>) -> Exit {
        let Self::Story(story) = self else { return Exit::Success };
        let text = match teller.format {
            Format::Json | Format::Jsonl => serde_json::to_string(&story.as_problem(teller)).unwrap_or_default(),
            _ => story.text(teller),
        };
        // Whoever reads it may have gone away already.
        _ = writeln!(std::io::stderr(), "{}", text.trim_end());
        story.exit
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let passing = error.is_temporary();
        let mut failure = Self::told(error);
        if let Self::Story(story) = &mut failure {
            story.passing = passing;
        }
        failure
    }
}

impl Failure {
    fn told(error: ClientError) -> Self {
        match error {
            ClientError::DryRun(text) => Self::Rehearsed(text),
            ClientError::Refused(problem) => Self::Story(Box::new(Story::refused(*problem))),
            ClientError::Address(_) => Self::usage(error.to_string()),
            ClientError::Unreachable { .. } => Self::new(Exit::Unreachable, error.to_string()).why(deepest(&error)),
            ClientError::Failing { .. } | ClientError::Unexpected { .. } => {
                Self::new(Exit::Unreachable, error.to_string())
            }
        }
    }
}

/// The innermost cause, which is the one that says it.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    chain(innermost)
}

impl Story {
    fn refused(problem: Problem) -> Self {
        let exit = match problem.status {
            404 => Exit::NotFound,
            401 | 403 | 421 => Exit::Denied,
            409 | 412 => Exit::Conflict,
            400..=499 => Exit::Usage,
            503 => Exit::Unreachable,
            _ => Exit::Failure,
        };
        // The first sentence says what, the rest why.
        let (what, why) = match problem.detail.split_once(". ") {
            Some((what, why)) => (what.to_owned(), Some(why.to_owned())),
            None => (problem.detail.trim_end_matches('.').to_owned(), None),
        };
        Self { exit, what, why, tries: Vec::new(), code: problem.code.clone(), problem: Some(problem), passing: false }
    }

    fn text(&self, teller: &Teller<'_>) -> String {
        let mut text = format!("{} {}\n", teller.paint.red("error:"), harmless(&self.named(teller)));
        // Writing to a String cannot fail.
        if let Some(why) = &self.why {
            _ = writeln!(text, "  {}", harmless(why));
        }
        if self.is_unreachable() {
            _ = writeln!(text, "  The address comes from {}.", teller.origin);
        }
        for (at, hint) in self.hints(teller).iter().enumerate() {
            _ = writeln!(text, "  {:5}  {}", if at == 0 { "try:" } else { "" }, harmless(hint));
        }
        let request = self.problem.as_ref().map(|it| it.request_id.as_str()).filter(|it| !it.is_empty());
        let request = request.map(|id| format!("   request: {}", harmless(id))).unwrap_or_default();
        _ = writeln!(text, "  {:5}  {}{request}", "code:", harmless(&self.code));
        text
    }

    /// What happened, with the name of the thing that it happened to.
    fn named(&self, teller: &Teller<'_>) -> String {
        let general = format!("The {} ", teller.noun);
        match (teller.subject, self.what.strip_prefix(&general)) {
            (Some(subject), Some(rest)) => format!("{} \"{subject}\" {rest}", teller.noun),
            _ => self.what.clone(),
        }
    }

    fn is_unreachable(&self) -> bool {
        self.exit == Exit::Unreachable && self.problem.is_none()
    }

    fn hints(&self, teller: &Teller<'_>) -> Vec<String> {
        if !self.tries.is_empty() {
            return self.tries.clone();
        }
        let noun = teller.noun;
        let one = match (self.exit, teller.subject) {
            (Exit::Unreachable, _) if self.is_unreachable() => {
                return vec![
                    "provost serve   (or provost dev, with something to look at)".into(),
                    "--address URL or PROVOST_ADDRESS, if it is elsewhere".into(),
                ];
            }
            (Exit::Unreachable, _) => "provost status".to_owned(),
            (Exit::NotFound, _) => format!("provost {noun} list"),
            (Exit::Denied, _) => "--token TOKEN, or PROVOST_TOKEN in the environment".to_owned(),
            (Exit::Conflict, Some(subject)) => format!("provost {noun} get {}", shell_word(subject)),
            (Exit::Usage, _) => format!("provost help {noun}"),
            _ => return Vec::new(),
        };
        vec![one]
    }

    /// The problem object: the server's own, or one of the same form.
    fn as_problem(&self, teller: &Teller<'_>) -> Problem {
        if let Some(problem) = &self.problem {
            return problem.clone();
        }
        let from =
            if self.is_unreachable() { format!(" The address comes from {}.", teller.origin) } else { String::new() };
        let why = self.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        Problem {
            kind: format!("urn:provost:problem:{}", self.code),
            title: self.what.clone(),
            status: 0,
            detail: format!("{}{why}.{from}", self.what),
            code: self.code.clone(),
            request_id: String::new(),
            errors: Vec::new(),
            current_status: None,
        }
    }
}

/// A text as a shell takes it for one word.
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

    fn teller(format: Format) -> Teller<'static> {
        Teller { format, paint: Paint(false), origin: "--address", noun: "project", subject: Some("acme eu") }
    }

    #[test]
    fn an_error_says_what_why_try_and_where() {
        let problem = Problem {
            kind: "urn:provost:problem:invalid_state".into(),
            title: "Not possible in this state".into(),
            status: 409,
            detail: "The project cannot be retried: it is ready. Only a failed project can be retried.".into(),
            code: "invalid_state".into(),
            request_id: "r-1".into(),
            errors: Vec::new(),
            current_status: Some("ready".into()),
        };
        let story = Story::refused(problem);
        assert_eq!(story.exit, Exit::Conflict);
        let wanted = "error: project \"acme eu\" cannot be retried: it is ready\n  Only a failed project can be retried.\n  try:   provost project get 'acme eu'\n  code:  invalid_state   request: r-1\n";
        assert_eq!(story.text(&teller(Format::Table)), wanted);
    }

    #[test]
    fn an_unreachable_server_is_told_with_where_its_address_comes_from() {
        let Failure::Story(story) = Failure::new(Exit::Unreachable, "no server answers at http://127.0.0.1:1") else {
            panic!("a story");
        };
        assert!(story.text(&teller(Format::Table)).contains("The address comes from --address."));
        assert!(story.as_problem(&teller(Format::Json)).detail.contains("--address"));
    }
}
