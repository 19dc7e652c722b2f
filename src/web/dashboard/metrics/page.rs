//! `/dashboard/metrics`: provisioning over time.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use time::OffsetDateTime;

use crate::domain::ProjectStatus;
use crate::domain::histogram::Histogram;
use crate::store::counts::{Failure, ProvisionBucket};
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::query::Query;
use crate::web::ui::{
    AsStamp, BarChart, BarData, Counts, DurationData, Kpi, LineChart, MetricsRange, Nav, PROJECT_STATUSES, Rendering,
    Shell, StackedBar, Tone, chart, count, duration, or_error_page, respond, stamp,
};

/// How many failure reasons are listed.
const REASONS: i64 = 20;
const FAILED: &str = "/dashboard/projects?status=failed";

#[derive(Debug, Template)]
#[template(path = "metrics/page.html", blocks = ["main"], whitespace = "minimize")]
struct MetricsPage {
    shell: Shell,
    range: MetricsRange,
    kpis: Vec<Kpi>,
    /// All projects, independent of the range.
    statuses: StackedBar,
    /// `None` if nothing was provisioned in the range.
    throughput: Option<BarChart>,
    durations: Option<LineChart>,
    /// Most frequent first.
    failures: Vec<FailureRow>,
}

#[derive(Debug)]
struct FailureRow {
    reason: String,
    count: String,
    /// The share of all failures.
    percent: i64,
    last_at: OffsetDateTime,
}

pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, page(&app, &request).await)
}

async fn page(app: &App, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["range"])?;
    let range = match query.get("range") {
        Some(text) => MetricsRange::from_name(text)
            .ok_or_else(|| ApiError::parameter("range", "must be one of 15m, 1h, 6h, 24h, 7d"))?,
        None => MetricsRange::default(),
    };
    let bucket = Duration::from_secs(range.bucket_seconds().into());
    let window = bucket * range.buckets();
    let counts = Counts::load(app).await?;
    let provisions = app.store.count_provisions(window, bucket).await?;
    let failures = app.store.count_failures(window, REASONS).await?;
    let buckets = buckets(&provisions, range);
    let total = buckets.values().fold(Tally::default(), |sum, tally| sum.plus(tally));
    let existing = PROJECT_STATUSES.into_iter().filter(|status| *status != ProjectStatus::Deleted);
    let by_status: Vec<_> = existing.map(|status| (status, counts.projects_in(status).unsigned_abs())).collect();
    let page = MetricsPage {
        shell: Shell::new(app, request).at(Nav::Metrics).with_counts(&counts).titled("Metrics"),
        range,
        kpis: kpis(&total),
        statuses: chart::stacked(&by_status),
        throughput: chart::bars(&bars(&buckets), range),
        durations: chart::lines(&durations(&buckets), range),
        failures: failures.into_iter().map(|failure| row(failure, total.failed)).collect(),
    };
    Ok(respond(request, Rendering::new(&page, page.as_main())))
}

/// Outcomes of provisioning in one bucket.
#[derive(Clone, Debug, Default)]
struct Tally {
    ready: i64,
    failed: i64,
    ready_ms: i64,
    durations: Histogram,
}

impl Tally {
    fn plus(mut self, other: &Self) -> Self {
        self.ready += other.ready;
        self.failed += other.failed;
        self.ready_ms += other.ready_ms;
        self.durations.merge(&other.durations);
        self
    }

    fn average(&self) -> Option<f64> {
        (self.ready > 0).then(|| self.ready_ms as f64 / self.ready as f64 / 1000.0)
    }

    fn p95(&self) -> Option<f64> {
        self.durations.percentile(0.95).map(|ms| ms / 1000.0)
    }
}

/// All buckets of the range by their start, including empty ones.
fn buckets(provisions: &[ProvisionBucket], range: MetricsRange) -> BTreeMap<i64, Tally> {
    let step = i64::from(range.bucket_seconds());
    let last = OffsetDateTime::now_utc().unix_timestamp().div_euclid(step) * step;
    let first = last - step * (i64::from(range.buckets()) - 1);
    let mut buckets: BTreeMap<i64, Tally> =
        (0..i64::from(range.buckets())).map(|n| (first + n * step, Tally::default())).collect();
    for it in provisions {
        let Some(tally) = buckets.get_mut(&it.slice.unix_timestamp()) else { continue };
        if it.ready {
            tally.ready += it.n;
            tally.ready_ms += it.total_ms;
            tally.durations.add(it.bucket, it.n);
        } else {
            tally.failed += it.n;
        }
    }
    buckets
}

fn kpis(total: &Tally) -> Vec<Kpi> {
    let ended = total.ready + total.failed;
    let rate = (ended > 0).then(|| total.ready as f64 * 100.0 / ended as f64);
    let kpi = |label: &str, value: Option<String>, hint: String| Kpi {
        label: label.to_owned(),
        value: value.unwrap_or_else(|| "–".to_owned()),
        hint,
        tone: None,
        href: None,
    };
    let provisioned = format!("{} projects provisioned", count(total.ready));
    let has_failed = total.failed > 0;
    vec![
        Kpi {
            tone: rate.map(|rate| if rate >= 95.0 { Tone::Ok } else { Tone::Wait }),
            ..kpi(
                "Success rate",
                rate.map(|rate| format!("{rate:.1}%")),
                format!("{} of {} succeeded", count(total.ready), count(ended)),
            )
        },
        kpi("Average provisioning time", total.average().map(duration), provisioned.clone()),
        kpi("p95 provisioning time", total.p95().map(duration), provisioned),
        Kpi {
            tone: has_failed.then_some(Tone::Bad),
            href: has_failed.then(|| FAILED.to_owned()),
            ..kpi("Failures", Some(count(total.failed)), "provisioning failures".to_owned())
        },
    ]
}

fn bars(buckets: &BTreeMap<i64, Tally>) -> Vec<BarData> {
    let bar = |(at, tally): (&i64, &Tally)| BarData {
        at: stamp(timestamp(*at)),
        ready: tally.ready.unsigned_abs(),
        failed: tally.failed.unsigned_abs(),
    };
    buckets.iter().map(bar).collect()
}

fn durations(buckets: &BTreeMap<i64, Tally>) -> Vec<DurationData> {
    let point = |(at, tally): (&i64, &Tally)| DurationData {
        at: stamp(timestamp(*at)),
        average: tally.average(),
        p95: tally.p95(),
    };
    buckets.iter().map(point).collect()
}

fn row(failure: Failure, failed: i64) -> FailureRow {
    FailureRow {
        count: count(failure.n),
        percent: (failure.n * 100 / failed.max(1)).min(100),
        reason: failure.reason,
        last_at: failure.last_at,
    }
}

fn timestamp(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
