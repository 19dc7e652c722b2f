//! `/templates`.

use actix_web::web::Data;

use crate::domain::Ident;
use crate::store::templates::TemplateVersion;
use crate::template::{Template, Templates};
use crate::web::api::description;
use crate::web::api::response::json;
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::Name;
use crate::wire;
use crate::wire::json::raw;

/// List the templates that projects can be made with, in the order in which they are offered.
#[utoipa::path(get, path = "/templates", tag = "templates", responses((status = 200, body = [wire::Template]), description::Read))]
pub async fn list(app: Data<App>) -> ApiResult {
    let versions = app.store.latest_templates().await?;
    json(app.templates.iter().map(|it| described(it, &app.templates, &versions)).collect::<Vec<_>>())
}

/// Get a template: its parameters as a JSON Schema, and the policy of each operation.
#[utoipa::path(get, path = "/templates/{name}", tag = "templates", params(("name" = String, Path)),
    responses((status = 200, body = wire::Template), description::ReadOne))]
pub async fn get(app: Data<App>, Name(name): Name) -> ApiResult {
    let template = app.templates.get(&name).ok_or_else(|| ApiError::not_found("template", &name))?;
    json(described(template, &app.templates, &app.store.latest_templates().await?))
}

fn described(template: &Template, all: &Templates, versions: &[TemplateVersion]) -> wire::Template {
    let stored = versions.iter().find(|it| it.name == template.name);
    let policy = |operation: &crate::domain::OperationKind| {
        let policy = template.policy(*operation);
        let seconds = policy.deadline.map(|it| it.as_secs());
        (operation.to_string(), wire::TemplatePolicy { deadline_s: seconds, max_attempts: policy.max_attempts })
    };
    wire::Template {
        name: template.name.clone(),
        version: stored.map_or(1, |it| it.version),
        title: template.title.clone(),
        description: template.description.clone(),
        provisioner: template.provisioner.clone(),
        queue: template.queue.clone().unwrap_or_else(|| Ident::default().to_string()),
        parameters: raw(template.schema.to_string()),
        on_failure: template.on_failure.as_str().to_owned(),
        grace_s: template.grace.as_secs(),
        operations: crate::domain::OperationKind::ALL.iter().map(policy).collect(),
        unsupported: template.unsupported.iter().map(ToString::to_string).collect(),
        labels: template.labels.clone(),
        is_default: template.name == all.default_name(),
    }
}
