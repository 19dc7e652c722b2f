//! Parts of the API description that many endpoints share: sets of problem responses and of query parameters.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoParams, IntoResponses};

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident: $($status:literal)+;)+) => {$(
        $(#[$doc])*
        pub struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                [$($status),+].into_iter().map(|status: u16| (status.to_string(), problem(status).into())).collect()
            }
        }
    )+};
}

problems! {
    /// Of a request without a body and without an id.
    Read: 400 503;
    /// Of a request without a body, for one entity.
    ReadOne: 400 404 503;
    /// Of a request with a body and without an id.
    Write: 400 413 415 422 503;
    /// Of a request with a body, for one entity.
    WriteOne: 400 404 413 415 422 503;
    /// The token does not allow the request.
    Forbidden: 403;
    /// The entity's state does not allow the request.
    Conflict: 409;
    /// The `If-Match` header names another version.
    Stale: 412;
}

fn problem(status: u16) -> Response {
    let title = StatusCode::from_u16(status).ok().and_then(|it| it.canonical_reason()).unwrap_or_default();
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    ResponseBuilder::new().description(title).content("application/problem+json", content).build()
}

macro_rules! query_parameters {
    ($($(#[$doc:meta])* $name:ident: $($parameter:literal $type:ident $description:literal;)+)+) => {$(
        $(#[$doc])*
        pub struct $name;

        impl IntoParams for $name {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                vec![$(query_parameter($parameter, Type::$type, $description)),+]
            }
        }
    )+};
}

query_parameters! {
    /// The parameters of every list with pages.
    Paging:
        "limit" Integer "1 to 200. Default: 50.";
        "cursor" String "Cursor from the `Link` header of the previous page.";
    /// The conditions of job lists, except `state`.
    JobConditions:
        "kind" String "Jobs of this kind.";
        "queue" String "Jobs in this queue.";
        "tenant" String "Jobs of this tenant.";
        "tag" String "Jobs with this tag.";
        "project" String "Jobs of the project with this id.";
        "error" String "Jobs whose error contains this text.";
        "id" String "Jobs whose id begins with this text.";
        "since" String "Jobs created at or after this time: RFC 3339, or an age like `1h`.";
        "before" String "Jobs created before this time: RFC 3339, or an age like `1h`.";
    /// The conditions of event lists.
    EventConditions:
        "entity" String "Events of this kind of entity: `project`, `job`, `queue`, `worker`, `limit`, `schema`, `schedule` or `workflow`.";
        "id" String "Events of one entity: the id of a project, job or workflow, or the name of any other entity.";
        "actor" String "Events of this actor.";
}

fn query_parameter(name: &str, kind: Type, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(kind).build()))
        .build()
}
