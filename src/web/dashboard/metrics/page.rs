//! `/dashboard/metrics`: how provisioning goes, from counters.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use time::OffsetDateTime;

use crate::domain::ProjectStatus;
use crate::domain::histogram::Histogram;
use crate::store::counts::{Failure, Provisions};
use crate::web::app::App;
use crate::web::dashboard::metrics::view::{FailureRow, MetricsPage};
use crate::web::dashboard::ui::{
    BarData, Counts, DurationData, Kpi, MetricsRange, Nav, PROJECT_STATUSES, Rendering, Shell, Tone, chart, count,
    duration, or_error_page, respond, stamp,
};
use crate::web::error::ApiError;
use crate::web::query::Query;

/// How many reasons are listed.
const REASONS: i64 = 20;
const FAILED: &str = "/dashboard/projects?status=failed";

/// `GET`.
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
    let slice = Duration::from_secs(range.bucket_seconds().into());
    let window = slice * range.buckets();
    let counts = Counts::load(app).await?;
    let provisions = app.store.count_provisions(window, slice).await?;
    let failures = app.store.count_failures(window, REASONS).await?;
    let slices = slices(&provisions, range);
    let all = slices.values().fold(Tally::default(), |sum, tally| sum.plus(tally));
    let existing = PROJECT_STATUSES.into_iter().filter(|status| *status != ProjectStatus::Deleted);
    let by_status: Vec<_> = existing.map(|status| (status, counts.projects_in(status).unsigned_abs())).collect();
    let page = MetricsPage {
        shell: Shell::new(app, request).at(Nav::Metrics).with_counts(&counts).titled("Metrics"),
        range,
        kpis: kpis(&all),
        statuses: chart::stacked(&by_status),
        throughput: chart::bars(&bars(&slices), range),
        durations: chart::lines(&durations(&slices), range),
        failures: failures.iter().map(|failure| row(failure, all.failed)).collect(),
    };
    Ok(respond(request, Rendering::new(&page, page.as_main())))
}

/// What happened in one slice of time.
#[derive(Clone, Debug, Default)]
struct Tally {
    ready: i64,
    failed: i64,
    ready_ms: i64,
    taken: Histogram,
}

impl Tally {
    fn plus(mut self, other: &Self) -> Self {
        self.ready += other.ready;
        self.failed += other.failed;
        self.ready_ms += other.ready_ms;
        self.taken.merge(&other.taken);
        self
    }

    fn average(&self) -> Option<f64> {
        (self.ready > 0).then(|| self.ready_ms as f64 / self.ready as f64 / 1000.0)
    }

    fn p95(&self) -> Option<f64> {
        self.taken.percentile(0.95).map(|ms| ms / 1000.0)
    }
}

/// Every slice of the range, oldest first, also the empty ones.
fn slices(provisions: &[Provisions], range: MetricsRange) -> BTreeMap<i64, Tally> {
    let step = i64::from(range.bucket_seconds());
    let last = OffsetDateTime::now_utc().unix_timestamp().div_euclid(step) * step;
    let first = last - step * (i64::from(range.buckets()) - 1);
    let mut slices: BTreeMap<i64, Tally> =
        (0..i64::from(range.buckets())).map(|n| (first + n * step, Tally::default())).collect();
    for it in provisions {
        let Some(tally) = slices.get_mut(&it.slice.unix_timestamp()) else { continue };
        if it.ready {
            tally.ready += it.n;
            tally.ready_ms += it.total_ms;
            tally.taken.add(it.bucket, it.n);
        } else {
            tally.failed += it.n;
        }
    }
    slices
}

fn kpis(all: &Tally) -> Vec<Kpi> {
    let ended = all.ready + all.failed;
    let rate = (ended > 0).then(|| all.ready as f64 * 100.0 / ended as f64);
    let kpi = |label: &str, value: Option<String>, hint: String| Kpi {
        label: label.to_owned(),
        value: value.unwrap_or_else(|| "–".to_owned()),
        hint,
        tone: None,
        href: None,
    };
    let of = format!("of {} that became ready", count(all.ready));
    vec![
        Kpi {
            tone: rate.map(|rate| if rate >= 95.0 { Tone::Ok } else { Tone::Wait }),
            ..kpi(
                "Success rate",
                rate.map(|it| format!("{it:.1} %")),
                format!("{} of {} provisionings", count(all.ready), count(ended)),
            )
        },
        kpi("Average provision time", all.average().map(duration), of.clone()),
        kpi("p95 provision time", all.p95().map(duration), of),
        Kpi {
            tone: (all.failed > 0).then_some(Tone::Bad),
            href: (all.failed > 0).then(|| FAILED.to_owned()),
            ..kpi("Failures", Some(count(all.failed)), "provisionings that ended in failed".to_owned())
        },
    ]
}

fn bars(slices: &BTreeMap<i64, Tally>) -> Vec<BarData> {
    let bar = |(at, tally): (&i64, &Tally)| BarData {
        at: stamp(moment(*at)),
        ready: tally.ready.unsigned_abs(),
        failed: tally.failed.unsigned_abs(),
    };
    slices.iter().map(bar).collect()
}

fn durations(slices: &BTreeMap<i64, Tally>) -> Vec<DurationData> {
    let point = |(at, tally): (&i64, &Tally)| DurationData {
        at: stamp(moment(*at)),
        average: tally.average(),
        p95: tally.p95(),
    };
    slices.iter().map(point).collect()
}

fn row(failure: &Failure, failed: i64) -> FailureRow {
    FailureRow {
        reason: failure.reason.clone(),
        count: count(failure.n),
        percent: u32::try_from(failure.n * 100 / failed.max(1)).unwrap_or(100).min(100),
        last_seen: stamp(failure.last_at),
        href: FAILED.to_owned(),
        example: None,
    }
}

fn moment(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
