//! The verbs of a schedule.

use crate::store::Audit;
use crate::web::api::schedules::actions::{run_now, set_enabled};
use crate::web::api::schedules::load_any;
use crate::web::app::App;
use crate::web::dashboard::schedules::list::PAGE;
use crate::web::error::ApiError;
use crate::web::ui::{Actions, Consequences, Form, Nav, Performed, Verb, links};

/// A schedule by name. One that this version cannot read can still be deleted.
pub struct NamedSchedule(String);

impl Actions for NamedSchedule {
    const NAV: Nav = Nav::Schedules;
    const LIST: (&'static str, &'static str) = ("Schedules", PAGE);
    const VERBS: &'static [Verb] = &[
        Verb::confirmed("pause", "Pause schedule", "pause"),
        Verb::destructive("delete", "Delete schedule", "trash"),
        Verb::direct("resume"),
        Verb::direct("run"),
    ];

    /// Does not check that the schedule exists, so that deleting it twice succeeds.
    async fn load(_: &App, name: &str) -> Result<Self, ApiError> {
        Ok(Self(name.to_owned()))
    }

    fn title(&self) -> String {
        self.0.clone()
    }

    fn page(&self) -> String {
        links::schedule_page(&self.0)
    }

    async fn consequences(&self, app: &App, verb: &str) -> Result<Consequences, ApiError> {
        _ = load_any(app, &self.0).await?;
        let (effect, kept) = if verb == "delete" {
            (
                "The schedule starts no more runs and cannot be backfilled.",
                "What the schedule started, with its history.",
            )
        } else {
            (
                "No runs start until you resume the schedule. Runs missed while it is paused are not caught up.",
                "Jobs already started continue. You can still use Run now, and backfill missed runs later.",
            )
        };
        Ok(Consequences { effects: vec![effect.to_owned()], kept: vec![kept.to_owned()], blocked: None })
    }

    async fn perform(&self, app: &App, verb: &str, _: &Form, audit: &Audit) -> Result<Performed, ApiError> {
        let name = &self.0;
        let flash = match verb {
            "delete" => {
                app.store.remove_schedule(name, None, audit).await?;
                return Ok(Performed::done(PAGE, "schedule-deleted"));
            }
            "run" => {
                run_now(app, name, audit).await?;
                "schedule-run"
            }
            "pause" => {
                set_enabled(app, name, false, audit).await?;
                "schedule-paused"
            }
            _ => {
                set_enabled(app, name, true, audit).await?;
                "schedule-resumed"
            }
        };
        Ok(Performed::done(self.page(), flash))
    }
}
