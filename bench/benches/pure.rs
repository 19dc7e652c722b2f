//! Benchmarks of pure functions: `cargo bench`.

use std::hint::black_box;
use std::time::Duration;

use divan::Bencher;
use provost::domain::histogram::Histogram;
use provost::domain::settle::settle;
use provost::domain::{Backoff, Budget, Outcome};
use provost::wire::CreateJob;

fn main() {
    divan::main();
}

/// What to do after a failure, and how long to wait.
#[divan::bench]
fn settle_failure(bencher: Bencher) {
    let budget = Budget { failures: 1, max_attempts: 5, backoff: Backoff::default() };
    bencher.bench(|| settle(Outcome::failed("the provider did not answer"), black_box(budget), black_box(0.5)));
}

#[divan::bench]
fn settle_success(bencher: Bencher) {
    let budget = Budget { failures: 0, max_attempts: 5, backoff: Backoff::default() };
    bencher.bench(|| settle(Outcome::Done { result: None, next: Vec::new() }, black_box(budget), black_box(0.5)));
}

#[divan::bench]
fn backoff_delay(bencher: Bencher) {
    bencher.bench(|| Backoff::default().delay(black_box(7), black_box(0.5)));
}

#[divan::bench]
fn parse_backoff(bencher: Bencher) {
    let text = Backoff { base: Duration::from_millis(1500), ..Backoff::default() }.text();
    bencher.bench(|| Backoff::parse(black_box(&text)));
}

/// The body of `POST /jobs`, from its bytes to a job that may be enqueued.
#[divan::bench(args = [0, 1024, 65536])]
fn validate_job(bencher: Bencher, payload: usize) {
    let words = "x".repeat(payload);
    let body = format!(r#"{{"kind":"email.send","queue":"mail","priority":7,"payload":{{"text":"{words}"}}}}"#);
    bencher.bench(|| {
        let request: CreateJob = serde_json::from_str(black_box(&body)).map_err(|error| error.to_string())?;
        request.checked(3).map_err(|problem| problem.message)
    });
}

/// Percentiles of durations that were counted in buckets.
#[divan::bench]
fn percentile(bencher: Bencher) {
    let mut histogram = Histogram::default();
    (0..150).for_each(|bucket| histogram.add(bucket, i64::from(bucket) + 1));
    bencher.bench(|| black_box(&histogram).percentile(black_box(0.95)));
}
