//! Endpoints that set the state of an entity: pause and resume, cordon and uncordon, drain.

/// Declares one `POST` handler per action. `set` changes the state and returns the entity: `async fn(&App, &str, State, &Audit)`.
macro_rules! state_actions {
    (tag: $tag:tt, parameter: $parameter:tt, body: $body:ident, set: $set:path;
        $($(#[$($doc:tt)*])* $name:ident $path:tt => $state:expr;)+) => {$(
        $(#[$($doc)*])*
        #[utoipa::path(post, path = $path, tag = $tag, params(($parameter = String, Path)), request_body(content = Option<Reason>),
            responses((status = 200, body = $crate::wire::$body), description::WriteOne, description::Conflict))]
        pub async fn $name(app: Data<App>, Name(name): Name, reason: OptionalJson<Reason>) -> ApiResult {
            json($set(&app, &name, $state, &api_audit(reason.0)?).await?)
        }
    )+};
}
