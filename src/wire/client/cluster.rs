//! `/clusters`.

endpoints! {
    /// Lists the clusters.
    list_clusters() GET "/clusters";
    /// Returns a cluster.
    get_cluster(id) GET "/clusters/" id;
}
