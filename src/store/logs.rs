//! Log lines that attempts write.

use time::OffsetDateTime;
use uuid::Uuid;

use super::row::row;
use super::sql::{LOGS_APPEND, LOGS_LATEST, LOGS_OF_EXECUTION, LOGS_OF_JOB};
use super::{Store, StoreError};

/// The most lines kept of one attempt.
pub const MAX_LINES: i64 = 10_000;
/// The most bytes kept of one attempt.
pub const MAX_BYTES: i64 = 4 * 1024 * 1024;
/// The most bytes kept of one line.
pub const MAX_LINE_BYTES: usize = 8 * 1024;

/// A line to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLogLine {
    /// A short lowercase word such as `stdout`.
    pub stream: String,
    pub line: String,
}

row! {
    /// A stored line.
    #[derive(Clone, Debug)]
    pub struct LogLine {
        /// Ascending in the order in which the lines were written.
        pub id: i64,
        pub execution_id: Uuid,
        pub at: OffsetDateTime,
        pub stream: String,
        pub line: String,
    }
}

impl NewLogLine {
    /// Removes NUL characters, which PostgreSQL cannot store, and truncates the line to [`MAX_LINE_BYTES`].
    pub fn new(stream: impl Into<String>, text: &str) -> Self {
        let mut line: String = text.chars().filter(|c| *c != '\0').collect();
        if line.len() > MAX_LINE_BYTES {
            line.truncate(line.floor_char_boundary(MAX_LINE_BYTES));
        }
        Self { stream: stream.into(), line }
    }
}

impl Store {
    /// `logs/append`: returns how many lines were kept, or none if the execution is not the current one of its job.
    pub async fn append_logs(
        &self,
        execution: Uuid,
        job: Option<Uuid>,
        lines: &[NewLogLine],
    ) -> Result<Option<i64>, StoreError> {
        let texts: Vec<&str> = lines.iter().map(|it| it.line.as_str()).collect();
        let streams: Vec<&str> = lines.iter().map(|it| it.stream.as_str()).collect();
        let row = self.one(&LOGS_APPEND, &[&execution, &job, &texts, &streams, &MAX_LINES, &MAX_BYTES]).await?;
        if row.get("is_current")? { row.get("inserted").map(Some) } else { Ok(None) }
    }

    /// `logs/of_execution`.
    pub async fn logs_of_execution(&self, id: Uuid, after: i64, limit: i64) -> Result<Vec<LogLine>, StoreError> {
        self.fetch_all(&LOGS_OF_EXECUTION, &[&id, &after, &limit]).await
    }

    /// `logs/of_job`.
    pub async fn logs_of_job(&self, id: Uuid, after: i64, limit: i64) -> Result<Vec<LogLine>, StoreError> {
        self.fetch_all(&LOGS_OF_JOB, &[&id, &after, &limit]).await
    }

    /// `logs/latest`.
    pub async fn latest_logs(&self, execution: Uuid, limit: i64) -> Result<Vec<LogLine>, StoreError> {
        self.fetch_all(&LOGS_LATEST, &[&execution, &limit]).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_line_is_cut_at_a_character_boundary() {
        let line = NewLogLine::new("stdout", &"é".repeat(MAX_LINE_BYTES));
        assert_eq!(line.line.len(), MAX_LINE_BYTES);
        let odd = NewLogLine::new("stdout", &format!("a{}", "é".repeat(MAX_LINE_BYTES)));
        assert_eq!(odd.line.len(), MAX_LINE_BYTES - 1);
    }

    #[test]
    fn nul_characters_are_removed() {
        assert_eq!(NewLogLine::new("stdout", "a\0b").line, "ab");
    }
}
