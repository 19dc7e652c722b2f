//! Components that all pages share. This module does not depend on any page.

mod action;
pub mod chart;
mod confirm;
mod counts;
mod error;
pub mod flash;
mod form;
mod format;
pub mod links;
mod list;
mod parts;
mod preferences;
mod range;
mod respond;
mod scale;
mod shell;
mod state;

pub use action::{Actions, Consequences, Performed, Verb, action_routes};
pub use chart::{BarChart, BarData, DurationData, LineChart, StackedBar};
pub use confirm::{ConfirmField, ConfirmItem, ConfirmPage, Confirmation, Rejected, confirmed_audit};
pub use counts::{Counts, PROJECT_STATUSES};
pub use error::{mark_database_down, not_found, or_error_page};
pub use flash::Flash;
pub use form::{ACTOR, Choice, FLASH, FieldError, Form, control_id, cookie, field_errors, redirect};
pub use format::*;
pub use links::{id_in_path, name_in_path, short_id, with_id};
pub use list::{Bulk, Hidden, Pages, Tab};
pub use parts::{Cause, Changed, CurlLine, Holder, JobLink, Kpi, Link, TimelineEntry, Usage, curl_auth};
pub use preferences::{Preferences, Theme, Zone, poll_seconds};
pub use range::MetricsRange;
pub use respond::{Rendering, is_live, respond};
pub use scale::Scale;
pub use shell::{Nav, Shell};
pub use state::{Badge, Level, StateBadge, Tone, outcome_badge, retry_label};

/// The methods of a page with a form.
pub const PAGE_AND_FORM: &[&str] = &["GET", "POST"];
