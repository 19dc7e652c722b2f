//! The part of a URL after the question mark. Every parameter is known by name, and each mistake names its parameter.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use super::error::ApiError;
use crate::domain::{Labels, ProjectStatus};
use crate::store::projects::Filter;

/// How many rows a page has, unless asked otherwise, and at most.
pub const DEFAULT_LIMIT: i64 = 50;
pub const MAX_LIMIT: i64 = 200;

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
        let Some(text) = self.get("limit") else { return Ok(DEFAULT_LIMIT) };
        let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        limit.ok_or_else(|| ApiError::parameter("limit", format!("must be a whole number from 1 to {MAX_LIMIT}")))
    }

    /// `?cursor=`, as this server's own links carry it.
    pub fn cursor<T: std::str::FromStr>(&self) -> Result<Option<T>, ApiError> {
        let Some(text) = self.get("cursor") else { return Ok(None) };
        text.parse()
            .map(Some)
            .map_err(|_| ApiError::parameter("cursor", "is not one that this server handed out in a Link header"))
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
