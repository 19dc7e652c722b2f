//! How to reach a project: its URL, `psql`, environment variables, a Kubernetes Secret.

use std::os::unix::process::CommandExt as _;

use clap::{Args, ValueEnum};

use crate::cli::client::context::{Context, Outcome};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Json, read};
use crate::wire::client::Body;

/// The forms in which `project env` prints the credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Lines such as PGHOST=…, for a shell or an .env file
    #[default]
    Env,
    /// A Kubernetes Secret in the form of servicebinding.io
    Kubernetes,
}

#[derive(Args, Clone, Copy, Debug)]
pub struct Reveal {
    /// Include the password; every reveal is recorded
    #[arg(long)]
    pub reveal: bool,
}

/// Prints the URL, without the password unless it is to be revealed.
pub async fn url(cx: &Context, id: &str, reveal: Reveal) -> Outcome {
    if reveal.reveal {
        let access = self::reveal(cx, id).await?;
        println!("{}", uri(&access, id)?);
        return Ok(Exit::Success);
    }
    let outputs = read(&cx.client.project_outputs(id).await?.text)?;
    let text = |name: &str| outputs.text(name).to_owned();
    if text("database").is_empty() {
        return Err(no_url(id));
    }
    println!("postgres://{}@{}:{}/{}", text("user"), text("host"), outputs.at("port"), text("database"));
    cx.output.note("Without the password; add --reveal.");
    Ok(Exit::Success)
}

fn uri<'a>(access: &'a Json, id: &str) -> Result<&'a str, Failure> {
    Some(access.text("uri")).filter(|it| !it.is_empty()).ok_or_else(|| no_url(id))
}

fn no_url(id: &str) -> Failure {
    Failure::new(Exit::Conflict, "the project has no URL: it has no database")
        .hint(format!("provost project outputs {id}"))
}

/// Replaces this process with `psql`. The password is passed in the environment, where other users cannot see it.
pub async fn psql(cx: &Context, id: &str, arguments: &[String]) -> Outcome {
    let access = reveal(cx, id).await?;
    uri(&access, id)?;
    let mut psql = std::process::Command::new("psql");
    psql.args(arguments).envs(variables(&access));
    let error = psql.exec();
    Err(Failure::new(Exit::Failure, format!("cannot run psql: {error}")).hint("install the PostgreSQL client"))
}

/// Prints the credential in the form of another program.
pub async fn env(cx: &Context, id: &str, name: &str, form: Form) -> Outcome {
    let access = reveal(cx, id).await?;
    match form {
        Form::Env if !access.at("secrets").map().is_empty() => {
            for (name, value) in access.at("outputs").map().iter().chain(access.at("secrets").map()) {
                println!("{}={}", variable(name), shell_word(value));
            }
        }
        Form::Env => {
            variables(&access).iter().for_each(|(name, value)| println!("{name}={value}"));
            println!("DATABASE_URL={}", access.text("uri"));
        }
        Form::Kubernetes => print!("{}", kubernetes_secret(&access, name)),
    }
    Ok(Exit::Success)
}

async fn reveal(cx: &Context, id: &str) -> Result<Json, Failure> {
    read(&cx.client.reveal_project(id, &Body::default()).await?.text)
}

/// The variables that libpq reads.
fn variables(access: &Json) -> Vec<(&'static str, String)> {
    let outputs = access.at("outputs");
    vec![
        ("PGHOST", outputs.text("host").to_owned()),
        ("PGPORT", outputs.at("port").to_string()),
        ("PGDATABASE", outputs.text("database").to_owned()),
        ("PGUSER", outputs.text("user").to_owned()),
        ("PGPASSWORD", access.text("password").to_owned()),
    ]
}

/// The name of a variable for an output.
fn variable(output: &str) -> String {
    output.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// A value as one word for a shell.
fn shell_word(value: &Json) -> String {
    let text = if let Json::Text(text) = value { text.clone() } else { value.to_string() };
    let is_plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c));
    if is_plain { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// A Secret in the form of servicebinding.io.
fn kubernetes_secret(access: &Json, name: &str) -> String {
    let outputs = access.at("outputs");
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = name.chars().map(plain).take(60).collect();
    let name = name.trim_matches('-');
    let name = if name.is_empty() { "provost-project" } else { name };
    let mut text = format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\ntype: servicebinding.io/postgresql\nstringData:\n  type: postgresql\n  provider: provost\n"
    );
    let values = [
        ("host", outputs.text("host").to_owned()),
        ("port", outputs.at("port").to_string()),
        ("database", outputs.text("database").to_owned()),
        ("username", outputs.text("user").to_owned()),
        ("password", access.text("password").to_owned()),
        ("uri", access.text("uri").to_owned()),
    ];
    values.iter().for_each(|(key, value)| text.push_str(&format!("  {key}: {}\n", quoted(value))));
    text
}

/// A JSON string is also a YAML string.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}
