//! Compares a project with what exists in the cluster.

use std::time::Duration;

use serde::Deserialize;

use super::cluster::EMBEDDED;
use super::error::LOGIN_REFUSED;
use super::link::Link;
use super::login::{Login, log_in};
use super::names::Names;
use super::session::CLUSTER_ID;
use super::{Postgres, parameters, sql};
use crate::connection::Connector;
use crate::domain::FindingKind::{Added, Changed, Missing, Residue};
use crate::domain::{Difference, Health};
use crate::provision::inspect::{Inspection, Secrets};
use crate::provision::{Failure, Work};

/// How long a cluster may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// The code if a cluster is not the one in which the project was made.
const WRONG_CLUSTER: &str = "wrong_cluster";

/// What a project should look like.
#[derive(Clone, Debug)]
struct Expected {
    names: Names,
    /// The OID of the database, if it is recorded.
    oid: Option<i64>,
    connections: i32,
    statement_timeout: String,
    /// The current credential, if there is one.
    credential: Option<String>,
    is_paused: bool,
}

/// A database that has the name, the mark or the OID of the project.
#[derive(Clone, Debug, Deserialize)]
struct FoundDatabase {
    name: String,
    oid: i64,
    owner: String,
    is_own: bool,
    marker: Option<String>,
    connections: i32,
    statement_timeout: Option<String>,
    /// The roles that may connect; `PUBLIC` for all.
    may_connect: Vec<String>,
}

/// A role that has a name of the project.
#[derive(Clone, Debug, Deserialize)]
struct FoundRole {
    name: String,
    may_log_in: bool,
    /// Attributes that no role of a project has, such as `SUPERUSER`.
    attributes: Vec<String>,
    marker: Option<String>,
    /// The role as which a session of this login works.
    acts_as: Option<String>,
    member_of: Vec<String>,
    /// Without the admin.
    members: Vec<String>,
}

/// Looks at a project: as admin, and for a project that is not paused also as its tenant.
pub async fn inspect(
    postgres: &Postgres,
    work: &Work,
    is_paused: bool,
    secrets: &dyn Secrets,
) -> Result<Inspection, Failure> {
    let (parameters, settings) = parameters::read(work)?;
    let cluster = settings.cluster().to_owned();
    let text = |name: &str| work.known.get(name).and_then(|it| it.as_str()).map(str::to_owned);
    let expected = Expected {
        names: Names::of(work.project_id, &work.installation),
        oid: work.known.get("database_oid").and_then(serde_json::Value::as_i64),
        connections: parameters.connections,
        statement_timeout: parameters.statement_timeout,
        credential: text("user"),
        is_paused,
    };
    let (connector, databases, roles) = read_from(postgres, &cluster, &expected, text(CLUSTER_ID)).await?;
    let mut differences = differences(&expected, &databases, &roles);
    let is_there = databases.iter().any(|it| it.name == expected.names.database);
    let (health, reason, message) = match (&expected.credential, is_paused, is_there) {
        (_, _, false) => (Health::Unhealthy, "missing", "the database is missing".to_owned()),
        (Some(credential), false, true) => match log_in(&connector, &expected.names, credential, secrets).await? {
            Login::Works => (Health::Healthy, "login_works", "the credential can log in".to_owned()),
            // The password was accepted.
            Login::NoneLeft => (Health::Healthy, "no_connection_left", "all connections are in use".to_owned()),
            Login::Fails(refused) => {
                if refused.code == LOGIN_REFUSED {
                    let message = "the password differs from the stored one, or the role may not log in";
                    differences.push(Difference::new(Changed, format!("role {credential}"), message));
                }
                (Health::Unhealthy, "login_fails", refused.message)
            }
        },
        (None, false, true) => (Health::Unhealthy, "no_credential", "no credential is recorded".to_owned()),
        (_, true, true) => (Health::Healthy, "exists", "the database exists, and access is blocked".to_owned()),
    };
    Ok(Inspection { health, reason: reason.to_owned(), message, differences, cluster })
}

/// Reads what exists in a cluster, if it is the one of the project.
async fn read_from(
    postgres: &Postgres,
    cluster: &str,
    expected: &Expected,
    known_cluster: Option<String>,
) -> Result<(Connector, Vec<FoundDatabase>, Vec<FoundRole>), Failure> {
    let (reach, outages) = (postgres.clusters.get(cluster)?, &postgres.clusters.outages);
    // A look does not start the embedded cluster: every host has its own, and an empty one has no project.
    if !reach.is_in_use() {
        return Err(Failure::retryable(Failure::OTHER_HOST, "the embedded cluster of this host is empty"));
    }
    outages.check(cluster)?;
    let reading = async {
        let connector = reach.reach().await?.named("provost:observer");
        let (databases, roles) = read(&connector, expected, known_cluster).await?;
        Ok((connector, databases, roles))
    };
    let silent = || Failure::retryable(Failure::UNREACHABLE, "the cluster did not answer in time");
    let found = tokio::time::timeout(ANSWER, reading).await.unwrap_or_else(|_| Err(silent()));
    outages.note(cluster, &found);
    found.map_err(|failure| match failure.code.as_str() {
        WRONG_CLUSTER if cluster == EMBEDDED => Failure { code: Failure::OTHER_HOST.to_owned(), ..failure },
        _ => failure,
    })
}

async fn read(
    connector: &Connector,
    expected: &Expected,
    known_cluster: Option<String>,
) -> Result<(Vec<FoundDatabase>, Vec<FoundRole>), Failure> {
    let mut link = Link::open(connector).await?;
    let Names { database, aside, role_prefix, marker, .. } = &expected.names;
    let row = link.one(sql::INSPECT, &[database, aside, role_prefix, marker, &expected.oid]).await?;
    let cluster_id: String = row.get("cluster_id")?;
    if known_cluster.is_some_and(|known| known != cluster_id) {
        let message = format!("the project was made in another cluster; this one is {cluster_id}");
        return Err(Failure::retryable(WRONG_CLUSTER, message));
    }
    Ok((parse(row.get("databases")?)?, parse(row.get("roles")?)?))
}

fn parse<T: for<'de> Deserialize<'de>>(text: Option<String>) -> Result<Vec<T>, Failure> {
    let text = text.unwrap_or_else(|| "[]".to_owned());
    serde_json::from_str(&text).map_err(|error| Failure::retryable("unexpected_answer", error.to_string()))
}

/// Every difference, in the order database, owner role, credentials.
fn differences(expected: &Expected, databases: &[FoundDatabase], roles: &[FoundRole]) -> Vec<Difference> {
    let mut all = Vec::new();
    of_database(expected, databases, &mut all);
    of_roles(expected, roles, &mut all);
    all
}

fn of_database(expected: &Expected, databases: &[FoundDatabase], all: &mut Vec<Difference>) {
    let names = &expected.names;
    let object = format!("database {}", names.database);
    let changed = |message: String| Difference::new(Changed, object.clone(), message);
    let Some(found) = databases.iter().find(|it| it.name == names.database) else {
        all.push(match databases.first() {
            Some(other) => changed(format!("the database was renamed to {}", other.name)),
            None => Difference::new(Missing, object, "the database does not exist"),
        });
        return;
    };
    if found.connections == -2 {
        let message = "a DROP DATABASE was interrupted; the database accepts no connections";
        all.push(Difference::new(Residue, object, message));
        return;
    }
    if expected.oid.is_some_and(|oid| oid != found.oid) {
        all.push(changed("the database was dropped, and another one has its name".to_owned()));
    }
    if found.marker.as_deref() != Some(&*names.marker) {
        all.push(changed("the comment that marks the database as Provost's was changed".to_owned()));
    }
    if !found.is_own {
        all.push(changed(format!("the owner is {}, not Provost's admin", found.owner)));
    }
    if found.connections != expected.connections {
        all.push(changed(format!("the connection limit is {}, not {}", found.connections, expected.connections)));
    }
    if found.statement_timeout.as_ref() != Some(&expected.statement_timeout) {
        let timeout = found.statement_timeout.as_deref().unwrap_or("not set");
        all.push(changed(format!("statement_timeout is {timeout}, not {}", expected.statement_timeout)));
    }
    let owner_may_connect = found.may_connect.contains(&names.owner);
    match (owner_may_connect, expected.is_paused) {
        (false, false) => all.push(changed("access to the database is blocked".to_owned())),
        (true, true) => {
            all.push(changed("access to the database is not blocked, although the project is paused".to_owned()))
        }
        _ => {}
    }
    let is_foreign = |role: &&String| **role != names.owner && **role != found.owner;
    for role in found.may_connect.iter().filter(is_foreign) {
        let who = if role == "PUBLIC" { "every role".to_owned() } else { format!("role {role}") };
        all.push(Difference::new(
            Added,
            format!("{object}: grant to {role}"),
            format!("{who} may connect to the database"),
        ));
    }
}

fn of_roles(expected: &Expected, roles: &[FoundRole], all: &mut Vec<Difference>) {
    let names = &expected.names;
    let current = expected.credential.as_deref();
    for wanted in [Some(names.owner.as_str()), current].into_iter().flatten() {
        if !roles.iter().any(|it| it.name == wanted) {
            all.push(Difference::new(Missing, format!("role {wanted}"), "the role does not exist"));
        }
    }
    let number = |name: &str| name.strip_prefix(&names.credential_prefix)?.parse::<u32>().ok();
    let current_number = current.and_then(number);
    for role in roles {
        let object = format!("role {}", role.name);
        let changed = |message: String| Difference::new(Changed, object.clone(), message);
        let is_owner = role.name == names.owner;
        // The credential before the current one stays valid until the next rotation.
        let is_known = is_owner
            || number(&role.name).zip(current_number).is_some_and(|(it, current)| it == current || it + 1 == current);
        if !is_known {
            all.push(Difference::new(Added, object.clone(), "the project does not know this role"));
            continue;
        }
        if role.marker.as_deref() != Some(&*names.marker) {
            all.push(changed("the comment that marks the role as Provost's was changed".to_owned()));
        }
        if !role.attributes.is_empty() {
            all.push(changed(format!("the role has the attributes {}", role.attributes.join(", "))));
        }
        match (is_owner, role.may_log_in) {
            (true, true) => all.push(changed("the role may log in".to_owned())),
            (false, true) if expected.is_paused => {
                all.push(changed("the role may log in, although the project is paused".to_owned()));
            }
            (false, false) if !expected.is_paused => all.push(changed("the role may not log in".to_owned())),
            _ => {}
        }
        if !is_owner && role.acts_as.as_ref() != Some(&names.owner) {
            all.push(changed(
                "the login does not act as the owner role, so what it creates belongs to the login".to_owned(),
            ));
        }
        let may_be_in = |group: &&String| !is_owner && **group == names.owner;
        for group in role.member_of.iter().filter(|it| !may_be_in(it)) {
            let message = format!("the role was made a member of {group}");
            all.push(Difference::new(Added, format!("{object}: member of {group}"), message));
        }
        let is_credential = |member: &&String| is_owner && number(member).is_some();
        for member in role.members.iter().filter(|it| !is_credential(it)) {
            let message = format!("role {member} was made a member of the role");
            all.push(Difference::new(Added, format!("{object}: member {member}"), message));
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn expected() -> Expected {
        let names = Names::of(Uuid::from_u128(7), "i");
        let credential = Some(names.credential(2));
        Expected { names, oid: Some(5), connections: 20, statement_timeout: "60s".into(), credential, is_paused: false }
    }

    fn database(expected: &Expected) -> FoundDatabase {
        FoundDatabase {
            name: expected.names.database.clone(),
            oid: 5,
            owner: "admin".into(),
            is_own: true,
            marker: Some(expected.names.marker.clone()),
            connections: 20,
            statement_timeout: Some("60s".into()),
            may_connect: vec!["admin".into(), expected.names.owner.clone()],
        }
    }

    fn roles(expected: &Expected) -> Vec<FoundRole> {
        let names = &expected.names;
        let role = |name: String, may_log_in: bool, member_of: Vec<String>, members: Vec<String>| FoundRole {
            name,
            may_log_in,
            attributes: Vec::new(),
            marker: Some(names.marker.clone()),
            acts_as: Some(names.owner.clone()),
            member_of,
            members,
        };
        let credentials = [names.credential(1), names.credential(2)];
        let owner = role(names.owner.clone(), false, Vec::new(), credentials.to_vec());
        let login = |name: String| role(name, true, vec![names.owner.clone()], Vec::new());
        [owner].into_iter().chain(credentials.into_iter().map(login)).collect()
    }

    #[test]
    fn nothing_differs_as_it_was_made() {
        let expected = expected();
        assert_eq!(differences(&expected, &[database(&expected)], &roles(&expected)), []);
    }

    /// A change by hand of the database or the roles.
    type Change = fn(&mut FoundDatabase, &mut Vec<FoundRole>);

    #[test]
    fn every_change_by_hand_is_named() {
        let cases: [(Change, crate::domain::FindingKind, &str); 17] = [
            (|d, _| d.name = "mine".into(), Changed, "renamed to mine"),
            (|d, _| d.oid = 6, Changed, "another one has its name"),
            (|d, _| d.marker = None, Changed, "comment that marks the database"),
            (
                |d, _| (d.is_own, d.owner, d.may_connect[0]) = (false, "bob".into(), "bob".into()),
                Changed,
                "the owner is bob",
            ),
            (|d, _| d.connections = 99, Changed, "the connection limit is 99, not 20"),
            (|d, _| d.connections = -2, Residue, "interrupted"),
            (|d, _| d.statement_timeout = None, Changed, "statement_timeout is not set, not 60s"),
            (|d, _| d.may_connect = vec!["admin".into()], Changed, "access to the database is blocked"),
            (|d, _| d.may_connect.push("PUBLIC".into()), Added, "every role may connect"),
            (|d, _| d.may_connect.push("bob".into()), Added, "role bob may connect"),
            (|_, r| r[0].may_log_in = true, Changed, "the role may log in"),
            (|_, r| r[2].may_log_in = false, Changed, "the role may not log in"),
            (|_, r| drop(r.remove(2)), Missing, "the role does not exist"),
            (|_, r| r[2].attributes.push("SUPERUSER".into()), Changed, "SUPERUSER"),
            (|_, r| r[0].members.push("bob".into()), Added, "role bob was made a member"),
            (|_, r| r[1].member_of.push("pg_monitor".into()), Added, "made a member of pg_monitor"),
            (
                |_, r| {
                    let name = r[1].name.replace("_c1", "_c9");
                    let mut extra = r[1].clone();
                    extra.name = name;
                    r.push(extra)
                },
                Added,
                "does not know this role",
            ),
        ];
        for (change, kind, words) in cases {
            let expected = expected();
            let (mut database, mut roles) = (database(&expected), roles(&expected));
            change(&mut database, &mut roles);
            let found = differences(&expected, &[database], &roles);
            assert_eq!(found.len(), 1, "{words}: {found:#?}");
            assert_eq!((found[0].kind, found[0].message.contains(words)), (kind, true), "{words}: {found:#?}");
        }
    }

    #[test]
    fn dropped_database_is_missing() {
        let expected = expected();
        let found = differences(&expected, &[], &roles(&expected));
        assert_eq!(found.iter().map(|it| it.kind).collect::<Vec<_>>(), [Missing]);
    }

    #[test]
    fn paused_project_must_be_blocked() {
        let expected = Expected { is_paused: true, ..expected() };
        let found = differences(&expected, &[database(&expected)], &roles(&expected));
        assert_eq!(found.len(), 3, "{found:#?}");
        let mut blocked = (database(&expected), roles(&expected));
        blocked.0.may_connect = vec!["admin".into()];
        blocked.1.iter_mut().for_each(|it| it.may_log_in = false);
        assert_eq!(differences(&expected, &[blocked.0], &blocked.1), []);
    }
}
