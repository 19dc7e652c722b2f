//! What executions wrote while they ran.

use time::OffsetDateTime;
use uuid::Uuid;

use super::sql::{LOGS_APPEND, LOGS_LATEST, LOGS_OF_EXECUTION, LOGS_OF_JOB};
use super::{Reader, Store, StoreError};

/// The most lines of one execution that are kept, and bytes of them.
pub const MOST_LINES: i64 = 10_000;
pub const MOST_BYTES: i64 = 4 * 1024 * 1024;
/// The most bytes of a line.
pub const LONGEST_LINE: usize = 8 * 1024;

/// One line, as it is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLine {
    /// One short word of small letters, like `stdout`.
    pub stream: String,
    pub line: String,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Line {
    /// In the order in which they were written.
    pub id: i64,
    pub execution_id: Uuid,
    pub at: OffsetDateTime,
    pub stream: String,
    pub line: String,
}

impl NewLine {
    /// What can be kept of it: nothing that PostgreSQL has no place for, and not too much.
    pub fn of(stream: impl Into<String>, text: &str) -> Self {
        let mut line: String = text.chars().filter(|c| *c != '\0').collect();
        if line.len() > LONGEST_LINE {
            line.truncate(line.floor_char_boundary(LONGEST_LINE));
        }
        Self { stream: stream.into(), line }
    }
}

impl Store {
    /// `logs/append`: how many were kept; nothing when the execution is not its job's current one.
    pub async fn append_logs(
        &self,
        execution: Uuid,
        job: Option<Uuid>,
        lines: &[NewLine],
    ) -> Result<Option<i64>, StoreError> {
        let texts: Vec<&str> = lines.iter().map(|it| it.line.as_str()).collect();
        let streams: Vec<&str> = lines.iter().map(|it| it.stream.as_str()).collect();
        let row = self.one(&LOGS_APPEND, &[&execution, &job, &texts, &streams, &MOST_LINES, &MOST_BYTES]).await?;
        if row.get("is_current")? { row.get("inserted").map(Some) } else { Ok(None) }
    }

    /// `logs/of_execution`.
    pub async fn logs_of_execution(&self, id: Uuid, after: i64, limit: i64) -> Result<Vec<Line>, StoreError> {
        let rows = self.rows(&LOGS_OF_EXECUTION, &[&id, &after, &limit]).await?;
        Reader::all(rows, &LOGS_OF_EXECUTION).map(|row| line(&row)).collect()
    }

    /// `logs/of_job`.
    pub async fn logs_of_job(&self, id: Uuid, after: i64, limit: i64) -> Result<Vec<Line>, StoreError> {
        let rows = self.rows(&LOGS_OF_JOB, &[&id, &after, &limit]).await?;
        Reader::all(rows, &LOGS_OF_JOB).map(|row| line(&row)).collect()
    }

    /// `logs/latest`.
    pub async fn latest_logs(&self, execution: Uuid, limit: i64) -> Result<Vec<Line>, StoreError> {
        let rows = self.rows(&LOGS_LATEST, &[&execution, &limit]).await?;
        Reader::all(rows, &LOGS_LATEST).map(|row| line(&row)).collect()
    }
}

fn line(row: &Reader) -> Result<Line, StoreError> {
    Ok(Line {
        id: row.get("id")?,
        execution_id: row.get("execution_id")?,
        at: row.get("at")?,
        stream: row.get("stream")?,
        line: row.get("line")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_between_characters_and_loses_what_cannot_be_kept() {
        let long = NewLine::of("stdout", &"é".repeat(LONGEST_LINE));
        assert_eq!(long.line.len(), LONGEST_LINE);
        let odd = NewLine::of("stdout", &format!("a\0b{}", "é".repeat(LONGEST_LINE)));
        assert!(odd.line.starts_with("abé") && odd.line.len() <= LONGEST_LINE);
    }
}
