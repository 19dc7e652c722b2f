//! Steps: the parts of an operation, each with `observe`, `act` and `undo`.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use serde_json::Value;

use super::Failure;

/// The future result of a part of a step.
pub type StepFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// What a step produces, by name: recorded with the step, and shown to users. It must not contain secrets.
pub type Output = BTreeMap<String, Value>;

/// What `observe` found.
#[derive(Clone, Debug, PartialEq)]
pub enum Observed {
    /// Everything is as this step leaves it; it does not have to act.
    Done(Output),
    /// The step has to act.
    Missing,
}

impl Observed {
    /// Done without an output, if so.
    pub fn done_if(is_done: bool) -> Self {
        if is_done { Self::Done(Output::new()) } else { Self::Missing }
    }
}

/// One step on a session of type `S`.
///
/// Every part must be idempotent, and must work in a session that no earlier step has used. An attempt can end at any point, and the next one starts with `observe`, perhaps while effects of
/// the earlier one are still on their way.
pub trait Step<S>: Send + Sync {
    /// A short name such as `database`. It is stored, so it never changes.
    fn name(&self) -> &'static str;

    /// Whether `act` may be dropped at any point when the operation is to stop. Otherwise the operation stops after the step.
    fn can_be_interrupted(&self) -> bool {
        false
    }

    /// Looks whether there is anything to do. Changes nothing. Without a look, the step always acts.
    fn observe<'a>(&'a self, session: &'a mut S) -> StepFuture<'a, Observed> {
        _ = session;
        Box::pin(async { Ok(Observed::Missing) })
    }

    /// Does the work.
    fn act<'a>(&'a self, session: &'a mut S) -> StepFuture<'a, Output>;

    /// Removes what `act` has made. Absent is success.
    fn undo<'a>(&'a self, session: &'a mut S) -> StepFuture<'a, ()> {
        _ = session;
        Box::pin(async { Ok(()) })
    }
}

/// The steps of one attempt, without the type of their session. The parameter is the position of a step.
pub trait Attempt: Send {
    /// The names of the steps, in order.
    fn names(&self) -> Vec<&'static str>;
    fn can_be_interrupted(&self, position: usize) -> bool;
    fn observe(&mut self, position: usize) -> StepFuture<'_, Observed>;
    fn act(&mut self, position: usize) -> StepFuture<'_, Output>;
    fn undo(&mut self, position: usize) -> StepFuture<'_, ()>;
    /// Passes on what a step produced in an earlier attempt.
    fn recall(&mut self, output: &Output);
}

/// A session that can be told what earlier steps produced.
pub trait Session: Send {
    fn recall(&mut self, output: &Output) {
        _ = output;
    }
}

/// For steps that need none.
pub struct NoSession;

impl Session for NoSession {}

/// Steps together with their session.
pub struct Steps<'a, S> {
    pub session: S,
    pub steps: Vec<Box<dyn Step<S> + 'a>>,
}

impl<S: Session> Attempt for Steps<'_, S> {
    fn names(&self) -> Vec<&'static str> {
        self.steps.iter().map(|step| step.name()).collect()
    }

    fn can_be_interrupted(&self, position: usize) -> bool {
        self.steps.get(position).is_some_and(|step| step.can_be_interrupted())
    }

    fn observe(&mut self, position: usize) -> StepFuture<'_, Observed> {
        match self.steps.get(position) {
            Some(step) => step.observe(&mut self.session),
            None => Box::pin(async { Ok(Observed::Done(Output::new())) }),
        }
    }

    fn act(&mut self, position: usize) -> StepFuture<'_, Output> {
        match self.steps.get(position) {
            Some(step) => step.act(&mut self.session),
            None => Box::pin(async { Ok(Output::new()) }),
        }
    }

    fn undo(&mut self, position: usize) -> StepFuture<'_, ()> {
        match self.steps.get(position) {
            Some(step) => step.undo(&mut self.session),
            None => Box::pin(async { Ok(()) }),
        }
    }

    fn recall(&mut self, output: &Output) {
        self.session.recall(output);
    }
}
