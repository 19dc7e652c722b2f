//! Templates whose operations are programs.

mod elsewhere;
mod failures;
mod life;
mod looks;
mod stop;
mod terraform;

use serde_json::{Value, json};

use crate::commands::Place;
use crate::harness::{Database, Server, eventually};

/// A key for secrets.
pub const KEY: (&str, &str) =
    ("PROVOST_SECRET_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");

/// A secret that must not be found anywhere.
pub const CANARY: &str = "canary-2f6b1c9e";

/// A server whose template `it` runs shell scripts. `$R` is a directory for what they make.
pub struct Setup {
    pub place: Place,
    pub database: Database,
    pub server: Server,
}

impl Setup {
    /// The scripts by verb, and further lines of the template.
    pub async fn new(scripts: &[(&str, &str)], more: &str) -> Self {
        Self::with(scripts, more, &[]).await
    }

    pub async fn with(scripts: &[(&str, &str)], more: &str, settings: &[(&str, &str)]) -> Self {
        let place = Place::with("");
        std::fs::create_dir(place.path().join("made")).unwrap();
        let root = place.path().join("made");
        std::fs::write(root.join("canary"), CANARY).unwrap();
        let argv = |(verb, script): &(&str, &str)| format!("settings.{verb} = [\"sh\", \"-c\", {}]\n", json!(script));
        let config = format!(
            "[templates.it]\nprovisioner = \"command\"\nsettings.work_dir = {}\nsettings.set.R = {}\n{}{more}\n",
            json!(place.work()),
            json!(root),
            scripts.iter().map(argv).collect::<String>()
        );
        std::fs::write(place.path().join("provost.toml"), config).unwrap();
        let (database, settings) = (Database::new().await, [&[KEY][..], settings].concat());
        let server = place.server(&database, &settings);
        Self { place, database, server }
    }

    /// Creates a project of the template. Returns its id.
    pub async fn create(&self, name: &str, parameters: Value) -> String {
        let body = json!({"name": name, "template": "it", "parameters": parameters, "labels": {"team": "x"}});
        let project = self.server.post("/projects", body).await.expect(201).json();
        project["id"].as_str().unwrap().to_owned()
    }

    pub async fn ready(&self, name: &str, parameters: Value) -> String {
        let id = self.create(name, parameters).await;
        self.server.until(&id, "ready").await;
        id
    }

    /// A file that a script has made.
    pub fn made(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.place.path().join("made").join(name)).ok()
    }

    pub async fn until_made(&self, name: &str) -> String {
        eventually(&format!("{name} is made"), || async { self.made(name).filter(|it| !it.is_empty()) }).await
    }

    /// What a script has received on stdin.
    pub fn input(&self, name: &str) -> Value {
        let text = self.made(name).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name} is {text:?}: {error}"))
    }

    /// The log lines of the latest job of a project.
    pub async fn lines(&self, id: &str) -> Vec<String> {
        let operations = self.server.get(&format!("/projects/{id}/operations")).await.expect(200).json();
        crate::commands::lines(&self.server, operations[0]["job_id"].as_str().unwrap()).await
    }

    /// The steps of the latest operation, like `provision done`.
    pub async fn steps(&self, id: &str) -> Vec<String> {
        let steps = self.server.get(&format!("/projects/{id}/steps")).await.expect(200).json();
        let step = |it: &Value| format!("{} {}", it["name"].as_str().unwrap(), it["state"].as_str().unwrap());
        steps.as_array().unwrap().iter().map(step).collect()
    }
}
