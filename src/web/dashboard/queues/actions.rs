//! The verbs of a queue.

use crate::domain::QueueState;
use crate::store::Audit;
use crate::store::queues::Queue;
use crate::web::api::queues::{load, not_found};
use crate::web::app::App;
use crate::web::dashboard::queues::list::{PAGE, QueueView};
use crate::web::error::ApiError;
use crate::web::ui::{Actions, Consequences, Form, Nav, Performed, Verb, plural};

impl Actions for Queue {
    const NAV: Nav = Nav::Queues;
    const LIST: (&'static str, &'static str) = ("Queues", PAGE);
    const VERBS: &'static [Verb] = &[
        Verb::confirmed("pause", "Pause queue", "pause"),
        Verb::destructive("drain", "Drain queue", "funnel"),
        Verb::direct("resume"),
    ];

    async fn load(app: &App, name: &str) -> Result<Self, ApiError> {
        load(app, name).await
    }

    fn title(&self) -> String {
        self.name.clone()
    }

    fn page(&self) -> String {
        self.href()
    }

    async fn consequences(&self, _: &App, verb: &str) -> Result<Consequences, ApiError> {
        let pending = plural(self.pending(), "job");
        let (effect, rest) = match (verb, self.pending()) {
            ("drain", 0) => (REFUSES, "The queue is already empty.".to_owned()),
            ("drain", _) => (REFUSES, format!("Workers process the jobs already in the queue ({pending} now).")),
            (_, 0) => (STOPS, "New jobs are accepted and wait.".to_owned()),
            (_, _) => (STOPS, format!("New jobs are accepted and wait behind {pending} already in the queue.")),
        };
        let active = (self.active > 0).then(|| format!("Active jobs finish ({} now).", plural(self.active, "job")));
        Ok(Consequences {
            effects: vec![effect.to_owned()],
            kept: std::iter::once(rest).chain(active).collect(),
            blocked: None,
        })
    }

    async fn perform(&self, app: &App, verb: &str, _: &Form, audit: &Audit) -> Result<Performed, ApiError> {
        let (state, flash) = match verb {
            "pause" => (QueueState::Paused, "paused"),
            "drain" => (QueueState::Draining, "draining"),
            _ => (QueueState::Active, "resumed"),
        };
        app.store.set_queue_state(&self.name, state, audit).await?.ok_or_else(|| not_found(&self.name))?;
        Ok(Performed::done(self.href(), flash))
    }
}

const STOPS: &str = "Workers stop taking jobs from this queue until you resume it.";
const REFUSES: &str =
    "New jobs are refused with status 409 until you resume the queue. Clients must handle this error.";
