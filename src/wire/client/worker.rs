//! `/workers`.

endpoints! {
    /// Lists workers.
    list_workers(pairs) GET "/workers";
    /// Returns a worker.
    get_worker(id) GET "/workers/" id;
    /// Lists the attempts that a worker is running.
    worker_executions(id) GET "/workers/" id "/executions";
    /// Stops a worker from claiming jobs.
    cordon_worker(id, body) POST "/workers/" id "/cordon";
    /// Lets a worker claim jobs again.
    uncordon_worker(id, body) POST "/workers/" id "/uncordon";
    /// Stops a worker from claiming jobs and releases those that do not finish in time.
    drain_worker(id, body) POST "/workers/" id "/drain";
    /// Removes a lost worker from the list.
    forget_worker(id, body) DELETE "/workers/" id;
}
