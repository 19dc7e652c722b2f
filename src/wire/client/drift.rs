//! `/drift`.

endpoints! {
    /// Lists the differences between what the projects say and what exists.
    list_drift(pairs) GET "/drift";
    /// Makes an orphan a project again.
    adopt_orphan(id, body) POST "/drift/" id "/adopt";
    /// Takes an orphan out of service.
    quarantine_orphan(id, body) POST "/drift/" id "/quarantine";
    /// Removes an orphan.
    remove_orphan(id, body) POST "/drift/" id "/remove";
    /// Looks at a project now.
    observe_project(id, body) POST "/projects/" id "/observe";
}
