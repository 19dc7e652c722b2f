//! `?wait=`: an answer that comes when there is something to say.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::app::App;
use super::error::ApiError;
use crate::domain::ProjectStatus;
use crate::store::projects::Project;

/// How often to look without having been rung.
const LOOK: Duration = Duration::from_secs(1);

/// The project, once it is at `status`, or at rest somewhere else, or time is up, or the process stops.
pub async fn until(app: &App, id: Uuid, status: ProjectStatus, patience: Duration) -> Result<Project, ApiError> {
    let deadline = Instant::now() + patience;
    let mut ear = app.bell.ear();
    loop {
        // Clear, look, wait: a ring between the look and the wait is then not lost.
        ear.clear();
        let over = Instant::now() >= deadline || app.stop.is_cancelled();
        match look(app, id).await {
            Ok(project) if over || project.status == status || !project.status.is_transient() => return Ok(project),
            // Whoever waits anyway can wait for the database, too.
            Err(ApiError::Store(error)) if !over && error.is_temporary() => {}
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        tokio::select! {
            () = app.stop.cancelled() => {}
            _ = timeout_at(deadline.min(Instant::now() + LOOK), ear.rung()) => {}
        }
    }
}

/// One look at a time for every few connections: a crowd of waiters must not keep those out who only ask.
async fn look(app: &App, id: Uuid) -> Result<Project, ApiError> {
    let _turn = app.waiting.acquire().await;
    app.store.get_project(id).await?.ok_or(ApiError::NoProject(id))
}
