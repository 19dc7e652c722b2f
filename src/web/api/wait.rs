//! Requests that wait until a condition holds, such as `?wait=finished`.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::query::Query;

/// Maximum time between two polls, in case a wakeup is missed.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Polls until `is_done`, `timeout` has passed or the process stops. Returns the result of the last poll.
pub async fn until<T, F: Future<Output = Result<T, ApiError>>>(
    app: &App,
    timeout: Duration,
    is_done: impl Fn(&T) -> bool,
    poll: impl Fn() -> F,
) -> Result<T, ApiError> {
    let deadline = Instant::now() + timeout;
    let mut wakeups = app.wakeup.subscribe();
    loop {
        // Clear before polling: a wakeup during the poll must end the wait that follows.
        wakeups.clear();
        let is_over = Instant::now() >= deadline || app.stop.is_cancelled();
        match limited(app, poll()).await {
            Ok(value) if is_over || is_done(&value) => return Ok(value),
            // The request waits anyway, so it can also wait for the database.
            Err(ApiError::Store(error)) if !is_over && error.is_temporary() => {}
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        tokio::select! {
            () = app.stop.cancelled() => {}
            _ = timeout_at(deadline.min(Instant::now() + POLL_INTERVAL), wakeups.woken()) => {}
        }
    }
}

/// Polls once, or with `?wait=finished` until `is_finished` or `?timeout=` has passed.
pub async fn until_finished<T, F: Future<Output = Result<T, ApiError>>>(
    app: &App,
    query: &Query,
    is_finished: impl Fn(&T) -> bool,
    poll: impl Fn() -> F,
) -> Result<T, ApiError> {
    let timeout = query.timeout()?;
    match query.get("wait") {
        None => poll().await,
        Some("finished") => until(app, timeout, is_finished, poll).await,
        Some(_) => Err(ApiError::parameter("wait", "must be finished")),
    }
}

/// Runs a poll while holding a permit, so that waiting requests leave database connections free for all others.
pub async fn limited<F: Future>(app: &App, poll: F) -> F::Output {
    let _permit = app.waiting.acquire().await;
    poll.await
}
