//! `/projects`.

use std::time::Duration;

use super::{Answer, Body, Client, ClientError, Pairs, Request, segment};

impl Client {
    /// Projects, newest first.
    pub async fn list_projects(&self, pairs: Pairs<'_>) -> Result<Answer, ClientError> {
        self.answer(Request::get("/projects").pairs(pairs)).await
    }

    /// Asks for a project.
    pub async fn create_project(&self, body: &Body, key: Option<&str>) -> Result<Answer, ClientError> {
        self.answer(Request::post("/projects").text(body.text()).key(key)).await
    }

    /// One project.
    pub async fn get_project(&self, id: &str) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/projects/{}", segment(id)))).await
    }

    /// Changes its name or its labels; with a version, only if it is still of that one.
    pub async fn patch_project(&self, id: &str, body: &Body, version: Option<i64>) -> Result<Answer, ClientError> {
        let request = Request::patch(format!("/projects/{}", segment(id))).text(body.text());
        self.answer(request.header("if-match", version.map(|it| format!("\"{it}\"")))).await
    }

    /// Lets it go.
    pub async fn delete_project(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::delete(format!("/projects/{}", segment(id))).text(body.text())).await
    }

    /// Tries a failed one again.
    pub async fn retry_project(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post(format!("/projects/{}/retry", segment(id))).text(body.text())).await
    }

    /// Its record, newest first.
    pub async fn project_events(&self, id: &str, pairs: Pairs<'_>) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/projects/{}/events", segment(id))).pairs(pairs)).await
    }

    /// Why it is where it is.
    pub async fn explain_project(&self, id: &str) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/projects/{}/explain", segment(id)))).await
    }

    /// One project, as soon as it has this status, comes to rest, or time is up.
    pub async fn wait_for_project(&self, id: &str, status: &str, at_most: Duration) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/projects/{}", segment(id))).until(status, at_most)).await
    }
}
