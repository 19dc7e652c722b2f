//! `/dashboard/queues`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::domain::QueueState;
use crate::store::queues::Queue;
use crate::web::app::App;
use crate::web::dashboard::jobs::format as jobs;
use crate::web::error::ApiError;
use crate::web::query::Query;
use crate::web::ui::{
    Changed, Nav, Rendering, Shell, StateBadge, Tone, Usage, count, filters, links, or_error_page, plural, respond,
    stamp,
};

pub const PAGE: &str = "/dashboard/queues";

#[derive(Debug, Clone, Template)]
#[template(path = "queues/list.html", blocks = ["main"], whitespace = "minimize")]
pub struct QueuesPage {
    pub shell: Shell,
    pub queues: Vec<Queue>,
}

pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, list(&app, &request).await)
}

async fn list(app: &App, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    Query::parse(request.query_string(), &[])?;
    let page = QueuesPage {
        queues: app.store.list_queues(None, app.max_heartbeat_age()).await?,
        shell: Shell::load(app, request, Nav::Queues).await?.titled("Queues"),
    };
    Ok(respond(request, Rendering::new(&page, page.as_main())))
}

impl QueuesPage {
    /// "5 queues, 1 paused".
    pub fn summary(&self) -> String {
        let mut text = plural(self.queues.len() as i64, "queue");
        for state in [QueueState::Paused, QueueState::Draining] {
            let n = self.queues.iter().filter(|queue| queue.state == state).count();
            if n > 0 {
                text.push_str(&format!(", {n} {state}"));
            }
        }
        text
    }
}

/// The text of a queue.
pub trait QueueView {
    fn href(&self) -> String;
    /// The list of its jobs; `state` may be empty.
    fn jobs(&self, state: &str) -> String;
    fn changed(&self) -> Changed;
    /// Active jobs out of the concurrency limit.
    fn running(&self) -> Usage;
    /// Jobs that wait or will become due.
    fn pending(&self) -> i64;
    /// Whether jobs wait although no worker serves the queue.
    fn is_unserved(&self) -> bool;
    /// Jobs per minute: "12 in, 0.4 out".
    fn flow(&self) -> String;
}

impl QueueView for Queue {
    fn href(&self) -> String {
        links::queue_page(&self.name)
    }

    fn jobs(&self, state: &str) -> String {
        links::with_query(jobs::PAGE, &[("state", state), ("queue", &self.name)])
    }

    fn changed(&self) -> Changed {
        Changed { reason: self.reason.clone(), actor: self.actor.clone(), at: stamp(self.changed_at) }
    }

    fn running(&self) -> Usage {
        match self.concurrency {
            Some(limit) => Usage::of(self.active, limit.into()),
            None => Usage { text: count(self.active), percent: None, tone: Tone::Work },
        }
    }

    fn pending(&self) -> i64 {
        self.waiting + self.scheduled + self.retrying
    }

    fn is_unserved(&self) -> bool {
        self.workers == 0 && self.pending() > 0
    }

    fn flow(&self) -> String {
        let text = |rate: f64| {
            if rate.fract() == 0.0 || rate >= 10.0 { count(rate.round() as i64) } else { format!("{rate:.1}") }
        };
        format!("{} in, {} out", text(self.in_per_minute), text(self.out_per_minute))
    }
}
