//! The page that asks on the server before something happens that cannot simply be undone.

use askama::Template;

use crate::web::dashboard::ui::layout_view::Shell;
use crate::web::dashboard::ui::parts::{Choice, Hidden};

/// Every confirm page of the job engine: one thing to be done, to one or to many.
#[derive(Debug, Clone, Template)]
#[template(path = "confirm.html", blocks = ["main"], whitespace = "minimize")]
pub struct ConfirmPage {
    /// The frame, with `live` false.
    pub shell: Shell,
    /// The heading, as a wish ("Cancel 21 jobs", "Pause a queue").
    pub heading: String,
    /// What it is about, as the head of the card: a name or a filter in words ("bulk", "kind email.send, queue bulk").
    pub subject: String,
    /// What happens, as sentences, the most important first.
    pub happens: Vec<String>,
    /// What stays as it is, as sentences; possibly none.
    pub stays: Vec<String>,
    /// For an action on many: how many exactly, with the word ("21 jobs").
    pub count: Option<String>,
    /// The first five of them.
    pub listed: Vec<ConfirmItem>,
    /// How many are not listed, in words ("and 16 more").
    pub more: Option<String>,
    /// Where the form is posted to.
    pub post_to: String,
    /// What the form sends along; `confirmed` = `1` is already in the template.
    pub hidden: Vec<Hidden>,
    /// Further fields, above the reason.
    pub fields: Vec<ConfirmField>,
    /// What stands in the field of the reason (`reason`); `None` for an action that keeps none.
    pub reason: Option<String>,
    /// The verb on the button ("Cancel 21 jobs"); the same words as in the heading.
    pub button: String,
    /// The icon on the button.
    pub icon: String,
    /// Whether something is lost by it: the button is red.
    pub destroys: bool,
    /// The way back, where nothing happens.
    pub cancel: String,
    /// Why the last POST was refused, as a sentence; it may name the old and the new count.
    pub error: Option<String>,
    /// Why it cannot be done at all now; then there is no form.
    pub blocked: Option<String>,
}

/// One of those it happens to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmItem {
    /// Its name, in the user's own words.
    pub label: String,
    /// Where to look at it.
    pub href: String,
    /// A few words about it ("attempt 5 of 5, SmtpTimeout").
    pub note: Option<String>,
}

/// A further field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfirmField {
    /// The `name` of the control.
    pub field: String,
    /// The words before it.
    pub label: String,
    /// What else there is to know, possibly empty.
    pub hint: String,
    /// What stands in it; of no meaning for a select.
    pub value: String,
    /// The choices; a plain input if there are none.
    pub choices: Vec<Choice>,
    /// What was wrong with it.
    pub error: Option<String>,
}

impl ConfirmField {
    /// The `id` of the control: dashes instead of underscores, by the convention of all templates.
    pub fn control(&self) -> String {
        self.field.replace('_', "-")
    }
}
