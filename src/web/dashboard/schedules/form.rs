//! The form of a schedule: what was typed, checked and put.

use crate::domain::schedule::{Misfire, Overlap, ScheduleDefinition, Target};
use crate::store::schedules::Schedule;
use crate::web::api::audit;
use crate::web::api::jobs::convert::create_request;
use crate::web::api::schedules::plan::{Edit, checked_name, save_schedule};
use crate::web::app::App;
use crate::web::dashboard::jobs::enqueue::payload;
use crate::web::dashboard::projects::list::ACTOR;
use crate::web::dashboard::queues::actions::whole;
use crate::web::dashboard::schedules::view::ScheduleForm;
use crate::web::dashboard::ui::form::{Form, mistake, mistakes};
use crate::web::dashboard::ui::layout_view::FieldError;
use crate::web::dashboard::ui::parts::Choice;
use crate::web::error::ApiError;
use crate::wire::CreateJob;
use crate::wire::PutSchedule;
use crate::wire::duration::HumanDuration;
use crate::wire::schedule::PutTarget;

const MISFIRES: [(Misfire, &str); 3] = [
    (Misfire::Latest, "start the latest of it"),
    (Misfire::All, "start all of it, up to a number"),
    (Misfire::Skip, "start nothing of it"),
];
const OVERLAPS: [(Overlap, &str); 2] = [(Overlap::Allow, "start the next beside it"), (Overlap::Skip, "skip the next")];

/// An empty form.
pub fn blank() -> ScheduleForm {
    choices(ScheduleForm { of_job: true, ..ScheduleForm::default() }, Misfire::Latest.as_str(), Overlap::Allow.as_str())
}

/// The form of a schedule that is there.
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

/// Puts what the form says, as a new schedule or in the place of one; its name, or the form with what was wrong.
pub async fn save(app: &App, form: &Form, before: Option<&Schedule>) -> Result<Result<String, ScheduleForm>, ApiError> {
    let of_job = before.is_none_or(|it| matches!(it.plan.target, Target::Job(_)));
    let mut errors = Vec::new();
    let wish = wish(form, before, of_job, &mut errors);
    let name = match before {
        Some(before) => Some(before.plan.name.clone()),
        None => match checked_name(Some(form.get("schedule_name").to_owned())) {
            Ok(name) => Some(name),
            Err(error) => {
                errors.extend(mistakes(error, field)?);
                None
            }
        },
    };
    if let (Some(name), None) = (&name, before)
        // One that cannot be read can only be put anew.
        && app.store.list_schedules(Some(name)).await?.iter().any(Result::is_ok)
    {
        errors.push(mistake(
            "schedule_name",
            "There is a schedule of this name already: change that one, or choose another name.",
        ));
    }
    let (Some(name), true) = (name, errors.is_empty()) else { return Ok(Err(typed(form, before, of_job, errors))) };
    let audit = audit::audit(ACTOR, form.word("reason").map(str::to_owned))?;
    let edit = if before.is_some() { Edit::Change { version: None } } else { Edit::Replace };
    match save_schedule(app, &name, &wish, edit, &audit).await {
        Ok(_) => Ok(Ok(name)),
        Err(error) => Ok(Err(typed(form, before, of_job, mistakes(error, field)?))),
    }
}

fn wish(form: &Form, before: Option<&Schedule>, of_job: bool, errors: &mut Vec<FieldError>) -> PutSchedule {
    if form.get("reason").chars().count() > 500 {
        errors.push(mistake("reason", "The reason must have at most 500 characters."));
    }
    let jitter = form.word("jitter").map(HumanDuration::parse);
    if jitter == Some(None) {
        errors.push(mistake("jitter", "The jitter must be a duration like 30s or 5m."));
    }
    let target = of_job.then(|| job(form, before, errors)).map(|job| PutTarget::Job(Box::new(job)));
    PutSchedule {
        cron: Some(form.get("cron").to_owned()),
        time_zone: Some(form.word("time_zone").unwrap_or("UTC").to_owned()),
        misfire: form.word("misfire").map(str::to_owned),
        catch_up: whole(form, "catch_up", "The number", errors),
        overlap: form.word("overlap").map(str::to_owned),
        jitter: Some(jitter.flatten().unwrap_or(HumanDuration(std::time::Duration::ZERO))),
        target,
        ..PutSchedule::default()
    }
}

/// The job, with everything that this form does not ask for as it was.
fn job(form: &Form, before: Option<&Schedule>, errors: &mut Vec<FieldError>) -> CreateJob {
    let kept = before.and_then(|it| match &it.plan.target {
        Target::Job(job) => Some(create_request(job)),
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
        priority: whole(form, "priority", "The priority", errors),
        payload,
        // A schema is chosen anew for what may be another payload.
        schema_version: None,
        ..kept.unwrap_or_default()
    }
}

/// What a part of the request is called on the form.
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

fn typed(form: &Form, before: Option<&Schedule>, of_job: bool, errors: Vec<FieldError>) -> ScheduleForm {
    let text = |name: &str| form.get(name).to_owned();
    let typed = ScheduleForm {
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
    choices(typed, form.get("misfire"), form.get("overlap"))
}

fn choices(form: ScheduleForm, misfire: &str, overlap: &str) -> ScheduleForm {
    let choice = |value: &str, label: &str, chosen: &str| Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        selected: value == chosen,
    };
    ScheduleForm {
        misfires: MISFIRES.iter().map(|(it, label)| choice(it.as_str(), label, misfire)).collect(),
        overlaps: OVERLAPS.iter().map(|(it, label)| choice(it.as_str(), label, overlap)).collect(),
        ..form
    }
}
