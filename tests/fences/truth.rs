//! Compares what exists in the cluster with what the projects say.

use std::collections::BTreeSet;

use provost::domain::{OperationKind, ProjectStatus};
use provost::provision::Output;
use provost::store::Connector;
use serde_json::Value;
use tokio_postgres::Client;
use uuid::Uuid;

use super::observe;
use crate::harness::{Database, Server};

/// Where to look.
pub struct Truth<'a> {
    pub server: &'a Server,
    pub database: &'a Database,
    /// The URL of the cluster, as admin.
    pub cluster: &'a str,
}

/// The name of the database of a project: its id in base 32.
pub fn database_of(id: &str) -> String {
    let bits = id.parse::<Uuid>().unwrap_or_default().as_u128();
    let letters = b"0123456789abcdefghjkmnpqrstvwxyz";
    let name: String = (0..26).rev().map(|at| char::from(letters[((bits >> (5 * at)) & 31) as usize])).collect();
    format!("p_{name}")
}

const DATABASE: &str = "
    SELECT d.datconnlimit, pg_get_userbyid(d.datdba)::text = current_user::text AS is_own,
           coalesce(shobj_description(d.oid, 'pg_database'), '') AS marker,
           coalesce((SELECT s.setconfig::text FROM pg_db_role_setting s WHERE s.setdatabase = d.oid AND s.setrole = 0), '') AS settings,
           EXISTS (SELECT FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a WHERE a.grantee = 0) AS is_public,
           coalesce((SELECT has_database_privilege(r.oid, d.oid, 'CONNECT') FROM pg_roles r WHERE r.rolname = d.datname || '_owner'), false) AS is_open,
           (SELECT count(*) FROM pg_stat_activity a WHERE a.datname = d.datname AND starts_with(a.usename, d.datname || '_c')) AS sessions
    FROM pg_database d WHERE d.datname = $1";

const ROLES: &str = "SELECT rolname::text, rolcanlogin, coalesce(shobj_description(oid, 'pg_authid'), '') FROM pg_roles WHERE starts_with(rolname, $1 || '_')";

/// References to roles and databases that do not exist.
const DANGLING: &str = "
    SELECT d.dbid::text || ' ' || d.classid::regclass::text || ' ' || d.refobjid::text AS reference FROM pg_shdepend d
    WHERE d.refclassid = 'pg_authid'::regclass AND NOT EXISTS (SELECT FROM pg_authid a WHERE a.oid = d.refobjid)
       OR d.dbid <> 0 AND NOT EXISTS (SELECT FROM pg_database b WHERE b.oid = d.dbid)";

const OURS: &str = "SELECT datname::text FROM pg_database WHERE datname LIKE 'p\\_%'
                    UNION SELECT 'p' || substr(datname::text, 2) FROM pg_database WHERE datname LIKE 'z\\_%'
                    UNION SELECT substr(rolname, 1, 28) FROM pg_roles WHERE rolname LIKE 'p\\_%'";

/// Objects with an owner, grants, default privileges and a policy.
const CONTENT: &str = "
    CREATE SCHEMA app; CREATE TABLE app.notes (id serial PRIMARY KEY, body text); INSERT INTO app.notes (body) VALUES ('a'), ('b'), ('c');
    CREATE FUNCTION app.n() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM app.notes';
    REVOKE ALL ON FUNCTION app.n() FROM PUBLIC;
    ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO PUBLIC;
    ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
    ALTER TABLE app.notes ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON app.notes TO CURRENT_USER USING (true);
    SELECT lo_create(0)";

const CONTENT_CHECK: &str = "
    SELECT app.n(), (SELECT count(*) FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid AND d.refclassid = 'pg_authid'::regclass
                     WHERE d.dbid = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())
                       AND r.rolname LIKE 'p\\_%' AND NOT starts_with(r.rolname, current_database()))
           + (SELECT count(*) FROM pg_default_acl WHERE defaclrole <> current_user::regrole)
           + (SELECT count(*) FROM pg_policy WHERE polroles <> ARRAY[current_user::regrole::oid])
           + (SELECT abs(count(*) - 2) FROM pg_default_acl)";

impl Truth<'_> {
    /// What is wrong with a project that must have this status.
    pub async fn of_project(&self, cluster: &Client, id: &str, status: ProjectStatus) -> Vec<String> {
        let project = self.server.get(&format!("/projects/{id}")).await.json();
        if project["status"] != status.as_str() {
            return vec![format!("is {} and not {status}: {}", project["status"], project["failure"])];
        }
        let name = database_of(id);
        let mut wrong = match status {
            ProjectStatus::Deleted => self.remains(cluster, &name).await,
            // The database is set aside under another name.
            ProjectStatus::PendingDeletion => {
                let aside = name.replacen('p', "z", 1);
                self.differences(cluster, (&name, &aside), &project, false).await
            }
            _ => self.differences(cluster, (&name, &name), &project, status == ProjectStatus::Ready).await,
        };
        wrong.extend(self.untrue_steps(id, &project).await);
        wrong
    }

    async fn remains(&self, cluster: &Client, name: &str) -> Vec<String> {
        let rows = cluster.query(OURS, &[]).await.unwrap();
        rows.iter()
            .map(|row| row.get::<_, String>(0))
            .filter(|it| it == name)
            .map(|it| format!("{it} is still there"))
            .collect()
    }

    /// How the database and the roles differ from those of a project that is ready or paused.
    async fn differences(
        &self,
        cluster: &Client,
        (name, database): (&str, &str),
        project: &Value,
        is_ready: bool,
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut must = |so: bool, what: String| {
            if !so {
                wrong.push(what);
            }
        };
        let Some(row) = cluster.query_opt(DATABASE, &[&database]).await.unwrap() else {
            return vec![format!("the database {database} is missing")];
        };
        let connections = project["parameters"]["connections"].as_i64().unwrap_or(20);
        let id = project["id"].as_str().unwrap_or_default();
        let limit = i64::from(row.get::<_, i32>("datconnlimit"));
        must(limit == connections, format!("the limit of connections is {limit}, not {connections}"));
        must(row.get("is_own"), "the database belongs to another role".into());
        must(row.get::<_, String>("marker").contains(id), "the database has no mark".into());
        must(row.get::<_, String>("settings").contains("statement_timeout=60s"), "the timeout is not set".into());
        must(!row.get::<_, bool>("is_public"), "PUBLIC may connect".into());
        let (is_open, sessions): (bool, i64) = (row.get("is_open"), row.get("sessions"));
        must(is_open == is_ready, format!("the right to connect: {is_open}"));
        must(is_ready || sessions == 0, format!("{sessions} sessions are open"));
        let owner = format!("{name}_owner");
        let mut credentials = BTreeSet::new();
        for row in cluster.query(ROLES, &[&name]).await.unwrap() {
            let (role, may_log_in, marker): (String, bool, String) = (row.get(0), row.get(1), row.get(2));
            must(marker.contains(id), format!("the role {role} has no mark"));
            must(may_log_in == (is_ready && role != owner), format!("the role {role} may log in: {may_log_in}"));
            credentials.insert(role);
        }
        must(credentials.remove(&owner), "the owner role is missing".into());
        let secrets = self.secrets(id).await;
        must(credentials == secrets, format!("the credentials are {credentials:?}, the secrets {secrets:?}"));
        if is_ready {
            wrong.extend(self.tenant(id, project).await.err());
        }
        wrong
    }

    /// A connection with the URL that a client gets.
    async fn client(&self, id: &str) -> Result<Client, String> {
        let answer = self.server.post(&format!("/projects/{id}/reveal"), serde_json::json!({})).await;
        let url = answer.json()["uri"].as_str().map(str::to_owned);
        let url = url.ok_or_else(|| format!("no URL: {}", answer.text))?;
        let connected = Connector::parse(&url).unwrap().connect().await;
        let (client, connection) = connected.map_err(|error| format!("the tenant cannot connect: {error:?}"))?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Works as a tenant, with the URL that a client gets.
    async fn tenant(&self, id: &str, project: &Value) -> Result<(), String> {
        let client = self.client(id).await?;
        let extensions = client.query("SELECT extname::text FROM pg_extension", &[]).await;
        let extensions = extensions.map_err(|error| format!("the tenant cannot work: {error:?}"))?;
        let missing = project["parameters"]["extensions"].as_array().into_iter().flatten();
        let missing: Vec<&Value> =
            missing.filter(|it| !extensions.iter().any(|row| row.get::<_, &str>(0) == **it)).collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("extensions are missing: {missing:?}")) }
    }

    /// Makes objects of several kinds in the database of a project, which every clone must have.
    pub async fn fill(&self, id: &str) {
        let client = self.client(id).await.unwrap();
        client.batch_execute(CONTENT).await.unwrap();
    }

    /// What is wrong with the objects of a clone.
    pub async fn of_copy(&self, id: &str) -> Vec<String> {
        let check = async {
            let client = self.client(id).await?;
            let row = client.query_one(CONTENT_CHECK, &[]).await.map_err(|error| format!("the copy: {error}"))?;
            let (rows, foreign): (i64, i64) = (row.get(0), row.get(1));
            if (rows, foreign) == (3, 0) {
                Ok(())
            } else {
                Err(format!("the copy has {rows} rows, {foreign} objects of others"))
            }
        };
        check.await.err().into_iter().collect()
    }

    async fn secrets(&self, id: &str) -> BTreeSet<String> {
        let rows = self.database.rows("SELECT name FROM secrets WHERE project_id = $1::text::uuid", &[&id]).await;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The recorded steps of the last operation that are not done, or no longer true.
    async fn untrue_steps(&self, id: &str, project: &Value) -> Vec<String> {
        let job = "SELECT id, payload::text, kind FROM jobs WHERE project_id = $1::text::uuid ORDER BY id DESC LIMIT 1";
        let rows = self.database.rows(job, &[&id]).await;
        let Some(row) = rows.first() else { return vec!["has no job".into()] };
        let (job, payload): (Uuid, String) = (row.get(0), row.get(1));
        let operation = OperationKind::of_job_kind(row.get(2)).unwrap_or(OperationKind::Create);
        let payload: Value = serde_json::from_str(&payload).unwrap_or_default();
        let sql = "SELECT name, state, coalesce(output::text, '{}') FROM steps WHERE job_id = $1 ORDER BY position";
        let (mut wrong, mut outputs) = (Vec::new(), Vec::new());
        for row in self.database.rows(sql, &[&job]).await {
            let (name, state): (String, String) = (row.get(0), row.get(1));
            outputs.push(serde_json::from_str::<Output>(&row.get::<_, String>(2)).unwrap_or_default());
            if state != "done" {
                wrong.push(format!("the step {name} of {} is {state}", project["operation"]));
            }
        }
        match observe::untrue(self.cluster, operation, &payload, &outputs, self.secrets(id).await).await {
            Ok(untrue) => wrong.extend(untrue),
            Err(failure) => wrong.push(format!("cannot look: {failure}")),
        }
        wrong
    }

    /// What is in the cluster and belongs to no project that may have something there.
    pub async fn of_cluster(&self, cluster: &Client) -> Vec<String> {
        let mut wrong: Vec<String> = Vec::new();
        for row in cluster.query(DANGLING, &[]).await.unwrap() {
            wrong.push(format!("pg_shdepend refers to nothing: {}", row.get::<_, String>(0)));
        }
        let rows = self.database.rows("SELECT id::text FROM projects WHERE status <> 'deleted'", &[]).await;
        let known: BTreeSet<String> = rows.iter().map(|row| database_of(row.get(0))).collect();
        for row in cluster.query(OURS, &[]).await.unwrap() {
            let name: String = row.get(0);
            if !known.contains(&name) {
                wrong.push(format!("{name} belongs to no project"));
            }
        }
        wrong
    }
}
