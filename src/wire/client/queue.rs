//! `/queues`.

endpoints! {
    /// Lists queues by name.
    list_queues() GET "/queues";
    /// Creates a queue.
    create_queue(body) POST "/queues";
    /// Returns a queue.
    get_queue(id) GET "/queues/" id;
    /// Changes the concurrency of a queue.
    patch_queue(id, body) PATCH "/queues/" id;
    /// Stops dispatching jobs; new jobs are accepted.
    pause_queue(id, body) POST "/queues/" id "/pause";
    /// Resumes a paused or draining queue.
    resume_queue(id, body) POST "/queues/" id "/resume";
    /// Refuses new jobs and runs waiting ones.
    drain_queue(id, body) POST "/queues/" id "/drain";
}
