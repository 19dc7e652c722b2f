//! The form of a queue's limits.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::LimitScope;
use crate::store::limits::{Limit, LimitUse};
use crate::store::queues::Queue;
use crate::web::api::limits::checked;
use crate::web::api::queues::{limit_value, load, set_concurrency};
use crate::web::app::App;
use crate::web::dashboard::queues::page::page;
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::ui::{Changed, FieldError, Form, field_errors, links, name_in_path, or_error_page, redirect, stamp};
use crate::wire::PutLimit;
use crate::wire::duration::HumanDuration;

/// The form as typed or as stored. An empty field means no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueLimits {
    pub concurrency: String,
    pub rate: String,
    /// Seconds.
    pub window: String,
    pub burst: String,
    pub reason: String,
    /// Other limits on this queue, as sentences.
    pub others: Vec<String>,
    pub changed: Option<Changed>,
    pub errors: Vec<FieldError>,
}

impl QueueLimits {
    pub fn error(&self, field: &str) -> Option<&str> {
        FieldError::find(&self.errors, field)
    }

    pub fn stored(queue: &Queue) -> Self {
        let (rate, window, burst) = match queue.rate {
            Some((rate, window, burst)) => (rate.to_string(), window.to_string(), burst.to_string()),
            None => Default::default(),
        };
        let concurrency = queue.concurrency.map(|limit| limit.to_string()).unwrap_or_default();
        Self { concurrency, rate, window, burst, ..Self::default() }
    }

    fn rejected(form: &Form, errors: Vec<FieldError>) -> Self {
        let text = |name: &str| form.get(name).to_owned();
        Self {
            concurrency: text("concurrency"),
            rate: text("rate"),
            window: text("window"),
            burst: text("burst"),
            reason: text("reason"),
            errors,
            ..Self::default()
        }
    }

    /// Adds the other limits on the queue and the latest change.
    pub fn with_context(self, queue: &str, limits: &[LimitUse]) -> Self {
        let own = own_limits(queue);
        let (own, others): (Vec<&LimitUse>, Vec<&LimitUse>) =
            limits.iter().partition(|it| own.contains(&it.limit.name));
        let applies = |it: &&LimitUse| match it.limit.scope {
            LimitScope::Global => it.limit.enabled,
            LimitScope::Queue => it.limit.enabled && it.limit.value.as_deref() == Some(queue),
            _ => false,
        };
        let sentence = |it: &LimitUse| {
            let scope = if it.limit.scope == LimitScope::Global { " across all queues" } else { "" };
            format!("Limit {} allows {}{scope}.", it.limit.name, it.limit.text())
        };
        let latest = own.into_iter().max_by_key(|it| it.updated_at);
        Self {
            others: others.into_iter().filter(applies).map(sentence).collect(),
            changed: latest.map(|it| Changed { reason: None, actor: it.actor.clone(), at: stamp(it.updated_at) }),
            ..self
        }
    }
}

/// The names of the concurrency and the rate limit that this form edits.
fn own_limits(queue: &str) -> [String; 2] {
    [format!("queue:{queue}"), format!("queue-rate:{queue}")]
}

/// `POST /dashboard/queues/{name}/limits`.
pub async fn save(app: Data<App>, request: HttpRequest, name: Path<String>, body: Body) -> HttpResponse {
    or_error_page(&app, &request, try_save(&app, &request, name, &body).await)
}

async fn try_save(app: &App, request: &HttpRequest, name: Path<String>, body: &Body) -> Result<HttpResponse, ApiError> {
    let (name, form) = (name_in_path(name)?, Form::read(body)?);
    let queue = load(app, &name).await?;
    let mut errors = Vec::new();
    let concurrency = concurrency(&form, &mut errors);
    let rate = rate(&name, &form, &mut errors);
    let audit = form.checked_audit(&mut errors);
    let Some(audit) = audit.filter(|_| errors.is_empty()) else {
        return page(app, request, &name, Some(QueueLimits::rejected(&form, errors))).await;
    };
    // Unchanged limits are not written, so they leave no trace in the audit log.
    if concurrency != queue.concurrency {
        set_concurrency(app, &name, concurrency, &audit).await?;
    }
    let stored = |limit: &Limit| (limit.max, limit.window.unwrap_or_default(), limit.burst.unwrap_or_default());
    match rate {
        Some(limit) if queue.rate == Some(stored(&limit)) => {}
        Some(limit) => _ = app.store.put_limit(&limit, &audit).await?,
        None => {
            let [_, own] = own_limits(&name);
            app.store.remove_limit(&own, &audit).await?;
        }
    }
    Ok(redirect(&links::queue_page(&name), Some("limits")))
}

fn concurrency(form: &Form, errors: &mut Vec<FieldError>) -> Option<i32> {
    let limit = form.whole_number("concurrency", "The concurrency limit", errors)?;
    let limit = limit_value("concurrency", limit).ok();
    if limit.is_none() {
        errors.push(FieldError::new("concurrency", "The concurrency limit must be a whole number from 0 to 1000000."));
    }
    limit
}

fn rate(queue: &str, form: &Form, errors: &mut Vec<FieldError>) -> Option<Limit> {
    let limit = form.whole_number("rate", "The number of starts", errors);
    let burst = form.whole_number("burst", "The burst", errors);
    let window = form.word("window").map(HumanDuration::parse);
    if window == Some(None) {
        errors.push(FieldError::new("window", "The window must be a number of seconds, such as 60 or 0.5."));
    }
    if form.word("rate").is_none() && (burst.is_some() || window.is_some()) {
        errors.push(FieldError::new(
            "rate",
            "Enter the maximum number of starts per window, or clear the window and the burst.",
        ));
    }
    let [_, own] = own_limits(queue);
    let put = PutLimit {
        name: own,
        scope: "queue".to_owned(),
        value: Some(queue.to_owned()),
        mode: Some("rate".to_owned()),
        limit: limit?,
        window: window.flatten(),
        burst,
        enabled: None,
        reason: None,
    };
    let field = |name: &str| match name {
        "window" => "window",
        "burst" => "burst",
        _ => "rate",
    };
    match checked(put) {
        Ok(limit) => Some(limit),
        Err(error) => {
            errors.extend(field_errors(error, field).unwrap_or_default());
            None
        }
    }
}
