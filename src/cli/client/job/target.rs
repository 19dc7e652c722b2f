//! The job of a command, by id or id prefix.

use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCompleter;
use uuid::Uuid;

use crate::cli::client::complete;
use crate::cli::client::context::Context;
use crate::cli::client::flags::object_name;
use crate::cli::client::input::{find_one, is_id_prefix};
use crate::cli::client::lifecycle::Lifecycle;
use crate::cli::failure::Failure;
use crate::cli::output::{Json, Resource, read};
use crate::cli::tables::JOB;
use crate::domain::JobState;
use crate::wire::client::{Answer, Client, ClientError};

/// The job of the command.
#[derive(Args, Debug)]
pub struct Target {
    /// Id or id prefix of the job
    #[arg(value_name = "JOB", value_parser = object_name("job"), required_unless_present = "id", add = ArgValueCompleter::new(complete::jobs))]
    job: Option<String>,
    /// Same as JOB
    #[arg(short, long, value_name = "JOB", value_parser = object_name("job"), conflicts_with = "job", add = ArgValueCompleter::new(complete::jobs))]
    id: Option<String>,
}

impl Target {
    pub async fn id(&self, cx: &Context) -> Result<String, Failure> {
        find_id(cx, self.job.as_ref().or(self.id.as_ref()).map_or("", String::as_str)).await
    }
}

/// The full id of a job.
pub async fn find_id(cx: &Context, word: &str) -> Result<String, Failure> {
    cx.about("job", word);
    if let Ok(id) = Uuid::try_parse(word) {
        return Ok(id.to_string());
    }
    let by_id = [("id", Some(word.to_ascii_lowercase())), ("limit", Some("20".to_owned()))];
    let found = if is_id_prefix(word) { read(&cx.client.list_jobs(&by_id).await?.text)? } else { Json::Null };
    find_one("job", word, found.list(), "id")
}

pub async fn find_ids(cx: &Context, words: &[String]) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::with_capacity(words.len());
    for word in words {
        ids.push(find_id(cx, word).await?);
    }
    Ok(ids)
}

pub struct Job;

impl Lifecycle for Job {
    const RESOURCE: &'static Resource = &JOB;

    async fn fetch(client: &Client, id: &str) -> Result<Answer, ClientError> {
        client.get_job(id).await
    }

    async fn fetch_final(client: &Client, id: &str, _goal: &str, timeout: Duration) -> Result<Answer, ClientError> {
        client.wait_for_job(id, timeout).await
    }

    fn is_final(job: &Json) -> bool {
        JobState::parse(job.text("state")).is_none_or(JobState::is_finished)
    }

    fn has_failed(job: &Json) -> bool {
        job.text("state") != "completed"
    }
}
