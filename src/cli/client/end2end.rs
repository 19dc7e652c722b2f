//! `provost end2end`: enqueues many mixed jobs and checks that all of them complete.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::context::{Context, Outcome};
use super::flags::duration;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Json, array, read};
use crate::cli::tables::END_TO_END_REPORT;
use crate::wire::client::Body;
use crate::wire::json::raw;

/// Kinds, and payloads with which they complete quickly.
const KINDS: &[(&str, &str)] = &[
    ("run_query", r#"{"parameters":{"query":"how many users are there"},"durationMs":20,"forceError":false}"#),
    ("send_email", r#"{"parameters":{"to":"a@example.com"},"durationMs":20,"forceError":false}"#),
    ("noop", "{}"),
    ("echo", r#"{"hello":"world"}"#),
    ("simulated", r#"{"duration_ms":30,"outcome":"completed"}"#),
    ("simulated", r#"{"duration_ms":5,"outcome":"flaky","fail_times":1,"retry_after_s":0.1}"#),
];

/// Jobs per request.
const BATCH: usize = 500;
/// How often progress is printed without a terminal.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

#[derive(Args, Debug)]
pub struct End2End {
    /// Number of jobs, up to 10000
    #[arg(short = 'n', long = "num-tasks", visible_alias = "count", value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    n: u32,
    /// Maximum time to wait
    #[arg(long, value_name = "DURATION", default_value = "3m", value_parser = duration)]
    timeout: Duration,
}

/// The states and durations of the jobs of this run.
#[derive(Default)]
struct Tally {
    by_state: BTreeMap<String, u64>,
    durations_ms: Vec<f64>,
    errors: Vec<String>,
}

impl End2End {
    pub async fn run(self, cx: &Context) -> Outcome {
        let (tag, began) = (format!("end2end-{}", Uuid::now_v7().simple()), Instant::now());
        let bar = ProgressBar::new(self.n.into());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {elapsed}") {
            bar.set_style(style);
        }
        if cx.output.quiet {
            bar.set_draw_target(indicatif::ProgressDrawTarget::hidden());
        }
        self.enqueue(cx, &tag).await?;
        let enqueue_time = began.elapsed();
        let (deadline, mut reported_at) = (began + self.timeout, Instant::now());
        let tally = loop {
            let tally = Tally::of(cx, &tag).await?;
            bar.set_position(tally.finished());
            if tally.finished() >= self.n.into() || Instant::now() >= deadline {
                break tally;
            }
            if bar.is_hidden() && reported_at.elapsed() >= PROGRESS_INTERVAL {
                reported_at = Instant::now();
                cx.output.note(&format!("{}/{} jobs finished", tally.finished(), self.n));
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        };
        bar.finish_and_clear();
        self.report(cx, &tag, tally, enqueue_time, began.elapsed())
    }

    async fn enqueue(&self, cx: &Context, tag: &str) -> Result<(), Failure> {
        let all: Vec<String> = (0..self.n as usize)
            .map(|at| {
                let (kind, payload) = KINDS[at % KINDS.len()];
                let job = Body::default().with("kind", Some(kind)).with("payload", Some(raw(payload.to_owned())));
                job.with("tags", Some([tag, "end2end"])).text()
            })
            .collect();
        for (at, batch) in all.chunks(BATCH).enumerate() {
            // The idempotency key makes each batch safe to resend.
            let key = format!("{tag}-{at}");
            cx.client.create_job(&array(batch.iter().cloned()), Some(&key)).await?;
        }
        Ok(())
    }

    fn report(&self, cx: &Context, tag: &str, tally: Tally, enqueue_time: Duration, total: Duration) -> Outcome {
        let completed = tally.by_state.get("completed").copied().unwrap_or_default();
        let failed = tally.finished() - completed;
        let left = u64::from(self.n).saturating_sub(tally.finished());
        let body = Body::default()
            .with("tag", Some(tag))
            .with("jobs", Some(self.n))
            .with("completed", Some(completed))
            .with("failed", Some(failed))
            .with("left", Some(left))
            .with("enqueue_ms", Some(enqueue_time.as_millis() as u64))
            .with("total_ms", Some(total.as_millis() as u64))
            .with("p50_ms", tally.percentile(0.5))
            .with("p95_ms", tally.percentile(0.95));
        cx.output.row(&END_TO_END_REPORT, &body.text())?;
        let hint = format!("provost job list --tag {tag} --all");
        if failed > 0 {
            let failure = Failure::new(Exit::Failure, format!("{failed} of {} jobs did not complete", self.n));
            return Err(failure.cause(tally.errors.first().map_or("They were canceled.", String::as_str)).hint(hint));
        }
        if left > 0 {
            let summary =
                format!("{left} of {} jobs unfinished after {}", self.n, humantime::format_duration(self.timeout));
            return Err(Failure::new(Exit::TimedOut, summary).hint(hint));
        }
        Ok(Exit::Success)
    }
}

impl Tally {
    async fn of(cx: &Context, tag: &str) -> Result<Self, Failure> {
        let pairs = [("tag", Some(tag.to_owned())), ("limit", Some("200".to_owned()))];
        let jobs = cx.pages(cx.client.list_jobs(&pairs).await?, true, false).await?;
        let mut tally = Self::default();
        for job in read(&jobs)?.list() {
            *tally.by_state.entry(job.text("state").to_owned()).or_default() += 1;
            tally.durations_ms.extend(duration_ms(job));
            if job.text("state") == "failed" {
                tally.errors.push(format!("{}: {}", job.text("kind"), job.text("error")));
            }
        }
        tally.durations_ms.sort_by(f64::total_cmp);
        Ok(tally)
    }

    fn finished(&self) -> u64 {
        ["completed", "failed", "canceled"].iter().filter_map(|state| self.by_state.get(*state)).sum()
    }

    fn percentile(&self, share: f64) -> Option<u64> {
        let at = (self.durations_ms.len() as f64 * share) as usize;
        self.durations_ms.get(at.min(self.durations_ms.len().saturating_sub(1))).map(|ms| ms.round() as u64)
    }
}

/// From creation to completion.
fn duration_ms(job: &Json) -> Option<f64> {
    let timestamp = |path: &str| OffsetDateTime::parse(job.text(path), &Rfc3339).ok();
    Some((timestamp("finished_at")? - timestamp("created_at")?).as_seconds_f64() * 1000.0)
}
