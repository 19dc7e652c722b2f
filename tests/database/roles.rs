//! Who may do what: the owner of the schema migrates, another role serves, and a third one reads.

use std::process::Output;

use provost::store::Connector;
use serde_json::json;

use crate::harness::{Database, Server, connect};

/// A database with an owner who is no superuser, and URLs for its roles. Roles belong to the whole server, so each test has its own.
struct Roles {
    database: Database,
    names: [String; 3],
}

impl Roles {
    async fn new() -> Self {
        let database = Database::bare().await;
        let name = database.text("SELECT current_database()").await;
        let names = ["owner", "runtime", "reader"].map(|role| format!("{name}_{role}"));
        for role in &names {
            database.run(&format!("CREATE ROLE {role} LOGIN PASSWORD '{role}'")).await;
        }
        database.run(&format!("ALTER DATABASE {name} OWNER TO {}", names[0])).await;
        Self { database, names }
    }

    fn url(&self, role: usize) -> String {
        let (_, rest) = self.database.url.split_once('@').unwrap();
        format!("postgres://{0}:{0}@{rest}", self.names[role])
    }

    fn run(&self, role: usize, words: &[&str]) -> Output {
        let listen = ("PROVOST_LISTEN", "127.0.0.1:0");
        Server::command().args(words).envs([("DATABASE_URL", &*self.url(role)), listen]).output().unwrap()
    }
}

#[tokio::test]
async fn server_needs_no_more_than_the_granted_rights() {
    let roles = Roles::new().await;
    let [_, runtime, reader] = &roles.names;
    let refused = roles.run(1, &["serve"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("CREATE on the database"), "{said}");
    assert!(roles.run(0, &["migrate"]).status.success());
    let refused = roles.run(1, &["serve"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains(&format!("provost migrate --grant {runtime}")), "{said}");

    assert!(roles.run(0, &["migrate", "--grant", runtime]).status.success());
    let granted = roles.run(0, &["migrate", "--grant", reader, "--only-to-read"]);
    assert!(!String::from_utf8_lossy(&granted.stdout).contains("INSERT"), "{granted:?}");
    let server = Server::with(&roles.url(1), &[]);
    let id = server.ready("a").await;
    server.post("/workflows/demo/thumbnail", json!({})).await.expect(202);
    server.delete(&format!("/projects/{id}")).await.expect(202);
    server.until(&id, "deleted").await;

    let client = connect(&roles.url(2)).await;
    client.query("SELECT * FROM provost.jobs", &[]).await.unwrap();
    let written = client.execute("UPDATE provost.jobs SET priority = 1", &[]).await.unwrap_err();
    assert_eq!(written.code().unwrap().code(), "42501");
    let doctor = roles.run(2, &["doctor", "--invariants"]);
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stderr));
}

#[tokio::test]
async fn lost_right_is_named_by_the_refused_request() {
    let roles = Roles::new().await;
    provost::store::migrate(&Connector::parse(&roles.url(0)).unwrap()).await.unwrap();
    provost::store::grant(&Connector::parse(&roles.url(0)).unwrap(), &roles.names[1], false).await.unwrap();
    let server = Server::with(&roles.url(1), &[("PROVOST_ROLES", "api")]);
    roles.database.run(&format!("REVOKE INSERT ON provost.projects FROM {}", roles.names[1])).await;
    let refused = server.post("/projects", json!({"name": "a"})).await.expect(503);
    assert_eq!(refused.code(), "missing_privilege");
    assert!(refused.text.contains("provost migrate --grant"), "{}", refused.text);
    let ready = server.get("/readyz").await.expect(503);
    assert!(ready.text.starts_with("missing_privilege: "), "{}", ready.text);
    let health = server.get("/health").await.expect(503).json();
    assert!(health["trouble"]["cause"].as_str().unwrap().contains("projects"), "{health}");
}
