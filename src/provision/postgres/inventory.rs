//! Searches a cluster for what belongs to no project.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::link::Link;
use super::session::CLUSTER_ID;
use super::{Postgres, sql};
use crate::domain::FindingKind::{Orphaned, Residue};
use crate::domain::Found;
use crate::provision::Failure;

/// Searches a cluster for everything that has the mark of this installation, and for what a crash left behind.
pub async fn inventory(postgres: &Postgres, cluster: &str, installation: &str) -> Result<Vec<Found>, Failure> {
    let found = search(postgres, cluster, installation).await;
    // Looks need not wait to learn that the cluster answers again.
    postgres.clusters.outages.note(cluster, &found);
    found
}

async fn search(postgres: &Postgres, cluster: &str, installation: &str) -> Result<Vec<Found>, Failure> {
    let connector = postgres.clusters.get(cluster)?.reach().await?.named("provost:observer");
    let mut link = Link::open(&connector).await?;
    let row = link.one(sql::INVENTORY_CLUSTER, &[]).await?;
    let (cluster_id, may_list_files): (String, bool) = (row.get("cluster_id")?, row.get("may_list_files")?);
    let beginning = format!(r#"provost:{{"installation":"{installation}","#);
    let mut all = Vec::new();
    for row in link.query(sql::INVENTORY, &[&beginning]).await? {
        let (kind, name, marker): (String, String, String) = (row.get("kind")?, row.get("name")?, row.get("marker")?);
        let project = project_of(&marker);
        let message = format!("the {kind} has the mark of a project that does not exist");
        let known = json!({CLUSTER_ID: cluster_id});
        all.push(Found { kind: Orphaned, project, object: format!("{kind} {name}"), message, known });
    }
    let residue = |object: String, message: &str| Found {
        kind: Residue,
        project: None,
        object,
        message: message.to_owned(),
        known: json!({}),
    };
    for name in link.texts("name", sql::INVENTORY_INVALID, &[]).await? {
        let message = "a DROP DATABASE was interrupted: it can only be dropped again";
        all.push(residue(format!("database {name}"), message));
    }
    if may_list_files {
        for name in link.texts("name", sql::INVENTORY_FILES, &[]).await? {
            let message = "a directory of no database: a crash has interrupted CREATE DATABASE. Stop the server before removing it";
            all.push(residue(format!("directory {name}"), message));
        }
    }
    // Roles follow their database: one finding for each project.
    let mut seen = BTreeSet::new();
    all.retain(|it| it.kind == Residue || it.project.is_some_and(|project| seen.insert(project)));
    Ok(all)
}

/// The project that a mark names.
fn project_of(marker: &str) -> Option<Uuid> {
    #[derive(Deserialize)]
    struct Mark {
        project: Uuid,
    }
    let mark: Mark = serde_json::from_str(marker.strip_prefix("provost:")?).ok()?;
    Some(mark.project)
}

#[cfg(test)]
mod tests {
    use super::super::names::Names;
    use super::*;

    #[test]
    fn mark_names_its_project() {
        let names = Names::of(Uuid::from_u128(7), "i");
        assert_eq!(project_of(&names.marker), Some(Uuid::from_u128(7)));
        assert_eq!(project_of("provost:nonsense"), None);
    }
}
