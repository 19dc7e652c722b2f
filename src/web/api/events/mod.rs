//! `/events`.

pub mod follow;
pub mod stream;

use actix_web::HttpRequest;
use actix_web::web::Data;
use uuid::Uuid;

use crate::store::events::{Event, EventFilter};
use crate::web::api::description;
use crate::web::api::response::page;
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::query::Query;
use crate::wire;
use crate::wire::event::ENTITIES;
use crate::wire::json::raw;

/// List events, newest first: every state change with its actor, time and reason.
#[utoipa::path(get, path = "/events", tag = "statistics",
    params(description::EventConditions, ("since" = Option<String>, Query, description = "RFC 3339, or an age like `1h`"), description::Paging),
    responses((status = 200, body = [wire::Event]), description::Read))]
pub async fn list(app: Data<App>, request: HttpRequest) -> ApiResult {
    let query = Query::parse(request.query_string(), &["entity", "id", "actor", "since", "limit", "cursor"])?;
    let (filter, limit) = (filter(&query)?, query.limit()?);
    let rows = app.store.list_events(&filter, query.cursor()?, limit + 1).await?;
    page::<wire::Event, _, _>(&request, rows, limit, |last| last.id)
}

/// `?entity=&id=&actor=&since=`.
fn filter(query: &Query) -> Result<EventFilter, ApiError> {
    let entity = query.get("entity");
    if entity.is_some_and(|entity| !ENTITIES.contains(&entity)) {
        return Err(ApiError::parameter("entity", format!("must be one of {}", ENTITIES.join(", "))));
    }
    let text = query.get("id");
    let id = text.and_then(|text| Uuid::try_parse(text).ok());
    Ok(EventFilter {
        entity: entity.map(str::to_owned),
        entity_id: id,
        entity_name: text.filter(|_| id.is_none()).map(str::to_owned),
        actor: query.get("actor").map(str::to_owned),
        since: query.since()?,
    })
}

impl From<Event> for wire::Event {
    fn from(row: Event) -> Self {
        Self {
            id: row.id,
            entity: row.entity,
            entity_id: row.entity_id,
            previous_state: row.previous_state,
            new_state: row.new_state,
            reason: row.reason,
            actor: row.actor,
            detail: row.detail.map(raw),
            job_id: row.job_id,
            execution_id: row.execution_id,
            attempt: row.attempt,
            request_id: row.request_id,
            occurred_at: row.occurred_at,
        }
    }
}
