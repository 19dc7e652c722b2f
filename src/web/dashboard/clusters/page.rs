//! `/dashboard/clusters`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::web::api::clusters::found;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::query::Query;
use crate::web::ui::{Badge, Nav, Rendering, Shell, Tone, Usage, count, links, or_error_page, plural, respond};
use crate::wire::Cluster;

/// The page does not poll: each look opens a connection to every cluster.
#[derive(Debug, Template)]
#[template(path = "clusters/page.html", blocks = ["main"], whitespace = "minimize")]
struct ClustersPage {
    shell: Shell,
    clusters: Vec<Cluster>,
}

pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, try_show(&app, &request).await)
}

async fn try_show(app: &App, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    Query::parse(request.query_string(), &[])?;
    let clusters = found(app, None).await?;
    let shell = Shell::load(app, request, Nav::Clusters).await?.without_polling().titled("Clusters");
    let page = ClustersPage { shell, clusters };
    Ok(respond(request, Rendering::new(&page, page.as_main())))
}

impl ClustersPage {
    fn summary(&self) -> String {
        let usable = self.clusters.iter().filter(|it| it.usable).count() as i64;
        format!("{} of {} usable, as this server finds them now", count(usable), count(self.clusters.len() as i64))
    }
}

/// The text of a cluster.
trait ClusterView {
    fn badge(&self) -> Badge;
    /// The consequence of its state.
    fn note(&self) -> Option<String>;
    /// Where it is.
    fn place(&self) -> String;
    /// What the login of Provost may do.
    fn rights(&self) -> Option<&'static str>;
    fn connections(&self) -> Option<Usage>;
    fn operations(&self) -> Usage;
    fn waiting(&self) -> Option<String>;
    fn queue_page(&self) -> String;
    fn is_isolated(&self) -> bool;
}

impl ClusterView for Cluster {
    fn badge(&self) -> Badge {
        match (self.state.as_str(), self.usable) {
            ("reachable", true) => Badge::new(Tone::Ok, "check", "Reachable"),
            ("reachable", false) => Badge::new(Tone::Wait, "warn", "Not usable"),
            ("stopped", _) => Badge::new(Tone::Neutral, "pause", "Stopped"),
            _ => Badge::new(Tone::Bad, "cross", "Unreachable"),
        }
    }

    fn note(&self) -> Option<String> {
        let stopped = || "A worker starts it when it is needed".to_owned();
        self.reason.clone().or_else(|| (self.state == "stopped").then(stopped))
    }

    fn place(&self) -> String {
        self.address.clone().unwrap_or_else(|| "run by Provost".to_owned())
    }

    fn rights(&self) -> Option<&'static str> {
        let found = self.capabilities.as_ref()?;
        Some(match (found.superuser, found.create_databases && found.create_roles) {
            (true, _) => "superuser",
            (false, true) => "may create databases and roles",
            (false, false) => "lacks CREATEDB or CREATEROLE",
        })
    }

    fn connections(&self) -> Option<Usage> {
        self.capabilities.as_ref().map(|it| Usage::of(it.connections, it.max_connections.into()))
    }

    fn operations(&self) -> Usage {
        match self.concurrency {
            Some(max) => Usage::of(self.active, max.into()),
            None => Usage { text: "no limit set".to_owned(), percent: None, tone: Tone::Neutral },
        }
    }

    fn waiting(&self) -> Option<String> {
        (self.held_back > 0).then(|| format!("{} waiting", plural(self.held_back, "operation")))
    }

    fn queue_page(&self) -> String {
        links::queue_page(&self.queue)
    }

    fn is_isolated(&self) -> bool {
        self.capabilities.as_ref().is_none_or(|it| it.close_databases)
    }
}
