//! The part of a URL after the question mark. Every parameter is known by name, and each mistake names its parameter.

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

/// How many rows a page has, unless asked otherwise, and at most.
pub const DEFAULT_LIMIT: i64 = 50;
pub const MAX_LIMIT: i64 = 200;

/// What lists of jobs understand; the first is not for lists of one state.
pub const JOB_FILTER: &[&str] =
    &["state", "kind", "queue", "tenant", "tag", "project", "error", "id", "since", "before", "limit", "cursor"];

/// The most characters of a word in a filter.
const MAX_WORD: usize = 255;

/// The longest that a request may wait.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// Parameters by name. Only `label` may be there more than once.
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads a query string and refuses parameters that are not in `known`.
    pub fn parse(text: &str, known: &[&str]) -> Result<Self, ApiError> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(text)
            .map_err(|error| ApiError::parameter("query", format!("cannot be read: {error}")))?;
        for (at, (name, value)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(ApiError::parameter(name, format!("is not known here; known are: {}", known.join(", "))));
            }
            if name != "label" && pairs[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(ApiError::parameter(name, "is there twice"));
            }
            if value.contains('\0') {
                return Err(ApiError::parameter(name, "must not contain the character U+0000"));
            }
        }
        Ok(Self { pairs })
    }

    /// Whether a parameter is there at all, also empty.
    pub fn names(&self, name: &str) -> bool {
        self.pairs.iter().any(|(key, _)| key == name)
    }

    /// The value of a parameter; empty counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// `?limit=`.
    pub fn limit(&self) -> Result<i64, ApiError> {
        self.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT)
    }

    /// A whole number.
    pub fn number(&self, name: &str, usual: i64, within: RangeInclusive<i64>) -> Result<i64, ApiError> {
        let Some(text) = self.get(name) else { return Ok(usual) };
        let number = text.parse().ok().filter(|number| within.contains(number));
        let wanted = match *within.end() {
            i64::MAX => format!("must be a whole number of at least {}", within.start()),
            most => format!("must be a whole number from {} to {most}", within.start()),
        };
        number.ok_or_else(|| ApiError::parameter(name, wanted))
    }

    /// `?cursor=`, as this server's own links carry it.
    pub fn cursor<T: std::str::FromStr>(&self) -> Result<Option<T>, ApiError> {
        let Some(text) = self.get("cursor") else { return Ok(None) };
        text.parse()
            .map(Some)
            .map_err(|_| ApiError::parameter("cursor", "is not one that this server handed out in a Link header"))
    }

    /// A cursor of a list of finished jobs.
    pub fn place(&self) -> Result<Option<(OffsetDateTime, Uuid)>, ApiError> {
        let Some(text) = self.get("cursor") else { return Ok(None) };
        let parts = text.split_once('_');
        let read = parts.and_then(|(at, id)| {
            Some((in_range(OffsetDateTime::parse(at, &Rfc3339).ok()?)?, Uuid::try_parse(id).ok()?))
        });
        let wrong = || ApiError::parameter("cursor", "is not one that this server handed out in a Link header");
        read.map(Some).ok_or_else(wrong)
    }

    /// A duration, like `?window=15m`.
    pub fn span(&self, name: &str, usual: Duration, most: Duration) -> Result<Duration, ApiError> {
        let Some(text) = self.get(name) else { return Ok(usual) };
        let span = HumanDuration::parse(text).map(|it| it.0).filter(|it| !it.is_zero() && *it <= most);
        let most = humantime::format_duration(most);
        span.ok_or_else(|| ApiError::parameter(name, format!("must be a duration up to {most}, like 15m")))
    }

    /// `?since=`: a moment, or so long ago.
    pub fn since(&self) -> Result<Option<OffsetDateTime>, ApiError> {
        let since = self.get("since").map(|text| moment("since", text)).transpose();
        since.map_err(|error| match error {
            ApiError::Fields(mut fields) if !fields.is_empty() => ApiError::Parameter(fields.swap_remove(0)),
            other => other,
        })
    }

    /// Which jobs: see [`JOB_FILTER`].
    pub fn jobs(&self) -> Result<jobs::Filter, ApiError> {
        let word = |name: &str| self.get(name).map(str::to_owned);
        let project = match self.get("project") {
            Some(text) => Some(Uuid::try_parse(text).map_err(|_| ApiError::parameter("project", "must be a UUID"))?),
            None => None,
        };
        let filter = filter_of(JobFilter {
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
        let filter = filter.map_err(|error| match error {
            ApiError::Fields(mut fields) if !fields.is_empty() => ApiError::Parameter(fields.swap_remove(0)),
            other => other,
        })?;
        Ok(jobs::Filter { id: word("id").map(|id| id.trim().to_owned()), ..filter })
    }

    /// `?status=`, or another parameter that holds a status.
    pub fn status(&self, name: &str) -> Result<Option<ProjectStatus>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let known: Vec<&str> = ProjectStatus::ALL.iter().map(|status| status.as_str()).collect();
        let status = ProjectStatus::parse(text);
        status.map(Some).ok_or_else(|| ApiError::parameter(name, format!("must be one of {}", known.join(", "))))
    }

    /// `?timeout=`: how long to wait.
    pub fn timeout(&self) -> Result<Duration, ApiError> {
        let Some(text) = self.get("timeout") else { return Ok(Duration::from_secs(30)) };
        let plain = text.parse().ok().map(Duration::from_secs);
        let timeout = plain.or_else(|| humantime::parse_duration(text).ok()).filter(|it| *it <= MAX_WAIT);
        timeout.ok_or_else(|| ApiError::parameter("timeout", "must be a duration up to 60s, like 30s or 500ms"))
    }

    /// Which projects: `?status=&label=&search=&limit=&cursor=`.
    pub fn filter(&self) -> Result<Filter, ApiError> {
        let search = self.get("search").map(str::trim).filter(|text| !text.is_empty());
        if search.is_some_and(|text| text.chars().count() > 255) {
            return Err(ApiError::parameter("search", "must have at most 255 characters"));
        }
        Ok(Filter {
            status: self.status("status")?,
            labels: self.labels()?,
            search: search.map(str::to_owned),
            before: self.cursor::<Uuid>()?,
            limit: self.limit()?,
        })
    }

    /// `?label=env=prod&label=team=core`: all of them must fit.
    fn labels(&self) -> Result<Option<Labels>, ApiError> {
        let mut labels = BTreeMap::new();
        for (_, text) in self.pairs.iter().filter(|(name, value)| name == "label" && !value.is_empty()) {
            let pair = text.split_once('=').or_else(|| text.split_once(':'));
            let Some((key, value)) = pair else {
                return Err(ApiError::parameter("label", "must be key=value, like env=prod"));
            };
            let earlier = labels.insert(key.to_owned(), value.to_owned());
            if earlier.is_some_and(|earlier| earlier != value) {
                return Err(ApiError::parameter(
                    "label",
                    format!("asks for two values of {key}, and none can have both"),
                ));
            }
        }
        if labels.is_empty() {
            return Ok(None);
        }
        Labels::parse(labels).map(Some).map_err(|error| ApiError::parameter("label", error))
    }
}

/// A filter that somebody sent, checked.
pub fn filter_of(wish: JobFilter) -> Result<jobs::Filter, ApiError> {
    let state = match wish.state.as_deref() {
        Some(word) => {
            let known: Vec<&str> = JobState::ALL.iter().map(|state| state.as_str()).collect();
            let state = JobState::parse(word);
            Some(state.ok_or_else(|| ApiError::field("state", format!("must be one of {}", known.join(", "))))?)
        }
        None => None,
    };
    let words = [
        ("kind", &wish.kind),
        ("queue", &wish.queue),
        ("tenant", &wish.tenant),
        ("tag", &wish.tag),
        ("error", &wish.error),
    ];
    for (name, word) in words {
        if word.as_ref().is_some_and(|word| word.chars().count() > MAX_WORD || word.contains('\0')) {
            return Err(ApiError::field(name, format!("must have at most {MAX_WORD} characters, and not U+0000")));
        }
    }
    let moment = |name: &str, text: Option<String>| text.map(|text| moment(name, &text)).transpose();
    Ok(jobs::Filter {
        state,
        kind: wish.kind,
        queue: wish.queue,
        tenant: wish.tenant,
        tag: wish.tag,
        project: wish.project,
        error: wish.error,
        id: None,
        since: moment("since", wish.since)?,
        before: moment("before", wish.before)?,
    })
}

/// A moment, or so long ago.
fn moment(name: &str, text: &str) -> Result<OffsetDateTime, ApiError> {
    let ago =
        HumanDuration::parse(text).and_then(|span| OffsetDateTime::now_utc().checked_sub(span.0.try_into().ok()?));
    let at = ago.or_else(|| OffsetDateTime::parse(text, &Rfc3339).ok()).and_then(in_range);
    at.ok_or_else(|| {
        ApiError::field(name, "must be a moment in RFC 3339, like 2026-01-31T08:00:00Z, or so long ago, like 1h")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["status", "label", "search", "limit", "cursor"];

    fn wrong(text: &str) -> String {
        let read = Query::parse(text, KNOWN).and_then(|query| query.filter());
        match read {
            Err(ApiError::Parameter(problem)) => problem.field,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn mistakes_name_their_parameter() {
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
            assert_eq!(wrong(text), parameter, "{text}");
        }
    }

    #[test]
    fn a_filter_says_what_it_was_told() {
        let query = Query::parse("status=ready&label=env=prod&label=team:core&search=+x+&limit=7", KNOWN).unwrap();
        let filter = query.filter().unwrap();
        assert_eq!((filter.status, filter.limit), (Some(ProjectStatus::Ready), 7));
        assert_eq!(filter.search.as_deref(), Some("x"));
        assert_eq!(filter.labels.unwrap().as_map().len(), 2);
    }
}
