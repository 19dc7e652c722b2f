//! The form of a schedule.

use crate::domain::schedule::{Misfire, Overlap, ScheduleDefinition, Target};
use crate::store::schedules::Schedule;
use crate::web::api::schedules::plan::{Edit, checked_name, save_schedule};
use crate::web::app::App;
use crate::web::dashboard::jobs::enqueue::payload;
use crate::web::error::ApiError;
use crate::web::ui::{Choice, FieldError, Form, field_errors};
use crate::wire::CreateJob;
use crate::wire::PutSchedule;
use crate::wire::duration::HumanDuration;
use crate::wire::schedule::PutTarget;

const MISFIRES: [(Misfire, &str); 3] =
    [(Misfire::Latest, "Run once"), (Misfire::All, "Run all, up to the maximum"), (Misfire::Skip, "Skip")];
const OVERLAPS: [(Overlap, &str); 2] = [(Overlap::Allow, "Allow overlap"), (Overlap::Skip, "Skip the run")];

/// The form as typed or as stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScheduleForm {
    /// The schedule to change; `None` adds one.
    pub editing: Option<String>,
    /// Whether the schedule starts a job; the form then has the fields of the job.
    pub of_job: bool,
    pub schedule_name: String,
    pub cron: String,
    pub time_zone: String,
    pub kind: String,
    pub queue: String,
    pub priority: String,
    pub payload: String,
    pub misfires: Vec<Choice>,
    /// The maximum number of missed runs to start.
    pub catch_up: String,
    pub overlaps: Vec<Choice>,
    pub jitter: String,
    pub reason: String,
    pub errors: Vec<FieldError>,
}

impl ScheduleForm {
    pub fn error(&self, field: &str) -> Option<&str> {
        FieldError::find(&self.errors, field)
    }

    /// A rejected form stays open.
    pub fn is_open(&self) -> bool {
        !self.errors.is_empty()
    }
}

/// An empty form.
pub fn blank() -> ScheduleForm {
    choices(ScheduleForm { of_job: true, ..ScheduleForm::default() }, Misfire::Latest.as_str(), Overlap::Allow.as_str())
}

/// The form of a stored schedule.
pub fn stored(plan: &ScheduleDefinition) -> ScheduleForm {
    let form = ScheduleForm {
        editing: Some(plan.name.clone()),
        schedule_name: plan.name.clone(),
        cron: plan.timing.expression().to_string(),
        time_zone: plan.timing.zone().name().to_owned(),
        catch_up: plan.misfire_policy.catch_up.to_string(),
        jitter: humantime::format_duration(plan.jitter).to_string(),
        ..ScheduleForm::default()
    };
    let form = match &plan.target {
        Target::Project(_) | Target::Workflow(_) => form,
        Target::Job(job) => ScheduleForm {
            of_job: true,
            kind: job.kind.to_string(),
            queue: job.queue.to_string(),
            priority: job.priority.to_string(),
            payload: job.payload.clone(),
            ..form
        },
    };
    choices(form, plan.misfire_policy.misfire.as_str(), plan.overlap.as_str())
}

/// Adds a schedule, or changes the one given. Returns its name, or the form with its errors.
pub async fn save(app: &App, form: &Form, before: Option<&Schedule>) -> Result<Result<String, ScheduleForm>, ApiError> {
    let of_job = before.is_none_or(|it| matches!(it.plan.target, Target::Job(_)));
    let mut errors = Vec::new();
    let put = put(form, before, of_job, &mut errors);
    let name = match before {
        Some(before) => Some(before.plan.name.clone()),
        None => match checked_name(Some(form.get("schedule_name").to_owned())) {
            Ok(name) => Some(name),
            Err(error) => {
                errors.extend(field_errors(error, field)?);
                None
            }
        },
    };
    if let (Some(name), None) = (&name, before)
        // An unreadable schedule can only be replaced.
        && app.store.list_schedules(Some(name)).await?.iter().any(Result::is_ok)
    {
        errors.push(FieldError::new(
            "schedule_name",
            "A schedule with this name already exists. Edit that schedule, or choose another name.",
        ));
    }
    let audit = form.checked_audit(&mut errors);
    let (Some(name), Some(audit), true) = (name, audit, errors.is_empty()) else {
        return Ok(Err(rejected(form, before, of_job, errors)));
    };
    let edit = if before.is_some() { Edit::Change { versions: None } } else { Edit::Replace };
    match save_schedule(app, &name, &put, edit, &audit).await {
        Ok(_) => Ok(Ok(name)),
        Err(error) => Ok(Err(rejected(form, before, of_job, field_errors(error, field)?))),
    }
}

fn put(form: &Form, before: Option<&Schedule>, of_job: bool, errors: &mut Vec<FieldError>) -> PutSchedule {
    let jitter = form.word("jitter").map(HumanDuration::parse);
    if jitter == Some(None) {
        errors.push(FieldError::new("jitter", "The jitter must be a duration such as 30s or 5m."));
    }
    let target = of_job.then(|| job(form, before, errors)).map(|job| PutTarget::Job(Box::new(job)));
    PutSchedule {
        cron: Some(form.get("cron").to_owned()),
        time_zone: Some(form.word("time_zone").unwrap_or("UTC").to_owned()),
        misfire: form.word("misfire").map(str::to_owned),
        catch_up: form.whole_number("catch_up", "The maximum", errors),
        overlap: form.word("overlap").map(str::to_owned),
        jitter: Some(jitter.flatten().unwrap_or(HumanDuration(std::time::Duration::ZERO))),
        target,
        ..PutSchedule::default()
    }
}

/// The job. Fields that the form does not have keep their values.
fn job(form: &Form, before: Option<&Schedule>, errors: &mut Vec<FieldError>) -> CreateJob {
    let kept = before.and_then(|it| match &it.plan.target {
        Target::Job(job) => Some(crate::web::api::jobs::convert::create_request(job)),
        Target::Project(_) | Target::Workflow(_) => None,
    });
    let payload = match payload(&form.lines("payload")) {
        Ok(payload) => payload,
        Err(error) => {
            errors.push(error);
            None
        }
    };
    CreateJob {
        kind: form.get("kind").trim().to_owned(),
        queue: form.word("queue").map(str::to_owned),
        priority: form.whole_number("priority", "The priority", errors),
        payload,
        // The payload may have changed, so the schema is chosen again.
        schema_version: None,
        ..kept.unwrap_or_default()
    }
}

/// The form field of a request field.
fn field(name: &str) -> &'static str {
    match name.trim_start_matches("target.job.") {
        "name" => "schedule_name",
        "cron" | "every" => "cron",
        "time_zone" => "time_zone",
        "misfire" => "misfire",
        "catch_up" => "catch_up",
        "overlap" => "overlap",
        "jitter" => "jitter",
        "kind" => "kind",
        "queue" => "queue",
        "priority" => "priority",
        _ => "payload",
    }
}

fn rejected(form: &Form, before: Option<&Schedule>, of_job: bool, errors: Vec<FieldError>) -> ScheduleForm {
    let text = |name: &str| form.get(name).to_owned();
    let rejected = ScheduleForm {
        editing: before.map(|it| it.plan.name.clone()),
        of_job,
        schedule_name: text("schedule_name"),
        cron: text("cron"),
        time_zone: text("time_zone"),
        kind: text("kind"),
        queue: text("queue"),
        priority: text("priority"),
        payload: form.lines("payload"),
        catch_up: text("catch_up"),
        jitter: text("jitter"),
        reason: text("reason"),
        errors,
        ..ScheduleForm::default()
    };
    choices(rejected, form.get("misfire"), form.get("overlap"))
}

fn choices(form: ScheduleForm, misfire: &str, overlap: &str) -> ScheduleForm {
    ScheduleForm {
        misfires: MISFIRES.iter().map(|(it, label)| Choice::new(it.as_str(), *label, misfire)).collect(),
        overlaps: OVERLAPS.iter().map(|(it, label)| Choice::new(it.as_str(), *label, overlap)).collect(),
        ..form
    }
}
