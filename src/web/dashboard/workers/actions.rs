//! The verbs of a worker.

use crate::domain::WorkerState;
use crate::store::Audit;
use crate::store::workers::RegisteredWorker;
use crate::web::api::workers::{load, not_found};
use crate::web::app::App;
use crate::web::dashboard::workers::list::{PAGE, WorkerView};
use crate::web::error::ApiError;
use crate::web::ui::{Actions, Consequences, Form, Nav, Performed, Verb, plural};

impl Actions for RegisteredWorker {
    const NAV: Nav = Nav::Workers;
    const LIST: (&'static str, &'static str) = ("Workers", PAGE);
    const VERBS: &'static [Verb] = &[
        Verb::confirmed("cordon", "Cordon worker", "pause"),
        Verb::destructive("drain", "Drain worker", "funnel"),
        Verb::direct("uncordon"),
        Verb::direct("forget"),
    ];

    async fn load(app: &App, id: &str) -> Result<Self, ApiError> {
        load(app, id).await
    }

    fn title(&self) -> String {
        self.worker.id.clone()
    }

    fn page(&self) -> String {
        self.href()
    }

    async fn consequences(&self, _: &App, verb: &str) -> Result<Consequences, ApiError> {
        let jobs = plural(self.busy.into(), "job");
        let mut effects = vec!["The worker claims no new jobs until you uncordon it.".to_owned()];
        let kept = if verb == "drain" {
            effects.push(format!("Unfinished jobs ({jobs} now) are released to other workers without a failure."));
            "The process keeps running and sending heartbeats.".to_owned()
        } else {
            format!("The worker finishes its running jobs ({jobs} now).")
        };
        let blocked = self.is_lost().then(|| "The worker is lost and cannot be reached.".to_owned());
        Ok(Consequences { effects, kept: vec![kept], blocked })
    }

    async fn perform(&self, app: &App, verb: &str, _: &Form, audit: &Audit) -> Result<Performed, ApiError> {
        let id = &self.worker.id;
        let (state, flash) = match verb {
            "forget" => return forget(app, self, audit).await,
            "cordon" => (WorkerState::Cordoned, "cordoned"),
            "drain" => (WorkerState::Draining, "worker-draining"),
            _ => (WorkerState::Online, "uncordoned"),
        };
        app.store.set_worker_state(id, state, audit).await?.ok_or_else(|| not_found(id))?;
        Ok(Performed::done(self.href(), flash))
    }
}

/// Redirects to the list, because the page of a forgotten worker no longer exists.
async fn forget(app: &App, worker: &RegisteredWorker, audit: &Audit) -> Result<Performed, ApiError> {
    let id = Some(worker.worker.id.as_str());
    let forgotten = worker.is_lost() && app.store.forget_workers(id, app.max_heartbeat_age(), audit).await? > 0;
    let flash = if forgotten { "forgotten".to_owned() } else { format!("forget-refused.{}", worker.state) };
    Ok(Performed::done(PAGE, flash))
}
