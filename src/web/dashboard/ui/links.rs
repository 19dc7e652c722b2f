//! Names in addresses, and the links that are made of them.

use actix_web::web::Path;
use uuid::Uuid;

use crate::web::dashboard::ui::layout_view::Link;
use crate::web::dashboard::ui::parts::JobLink;
use crate::web::error::ApiError;
use crate::wire::segment;

/// The name in the path. What the database could not even look for does not exist.
pub fn plain(path: Path<String>) -> Result<String, ApiError> {
    let name = path.into_inner();
    if name.contains('\0') { Err(ApiError::NoRoute) } else { Ok(name) }
}

/// The page of a queue.
pub fn queue_page(name: &str) -> String {
    format!("/dashboard/queues/{}", segment(name))
}

/// A queue as a link.
pub fn queue(name: &str) -> Link {
    Link::to(queue_page(name), name)
}

/// The page of a schedule.
pub fn schedule_page(name: &str) -> String {
    format!("/dashboard/schedules/{}", segment(name))
}

/// The page of a workflow.
pub fn workflow_page(id: Uuid) -> String {
    format!("/dashboard/workflows/{id}")
}

/// The page of a worker.
pub fn worker_page(id: &str) -> String {
    format!("/dashboard/workers/{}", segment(id))
}

/// A worker as a link.
pub fn worker(id: &str) -> Link {
    Link::to(worker_page(id), id)
}

/// The page of a job.
pub fn job_page(id: Uuid) -> String {
    format!("/dashboard/jobs/{id}")
}

/// A job in few words.
pub fn job(id: Uuid, kind: &str) -> JobLink {
    JobLink { id: id.to_string(), short_id: crate::web::dashboard::projects::list::short(id), kind: kind.to_owned() }
}

/// A list with what narrows it; what is empty narrows nothing.
pub fn listing(page: &str, pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = pairs.iter().filter(|(_, value)| !value.is_empty()).collect();
    if pairs.is_empty() {
        return page.to_owned();
    }
    format!("{page}?{}", serde_urlencoded::to_string(pairs).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_only_what_narrows_it() {
        assert_eq!(listing("/dashboard/jobs", &[("state", ""), ("kind", "")]), "/dashboard/jobs");
        assert_eq!(
            listing("/dashboard/jobs", &[("state", "failed"), ("kind", "a&b")]),
            "/dashboard/jobs?state=failed&kind=a%26b"
        );
    }
}
