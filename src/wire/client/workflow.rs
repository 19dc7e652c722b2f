//! `/workflows`.

use std::time::Duration;

use super::{Answer, Client, ClientError, Request, segment};

endpoints! {
    /// Lists workflows, newest first.
    list_workflows(pairs) GET "/workflows";
    /// Starts a workflow.
    create_workflow(bulk_text, key) POST "/workflows";
    /// Starts the demo workflow.
    run_demo_workflow(body) POST "/workflows/demo/thumbnail";
    /// Returns a workflow.
    get_workflow(id) GET "/workflows/" id;
    /// Returns the dependency graph of a workflow.
    workflow_graph(id, pairs) GET "/workflows/" id "/graph";
    /// Lists the events of a workflow, newest first.
    workflow_events(id, pairs) GET "/workflows/" id "/events";
    /// Cancels the unfinished steps of a workflow.
    cancel_workflow(id, bulk) POST "/workflows/" id "/cancel";
    /// Retries the failed steps of a workflow.
    retry_workflow(id, bulk) POST "/workflows/" id "/retry";
}

impl Client {
    /// Returns a workflow once it has finished, or in its current state after `timeout`.
    pub async fn wait_for_workflow(&self, id: &str, timeout: Duration) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/workflows/{}", segment(id))).wait_until("finished", timeout)).await
    }
}
