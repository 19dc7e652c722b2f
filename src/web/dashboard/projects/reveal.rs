//! `POST /dashboard/projects/{id}/reveal`: shows the credential of a project, once.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::web::api::audit::audit;
use crate::web::api::projects::access::reveal_to;
use crate::web::api::projects::load;
use crate::web::app::App;
use crate::web::dashboard::projects::list::PAGE;
use crate::web::ui::{ACTOR, Nav, Rendering, Shell, id_in_path, links, or_error_page, respond};

#[derive(Clone, Template)]
#[template(path = "projects/reveal.html", blocks = ["main"], whitespace = "minimize")]
pub struct RevealPage {
    pub shell: Shell,
    /// The page of the project.
    pub href: String,
    /// Names and values.
    pub secrets: Vec<(String, String)>,
}

pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let page = async {
        let id = id_in_path(&request)?;
        let project = load(&app, id).await?;
        let access = reveal_to(&app, id, &audit(ACTOR, None)?).await?;
        let href = links::project_page(id);
        let shell =
            Shell::load(&app, &request, Nav::Projects).await?.crumb("Projects", PAGE).crumb(&project.name, &href);
        let login = [("URL", access.uri), ("Password", access.password)];
        let login = login.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let page =
            RevealPage { shell: shell.titled("Credential"), href, secrets: login.chain(access.secrets).collect() };
        let mut response = respond(&request, Rendering::new(&page, page.as_main()).stop_polling(true));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    };
    or_error_page(&app, &request, page.await)
}
