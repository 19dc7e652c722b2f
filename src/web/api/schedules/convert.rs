//! Conversions of schedules, targets, due times and ticks.

use crate::domain::NewJob;
use crate::domain::schedule::{ClockChange, Occurrence, ProjectAction, ScheduleState, Target};
use crate::domain::workflow::{StepDefinition, StepDependency, WorkflowDefinition};
use crate::store::schedules::{InvalidSchedule, ParsedSchedule, Schedule, Tick};
use crate::wire::json::raw;
use crate::wire::schedule::{JobTarget, LinkTarget, ProjectTarget, StepTarget, WorkflowTarget};
use crate::wire::{self, BackoffPolicy};

/// State of a schedule that this version cannot read.
const UNREADABLE: &str = "unreadable";
/// Description of a schedule that this version cannot read.
pub const UNREADABLE_WORDS: &str = "This version cannot read the schedule; replace or delete it";

impl From<Schedule> for wire::Schedule {
    fn from(row: Schedule) -> Self {
        let plan = row.plan;
        Self {
            id: row.id,
            name: plan.name,
            state: plan.state.to_string(),
            expression: plan.timing.expression().to_string(),
            words: plan.timing.words(),
            time_zone: plan.timing.zone().name().to_owned(),
            misfire: plan.misfire_policy.misfire.to_string(),
            catch_up: plan.misfire_policy.catch_up,
            misfire_grace_s: plan.misfire_policy.grace.as_secs_f64(),
            overlap: plan.overlap.to_string(),
            jitter_s: plan.jitter.as_secs_f64(),
            target: Some(plan.target.into()),
            next_at: row.next_at.filter(|_| plan.state == ScheduleState::Enabled),
            last_at: row.last_at,
            version: row.version,
            reason: row.reason,
            actor: row.actor,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<InvalidSchedule> for wire::Schedule {
    fn from(row: InvalidSchedule) -> Self {
        Self {
            id: row.id,
            name: row.name,
            state: UNREADABLE.to_owned(),
            expression: row.expression,
            words: UNREADABLE_WORDS.to_owned(),
            time_zone: row.time_zone,
            misfire: row.misfire,
            catch_up: row.catch_up,
            misfire_grace_s: row.grace,
            overlap: row.overlap,
            jitter_s: row.jitter,
            target: None,
            next_at: None,
            last_at: row.last_at,
            version: row.version,
            reason: row.reason,
            actor: row.actor,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<Target> for wire::schedule::Target {
    fn from(target: Target) -> Self {
        match target {
            Target::Job(job) => Self::Job(Box::new(job_target(*job))),
            Target::Project(action) => Self::Project(action.into()),
            Target::Workflow(it) => Self::Workflow(workflow_target(it.definition())),
        }
    }
}

fn job_target(job: NewJob) -> JobTarget {
    JobTarget {
        kind: job.kind.to_string(),
        queue: job.queue.to_string(),
        tenant: job.tenant.to_string(),
        tags: job.tags,
        priority: job.priority,
        payload: raw(job.payload),
        max_attempts: job.max_attempts,
        timeout_s: job.timeout.map(|it| it.as_secs_f64()),
        backoff: job.backoff.map(BackoffPolicy::from),
        schema_version: job.schema_version,
    }
}

fn workflow_target(plan: &WorkflowDefinition) -> WorkflowTarget {
    let link = |it: &StepDependency| LinkTarget { step: it.step.clone(), policy: it.policy.to_string() };
    let step = |it: &StepDefinition| StepTarget {
        name: it.name.clone(),
        depends_on: it.depends_on.iter().map(link).collect(),
        kind: it.job.kind.to_string(),
        queue: it.job.queue.to_string(),
        tags: it.job.tags.clone(),
        priority: it.job.priority,
        payload: raw(it.job.payload.clone()),
        delay_s: it.job.due.delay().map(|it| it.as_secs_f64()),
        max_attempts: it.job.max_attempts,
        timeout_s: it.job.timeout.map(|it| it.as_secs_f64()),
        backoff: it.job.backoff.map(BackoffPolicy::from),
        schema_version: it.job.schema_version,
    };
    WorkflowTarget {
        name: plan.name.clone(),
        tenant: plan.tenant.to_string(),
        steps: plan.steps.iter().map(step).collect(),
    }
}

impl From<ProjectAction> for ProjectTarget {
    fn from(action: ProjectAction) -> Self {
        let word = action.as_str().to_owned();
        let plain = |project_id| Self {
            action: word.clone(),
            project_id,
            name: None,
            template: None,
            parameters: None,
            labels: None,
        };
        match action {
            ProjectAction::Create { name, template, parameters, labels } => Self {
                name: Some(name.as_str().to_owned()),
                template: Some(template),
                parameters: Some(raw(parameters.as_str().to_owned())),
                labels: Some(labels.as_map().clone()),
                ..plain(None)
            },
            ProjectAction::Retry(id) | ProjectAction::Delete(id) => plain(Some(id)),
        }
    }
}

impl From<Occurrence> for wire::Occurrence {
    fn from(it: Occurrence) -> Self {
        let note = it.clock_change.as_ref().map(clock_change_note);
        let local = it.local;
        Self { at: it.at, local: local.text, offset: local.offset, abbreviation: local.abbreviation, note }
    }
}

/// How a daylight saving change affects a due time, as a sentence.
pub fn clock_change_note(shift: &ClockChange) -> String {
    match shift {
        ClockChange::Forward { missing } => {
            format!(
                "{missing} does not exist on this day because the clocks go forward; due at the first time after it."
            )
        }
        ClockChange::First => "The clocks go back and this time occurs twice; this is the first.".to_owned(),
        ClockChange::Second => "The clocks go back and this time occurs twice; this is the second.".to_owned(),
    }
}

impl From<Tick> for wire::Tick {
    fn from(row: Tick) -> Self {
        Self {
            id: row.id,
            due_at: row.due_at,
            since: row.since,
            n: row.n,
            cause: row.cause.to_string(),
            outcome: row.outcome.to_string(),
            reason: row.reason,
            job_id: row.job_id,
            job_state: row.job.map(|it| it.state.to_string()),
            workflow_id: row.workflow_id,
            workflow_state: row.workflow.map(|it| it.state.to_string()),
            project_id: row.project_id,
            actor: row.actor,
            occurred_at: row.occurred_at,
        }
    }
}

impl From<ParsedSchedule> for wire::Schedule {
    fn from(row: ParsedSchedule) -> Self {
        match row {
            Ok(schedule) => schedule.into(),
            Err(unreadable) => (*unreadable).into(),
        }
    }
}
