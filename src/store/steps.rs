//! The steps of operations on projects.

use time::OffsetDateTime;
use uuid::Uuid;

use super::row::{FromRow, Row, row};
use super::sql::{PROJECTS_OUTPUTS, STEPS_OF_ATTEMPT, STEPS_OF_PROJECT, STEPS_RECORD};
use super::{Store, StoreError};
use crate::domain::StepState;

row! {
    /// A step of an operation.
    #[derive(Clone, Debug)]
    pub struct Step {
        pub job_id: Uuid,
        /// From 0.
        pub position: i32,
        pub name: String,
        pub state: StepState,
        /// How often the step has been started.
        pub attempt: i32,
        pub execution_id: Uuid,
        pub started_at: OffsetDateTime,
        pub ended_at: Option<OffsetDateTime>,
        /// A short name of the failure.
        pub code: Option<String>,
        pub error: Option<String>,
        pub is_retryable: Option<bool>,
        /// JSON text.
        pub output: Option<String>,
    }

    /// A step as the attempt that continues the operation needs it.
    #[derive(Clone, Debug)]
    pub struct EarlierStep {
        pub position: i32,
        pub name: String,
        pub state: StepState,
        pub code: Option<String>,
        pub error: Option<String>,
        pub is_retryable: Option<bool>,
        pub output: Option<String>,
    }

    /// What a project has produced.
    #[derive(Clone, Debug)]
    pub struct ProjectOutput {
        pub name: String,
        /// JSON text.
        pub value: String,
    }
}

/// A change of the state of a step.
#[derive(Clone, Debug)]
pub struct StepUpdate<'a> {
    pub position: i32,
    pub name: &'a str,
    pub state: StepState,
    pub code: Option<&'a str>,
    pub error: Option<&'a str>,
    pub is_retryable: Option<bool>,
    /// JSON text: an object.
    pub output: Option<String>,
}

/// The attempt that changes something: nothing is changed unless it is still the current one.
#[derive(Clone, Copy, Debug)]
pub struct Holder {
    pub job_id: Uuid,
    pub execution_id: Uuid,
    pub project_id: Uuid,
}

/// What a fenced statement has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fenced<T> {
    Held(T),
    /// The attempt is not the current one of its job. Nothing was changed.
    LeaseLost,
}

impl<T> Fenced<T> {
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Fenced<U> {
        match self {
            Self::Held(value) => Fenced::Held(change(value)),
            Self::LeaseLost => Fenced::LeaseLost,
        }
    }

    /// The value, or an error for a lost lease.
    pub fn held_or<E>(self, lost: E) -> Result<T, E> {
        match self {
            Self::Held(value) => Ok(value),
            Self::LeaseLost => Err(lost),
        }
    }
}

impl<T> From<Option<T>> for Fenced<T> {
    fn from(row: Option<T>) -> Self {
        row.map_or(Self::LeaseLost, Self::Held)
    }
}

impl Store {
    /// `steps/of_attempt`: the steps of the operation that an attempt holds.
    pub async fn steps_of_attempt(&self, holder: Holder) -> Result<Fenced<Vec<EarlierStep>>, StoreError> {
        let rows = self.rows(&STEPS_OF_ATTEMPT, &[&holder.job_id, &holder.execution_id]).await?;
        if rows.is_empty() {
            return Ok(Fenced::LeaseLost);
        }
        let has_step = |row: &&Row| matches!(row.get::<Option<i32>>("position"), Ok(Some(_)));
        rows.iter().filter(has_step).map(EarlierStep::from_row).collect::<Result<_, _>>().map(Fenced::Held)
    }

    /// `steps/record`: returns the stop request of the operation, if there is one: `cancel` or `delete`.
    pub async fn record_step(
        &self,
        holder: Holder,
        update: &StepUpdate<'_>,
    ) -> Result<Fenced<Option<String>>, StoreError> {
        let StepUpdate { position, name, state, code, error, is_retryable, output } = update;
        let row = self
            .row(
                &STEPS_RECORD,
                &[
                    &holder.job_id,
                    &holder.execution_id,
                    position,
                    name,
                    &state.as_str(),
                    code,
                    error,
                    is_retryable,
                    output,
                ],
            )
            .await?;
        self.wakeup.changed();
        row.map(|row| row.get("stop_request")).transpose().map(Fenced::from)
    }

    /// `steps/of_project`: the steps of its latest operations, newest operation first.
    pub async fn steps_of_project(&self, project: Uuid, operations: i64) -> Result<Vec<Step>, StoreError> {
        self.fetch_all(&STEPS_OF_PROJECT, &[&project, &operations]).await
    }

    /// `projects/outputs`.
    pub async fn outputs_of_project(&self, project: Uuid) -> Result<Vec<ProjectOutput>, StoreError> {
        self.fetch_all(&PROJECTS_OUTPUTS, &[&project]).await
    }
}
