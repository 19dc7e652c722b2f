//! `/credentials`.

endpoints! {
    /// Replaces every credential that the server cannot read.
    reissue_credentials(body) POST "/credentials/reissue";
}
