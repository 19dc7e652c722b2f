//! `?wait=`: an answer that comes when there is something to say.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::query::Query;

/// How often to look without having been rung.
const LOOK: Duration = Duration::from_secs(1);

/// What `look` finds, once it is as wished, or time is up, or the process stops.
pub async fn until<T, F: Future<Output = Result<T, ApiError>>>(
    app: &App,
    patience: Duration,
    is_so: impl Fn(&T) -> bool,
    look: impl Fn() -> F,
) -> Result<T, ApiError> {
    let deadline = Instant::now() + patience;
    let mut wakeups = app.wakeup.subscribe();
    loop {
        // Clear, look, wait: a ring between the look and the wait is then not lost.
        wakeups.clear();
        let over = Instant::now() >= deadline || app.stop.is_cancelled();
        match in_turn(app, look()).await {
            Ok(found) if over || is_so(&found) => return Ok(found),
            // Whoever waits anyway can wait for the database, too.
            Err(ApiError::Store(error)) if !over && error.is_temporary() => {}
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        tokio::select! {
            () = app.stop.cancelled() => {}
            _ = timeout_at(deadline.min(Instant::now() + LOOK), wakeups.woken()) => {}
        }
    }
}

/// What `look` finds: now, or with `?wait=finished` once it is so, for `?timeout=` at most.
pub async fn until_finished<T, F: Future<Output = Result<T, ApiError>>>(
    app: &App,
    query: &Query,
    is_finished: impl Fn(&T) -> bool,
    look: impl Fn() -> F,
) -> Result<T, ApiError> {
    let timeout = query.timeout()?;
    match query.get("wait") {
        None => look().await,
        Some("finished") => until(app, timeout, is_finished, look).await,
        Some(_) => Err(ApiError::parameter("wait", "must be finished")),
    }
}

/// One look at a time for every few connections: a crowd of those who wait must not keep those out who only ask.
pub async fn in_turn<F: Future>(app: &App, look: F) -> F::Output {
    let _turn = app.waiting.acquire().await;
    look.await
}
