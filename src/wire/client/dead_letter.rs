//! `/dlq`.

endpoints! {
    /// Lists dead letters, latest first.
    list_dead_letters(pairs) GET "/dlq";
    /// Groups dead letters by kind and error.
    group_dead_letters(pairs) GET "/dlq/groups";
    /// Replays dead letters, optionally edited.
    replay_dead_letters(bulk) POST "/dlq/replay";
    /// Deletes dead letters.
    delete_dead_letters(bulk) POST "/dlq/delete";
}
