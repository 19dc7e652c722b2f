//! Logs of attempts on remote workers.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::store::logs::NewLogLine;
use crate::web::api::description;
use crate::web::api::internal::token_scope::TokenScope;
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{Id, LargeBody, parse};
use crate::wire::internal::{LogsResponse, PostLogs};

/// Maximum number of lines in one request.
const MAX_LINES: usize = 1000;
const DEFAULT_STREAM: &str = "stdout";
/// Stream of the engine's own lines, reserved.
const ENGINE_STREAM: &str = "provost";

/// Append log lines of an attempt. Only the holder of the lease may append.
#[utoipa::path(post, path = "/internal/executions/{id}/logs", tag = "internal", params(("id" = Uuid, Path)), request_body = PostLogs,
    responses((status = 202, body = LogsResponse), description::Write, description::Conflict))]
pub async fn append(app: Data<App>, scope: TokenScope, Id(id): Id, LargeBody(body): LargeBody) -> ApiResult {
    // The output of a program may not be valid UTF-8; invalid bytes are replaced.
    let logs: PostLogs = parse(String::from_utf8_lossy(&body).as_bytes())?;
    let job = logs.job_id;
    let lines = lines_of(logs)?;
    scope.require_active(&app, id, job).await?;
    let kept = app.store.append_logs(id, job, &lines).await?.ok_or(ApiError::LeaseLost(id))?;
    Ok(HttpResponse::Accepted().json(LogsResponse { kept, dropped: lines.len() as i64 - kept }))
}

fn lines_of(logs: PostLogs) -> Result<Vec<NewLogLine>, ApiError> {
    let default = checked_stream("stream", logs.stream)?.unwrap_or_else(|| DEFAULT_STREAM.to_owned());
    let text = logs.content.as_deref().map(|text| text.strip_suffix('\n').unwrap_or(text)).filter(|it| !it.is_empty());
    let mut lines: Vec<NewLogLine> = text
        .into_iter()
        .flat_map(|text| text.split('\n'))
        .map(|line| NewLogLine::new(default.clone(), line.strip_suffix('\r').unwrap_or(line)))
        .collect();
    for (at, line) in logs.lines.into_iter().enumerate() {
        let stream = checked_stream(&format!("lines.{at}.stream"), line.stream)?;
        lines.push(NewLogLine::new(stream.unwrap_or_else(|| default.clone()), &line.line));
    }
    if lines.len() > MAX_LINES {
        return Err(ApiError::field("lines", format!("must have at most {MAX_LINES} lines; got {}", lines.len())));
    }
    Ok(lines)
}

fn checked_stream(field: &str, name: Option<String>) -> Result<Option<String>, ApiError> {
    let is_valid = |it: &String| {
        (1..=16).contains(&it.len()) && it.bytes().all(|byte| byte.is_ascii_lowercase()) && it != ENGINE_STREAM
    };
    match name {
        Some(name) if !is_valid(&name) => {
            Err(ApiError::field(field, format!("must be 1 to 16 lowercase letters, and not {ENGINE_STREAM}")))
        }
        name => Ok(name),
    }
}
