//! Small things that many pages of the job engine show.

use crate::web::dashboard::ui::layout_view::Stamp;
use crate::web::dashboard::ui::status::Tone;

/// One tab above a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    /// The word on it.
    pub label: String,
    /// How many, in words: "1,284", "10,000+".
    pub count: String,
    /// The list it shows, keeping what else narrows it.
    pub href: String,
    /// Whether the list shows this one.
    pub current: bool,
    /// What one rarely looks for is drawn without a border.
    pub quiet: bool,
}

/// Where a page of a list stands in the whole list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pages {
    /// How many match the filter, in words: "1,284", "10,000+".
    pub matching: String,
    /// The first page of this list; `None` on the first page itself.
    pub newer: Option<String>,
    /// The next page; `None` on the last one.
    pub older: Option<String>,
}

/// How much of something is used: a bar and its words. Without a percentage there is no limit, and so no bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gauge {
    /// The same in words ("8 of 10").
    pub text: String,
    /// How full the bar is, 0 to 100.
    pub percent: Option<u32>,
    /// The colour of the bar.
    pub tone: Tone,
}

/// One choice of a select.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub label: String,
    /// Whether it is chosen.
    pub selected: bool,
}

/// What keeps work from being done, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// A sentence ("No worker serves the queue bulk, and 12 jobs wait in it.").
    pub text: String,
    /// The line for a shell that helps, if there is one.
    pub command: Option<String>,
}

/// Who moved something into its present state, why and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The reason given, if one was.
    pub reason: Option<String>,
    /// Who it was.
    pub actor: String,
    /// When.
    pub at: Stamp,
}

/// What can be done with many rows of a list at once; the templates of the lists know which verbs they offer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bulk {
    /// What narrows the list, as hidden fields of the form that acts on all that match: name and value.
    pub filter: Vec<Hidden>,
    /// The exact URL of this list, so that the action returns to it.
    pub back: String,
    /// How many match, in words, to follow "all" ("1,284").
    pub matching: String,
}

/// A hidden field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// The name of the field.
    pub field: String,
    /// What is sent.
    pub value: String,
}

/// A job, named in few words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLink {
    /// The whole id; the link is built from it.
    pub id: String,
    /// Enough of it to recognise it.
    pub short_id: String,
    /// Its kind.
    pub kind: String,
}

/// The first line of a longer text: an error is often a whole stack, and a table wants one line of it.
pub fn first_line(text: &str) -> &str {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

/// Whether there is more to a text than its first line.
pub fn has_more(text: &str) -> bool {
    text.trim() != first_line(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_stack_is_its_message() {
        let text = "\nSmtpTimeout: 10 s elapsed\n  at send (mail.rs:12)\n";
        assert_eq!(first_line(text), "SmtpTimeout: 10 s elapsed");
        assert!(has_more(text));
        assert!(!has_more("one line\n"));
        assert_eq!(first_line(""), "");
    }
}
