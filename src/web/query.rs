//! Query parameters. Unknown parameters are errors, and every error names its parameter.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::domain::{JobState, Labels, ProjectStatus};
use crate::store::jobs;
use crate::store::projects::Filter;
use crate::web::error::ApiError;
use crate::wire::JobFilter;
use crate::wire::duration::HumanDuration;
use crate::wire::time::in_range;

/// Rows per page.
pub const DEFAULT_LIMIT: i64 = 50;
pub const MAX_LIMIT: i64 = 200;

/// Parameters of job lists. Lists of a single state use all but the first.
pub const JOB_FILTER: &[&str] =
    &["state", "kind", "queue", "tenant", "tag", "project", "error", "id", "since", "before", "limit", "cursor"];

/// Maximum number of characters of a filter value.
const MAX_VALUE: usize = 255;

/// Maximum `?timeout=`.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// Parameters by name. Only `label` may be repeated.
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Parses a query string. Parameters that are not in `known` are errors.
    pub fn parse(text: &str, known: &[&str]) -> Result<Self, ApiError> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(text)
            .map_err(|error| ApiError::parameter("query", format!("cannot be read: {error}")))?;
        for (at, (name, value)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(ApiError::parameter(name, format!("is unknown; use one of {}", known.join(", "))));
            }
            if name != "label" && pairs[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(ApiError::parameter(name, "must not be repeated"));
            }
            if value.contains('\0') {
                return Err(ApiError::parameter(name, "must not contain the character U+0000"));
            }
        }
        Ok(Self { pairs })
    }

    /// Whether a parameter is present, even if it is empty.
    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(key, _)| key == name)
    }

    /// The value of a parameter; an empty value counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// `?limit=`.
    pub fn limit(&self) -> Result<i64, ApiError> {
        self.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT)
    }

    /// An integer in `range`.
    pub fn number(&self, name: &str, default: i64, range: RangeInclusive<i64>) -> Result<i64, ApiError> {
        let Some(text) = self.get(name) else { return Ok(default) };
        let number = text.parse().ok().filter(|number| range.contains(number));
        let message = match *range.end() {
            i64::MAX => format!("must be a whole number of at least {}", range.start()),
            max => format!("must be a whole number from {} to {max}", range.start()),
        };
        number.ok_or_else(|| ApiError::parameter(name, message))
    }

    /// `?cursor=`, as returned in a `Link` header.
    pub fn cursor<T: std::str::FromStr>(&self) -> Result<Option<T>, ApiError> {
        let Some(text) = self.get("cursor") else { return Ok(None) };
        text.parse().map(Some).map_err(|_| invalid_cursor())
    }

    /// `?cursor=` of a list of finished jobs: the finish time and id of a job.
    pub fn finished_cursor(&self) -> Result<Option<(OffsetDateTime, Uuid)>, ApiError> {
        let Some(text) = self.get("cursor") else { return Ok(None) };
        let parts = text.split_once('_');
        let read = parts.and_then(|(at, id)| {
            Some((in_range(OffsetDateTime::parse(at, &Rfc3339).ok()?)?, Uuid::try_parse(id).ok()?))
        });
        read.map(Some).ok_or_else(invalid_cursor)
    }

    /// A duration, like `?window=15m`.
    pub fn duration(&self, name: &str, default: Duration, max: Duration) -> Result<Duration, ApiError> {
        let Some(text) = self.get(name) else { return Ok(default) };
        let duration = HumanDuration::parse(text).map(|it| it.0).filter(|it| !it.is_zero() && *it <= max);
        let max = humantime::format_duration(max);
        duration.ok_or_else(|| ApiError::parameter(name, format!("must be a duration up to {max}, like 15m")))
    }

    /// `?since=`: a time, or an age.
    pub fn since(&self) -> Result<Option<OffsetDateTime>, ApiError> {
        let since = self.get("since").map(|text| time_or_age("since", text)).transpose();
        since.map_err(ApiError::into_parameter)
    }

    /// The parameters in [`JOB_FILTER`].
    pub fn jobs(&self) -> Result<jobs::Filter, ApiError> {
        let word = |name: &str| self.get(name).map(str::to_owned);
        let project = match self.get("project") {
            Some(text) => Some(Uuid::try_parse(text).map_err(|_| ApiError::parameter("project", "must be a UUID"))?),
            None => None,
        };
        let filter = job_filter(JobFilter {
            state: word("state"),
            kind: word("kind"),
            queue: word("queue"),
            tenant: word("tenant"),
            tag: word("tag"),
            project,
            error: word("error"),
            since: word("since"),
            before: word("before"),
        });
        let filter = filter.map_err(ApiError::into_parameter)?;
        Ok(jobs::Filter { id: word("id").map(|id| id.trim().to_owned()), ..filter })
    }

    /// A parameter that contains a project status.
    pub fn status(&self, name: &str) -> Result<Option<ProjectStatus>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let known: Vec<&str> = ProjectStatus::ALL.iter().map(|status| status.as_str()).collect();
        let status = ProjectStatus::parse(text);
        status.map(Some).ok_or_else(|| ApiError::parameter(name, format!("must be one of {}", known.join(", "))))
    }

    /// `?timeout=`.
    pub fn timeout(&self) -> Result<Duration, ApiError> {
        let Some(text) = self.get("timeout") else { return Ok(Duration::from_secs(30)) };
        let seconds = text.parse().ok().map(Duration::from_secs);
        let timeout = seconds.or_else(|| humantime::parse_duration(text).ok()).filter(|it| *it <= MAX_WAIT);
        timeout.ok_or_else(|| ApiError::parameter("timeout", "must be a duration up to 60s, like 30s or 500ms"))
    }

    /// `?status=&label=&search=&limit=&cursor=` of project lists.
    pub fn projects(&self) -> Result<Filter, ApiError> {
        let search = self.part("search")?.map(str::trim).filter(|text| !text.is_empty());
        Ok(Filter {
            status: self.status("status")?,
            labels: self.labels()?,
            search: search.map(str::to_owned),
            before: self.cursor::<Uuid>()?,
            limit: self.limit()?,
        })
    }

    /// A part of a name.
    pub fn part(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let part = self.get(name);
        if part.is_some_and(|text| text.trim().chars().count() > MAX_VALUE) {
            return Err(ApiError::parameter(name, format!("must have at most {MAX_VALUE} characters")));
        }
        Ok(part)
    }

    /// `?label=env=prod&label=team=core`: all labels must match.
    fn labels(&self) -> Result<Option<Labels>, ApiError> {
        let mut labels = BTreeMap::new();
        for (_, text) in self.pairs.iter().filter(|(name, value)| name == "label" && !value.is_empty()) {
            let Some((key, value)) = text.split_once('=').or_else(|| text.split_once(':')) else {
                return Err(ApiError::parameter("label", "must be key=value, like env=prod"));
            };
            let earlier = labels.insert(key.to_owned(), value.to_owned());
            if earlier.is_some_and(|earlier| earlier != value) {
                return Err(ApiError::parameter("label", format!("must not require two values of {key}")));
            }
        }
        if labels.is_empty() {
            return Ok(None);
        }
        Labels::parse(labels).map(Some).map_err(|error| ApiError::parameter("label", error))
    }
}

fn invalid_cursor() -> ApiError {
    ApiError::parameter("cursor", "must be a cursor from a Link header of this list")
}

/// Validates the filter of a request.
pub fn job_filter(request: JobFilter) -> Result<jobs::Filter, ApiError> {
    let state = match request.state.as_deref() {
        Some(word) => {
            let known: Vec<&str> = JobState::ALL.iter().map(|state| state.as_str()).collect();
            let state = JobState::parse(word);
            Some(state.ok_or_else(|| ApiError::field("state", format!("must be one of {}", known.join(", "))))?)
        }
        None => None,
    };
    let words = [
        ("kind", &request.kind),
        ("queue", &request.queue),
        ("tenant", &request.tenant),
        ("tag", &request.tag),
        ("error", &request.error),
    ];
    for (name, word) in words {
        if word.as_ref().is_some_and(|word| word.chars().count() > MAX_VALUE || word.contains('\0')) {
            return Err(ApiError::field(
                name,
                format!("must have at most {MAX_VALUE} characters and must not contain U+0000"),
            ));
        }
    }
    let time = |name: &str, text: Option<String>| text.map(|text| time_or_age(name, &text)).transpose();
    Ok(jobs::Filter {
        state,
        kind: request.kind,
        queue: request.queue,
        tenant: request.tenant,
        tag: request.tag,
        project: request.project,
        error: request.error,
        id: None,
        since: time("since", request.since)?,
        before: time("before", request.before)?,
    })
}

/// Parses an RFC 3339 time, or an age like `1h`.
fn time_or_age(name: &str, text: &str) -> Result<OffsetDateTime, ApiError> {
    let ago = HumanDuration::parse(text).and_then(|age| OffsetDateTime::now_utc().checked_sub(age.0.try_into().ok()?));
    let at = ago.or_else(|| OffsetDateTime::parse(text, &Rfc3339).ok()).and_then(in_range);
    at.ok_or_else(|| ApiError::field(name, "must be an RFC 3339 time, like 2026-01-31T08:00:00Z, or an age, like 1h"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["status", "label", "search", "limit", "cursor"];

    fn invalid_parameter(text: &str) -> String {
        let read = Query::parse(text, KNOWN).and_then(|query| query.projects());
        match read {
            Err(ApiError::Parameter(problem)) => problem.field,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn invalid_parameter_is_named() {
        for (text, parameter) in [
            ("status=sleeping", "status"),
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=ten", "limit"),
            ("cursor=1", "cursor"),
            ("label=prod", "label"),
            ("label=a b=c", "label"),
            ("color=red", "color"),
            ("limit=1&limit=2", "limit"),
            ("search=%00", "search"),
        ] {
            assert_eq!(invalid_parameter(text), parameter, "{text}");
        }
    }

    #[test]
    fn valid_parameters_make_a_filter() {
        let query = Query::parse("status=ready&label=env=prod&label=team:core&search=+x+&limit=7", KNOWN).unwrap();
        let filter = query.projects().unwrap();
        assert_eq!((filter.status, filter.limit), (Some(ProjectStatus::Ready), 7));
        assert_eq!(filter.search.as_deref(), Some("x"));
        assert_eq!(filter.labels.unwrap().as_map().len(), 2);
    }
}
