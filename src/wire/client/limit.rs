//! `/limits`.

endpoints! {
    /// Lists limits and their current use.
    list_limits() GET "/limits";
    /// Creates or replaces a limit.
    put_limit(body) POST "/limits";
    /// Returns a limit.
    get_limit(id) GET "/limits/" id;
    /// Deletes a limit.
    delete_limit(id, body) DELETE "/limits/" id;
}
