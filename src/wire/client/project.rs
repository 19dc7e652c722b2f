//! `/projects`.

use std::time::Duration;

use super::{Answer, Body, Client, ClientError, Request, segment};

endpoints! {
    /// Lists projects, newest first.
    list_projects(pairs) GET "/projects";
    /// Creates a project.
    create_project(body, key) POST "/projects";
    /// Creates a project as a copy of another one.
    clone_project(id, body, key) POST "/projects/" id "/clone";
    /// Returns a project.
    get_project(id) GET "/projects/" id;
    /// Deletes a project.
    delete_project(id, pairs, body) DELETE "/projects/" id;
    /// Brings back a project that is pending deletion.
    undelete_project(id, body) POST "/projects/" id "/undelete";
    /// Lets a project expire later.
    extend_project(id, body) POST "/projects/" id "/extend";
    /// Creates the project with this name, or brings it to the state described.
    apply_project(id, body) PUT "/projects/by-name/" id;
    /// Retries a failed project.
    retry_project(id, body) POST "/projects/" id "/retry";
    /// Continues an undo that failed.
    undo_project(id, body) POST "/projects/" id "/undo";
    /// Continues an undo without the step that failed.
    skip_project_step(id, body) POST "/projects/" id "/skip";
    /// Cancels the operation in progress.
    cancel_project(id, body) POST "/projects/" id "/cancel";
    /// Blocks all access to a project.
    pause_project(id, body) POST "/projects/" id "/pause";
    /// Replaces the credential of a project.
    rotate_project(id, body) POST "/projects/" id "/rotate";
    /// Admits access again.
    resume_project(id, body) POST "/projects/" id "/resume";
    /// Marks a project deleted without removing anything.
    force_project(id, body) POST "/projects/" id "/force";
    /// Lists the latest operations with their steps.
    project_operations(id, pairs) GET "/projects/" id "/operations";
    /// Lists the steps of the latest operation.
    project_steps(id) GET "/projects/" id "/steps";
    /// Returns the outputs of a project, without secrets.
    project_outputs(id) GET "/projects/" id "/outputs";
    /// Reveals the credential of a project.
    reveal_project(id, body) POST "/projects/" id "/reveal";
    /// Lists the events of a project, newest first.
    project_events(id, pairs) GET "/projects/" id "/events";
    /// Explains the status of a project.
    explain_project(id) GET "/projects/" id "/explain";
}

impl Client {
    /// Changes the name or labels of a project; with `version`, only if the project still has that version.
    pub async fn patch_project(&self, id: &str, body: &Body, version: Option<i64>) -> Result<Answer, ClientError> {
        let request = Request::patch(format!("/projects/{}", segment(id))).text(body.text());
        self.answer(request.header("if-match", version.map(|it| format!("\"{it}\"")))).await
    }

    /// Returns a project once it has this status or can no longer reach it, or in its current status after `timeout`.
    pub async fn wait_for_project(&self, id: &str, status: &str, timeout: Duration) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/projects/{}", segment(id))).wait_until(status, timeout)).await
    }
}
