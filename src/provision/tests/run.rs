//! What the runner does when steps fail, are interrupted, or are repeated.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::memory::{MemoryRecorder, work};
use crate::domain::{OperationKind, Outcome, StepState};
use crate::provision::run::run;
use crate::provision::step::{NoSession, Steps};
use crate::provision::{
    Attempt, Failure, Observed, Output, Provisioner, Recorder, Step, StepFuture, StopRequest, Work,
};
use crate::template::OnFailure;

const NAMES: [&str; 4] = ["reach", "role", "database", "verify"];

/// A world of things that steps make, with the failures that it has.
#[derive(Default)]
struct World {
    things: Mutex<BTreeSet<&'static str>>,
    acts: Mutex<Vec<&'static str>>,
    /// The step that fails, and whether a retry may help.
    fails: Option<(&'static str, bool)>,
    undo_fails: Option<&'static str>,
}

impl World {
    fn things(&self) -> Vec<&'static str> {
        self.things.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    fn acts(&self) -> Vec<&'static str> {
        self.acts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Make<'a>(&'a World, &'static str);

impl Step<NoSession> for Make<'_> {
    fn name(&self) -> &'static str {
        self.1
    }

    fn observe<'a>(&'a self, _: &'a mut NoSession) -> StepFuture<'a, Observed> {
        let is_made = self.0.things().contains(&self.1);
        Box::pin(async move { Ok(if is_made { Observed::Done(Output::new()) } else { Observed::Missing }) })
    }

    fn act<'a>(&'a self, _: &'a mut NoSession) -> StepFuture<'a, Output> {
        Box::pin(async {
            self.0.acts.lock().unwrap().push(self.1);
            if let Some((_, is_retryable)) = self.0.fails.filter(|(name, _)| *name == self.1) {
                return Err(Failure { code: "broken".into(), message: format!("{} is broken", self.1), is_retryable });
            }
            self.0.things.lock().unwrap().insert(self.1);
            Ok(Output::from([(self.1.to_owned(), serde_json::json!(true))]))
        })
    }

    fn undo<'a>(&'a self, _: &'a mut NoSession) -> StepFuture<'a, ()> {
        Box::pin(async {
            if self.0.undo_fails == Some(self.1) {
                return Err(Failure::retryable("stuck", format!("{} cannot be removed", self.1)));
            }
            self.0.things.lock().unwrap().remove(self.1);
            Ok(())
        })
    }
}

impl Provisioner for World {
    fn begin<'a>(&'a self, _: &'a Work, _: &'a dyn Recorder) -> Result<Box<dyn Attempt + 'a>, Failure> {
        let step = |name: &&'static str| Box::new(Make(self, name)) as Box<dyn Step<NoSession> + 'a>;
        Ok(Box::new(Steps { session: NoSession, steps: NAMES.iter().map(step).collect() }))
    }
}

async fn attempt(world: &World, recorder: &MemoryRecorder, is_last: bool, on_failure: OnFailure) -> Option<Outcome> {
    let work = Work { is_last, ..work(OperationKind::Create, "{}") };
    run(world, &work, on_failure, recorder).await
}

#[tokio::test]
async fn every_step_is_recorded_before_and_after_it_acts() {
    let (world, recorder) = (World::default(), MemoryRecorder::default());
    let outcome = attempt(&world, &recorder, false, OnFailure::Undo).await.unwrap();
    assert!(matches!(outcome, Outcome::Done { result: Some(_), .. }));
    let changes: Vec<String> =
        NAMES.iter().flat_map(|name| [format!("{name} running"), format!("{name} done")]).collect();
    assert_eq!(recorder.state().changes, changes);
}

#[tokio::test]
async fn attempt_resumes_at_the_first_step_that_is_not_done() {
    for at in NAMES {
        let recorder = MemoryRecorder::default();
        let broken = World { fails: Some((at, true)), ..World::default() };
        let failed = attempt(&broken, &recorder, false, OnFailure::Undo).await.unwrap();
        assert_eq!(failed, Outcome::failed(format!("{at} is broken")));
        let mended = World { things: broken.things, ..World::default() };
        assert!(matches!(attempt(&mended, &recorder, false, OnFailure::Undo).await, Some(Outcome::Done { .. })));
        let first = NAMES.iter().position(|name| *name == at).unwrap();
        assert_eq!(mended.acts(), NAMES[first..], "{at}");
    }
}

#[tokio::test]
async fn final_failure_is_undone_in_reverse_if_the_template_says_so() {
    for at in NAMES {
        for (is_retryable, is_last) in [(false, false), (true, true)] {
            for on_failure in [OnFailure::Undo, OnFailure::Keep] {
                let (world, recorder) =
                    (World { fails: Some((at, is_retryable)), ..World::default() }, MemoryRecorder::default());
                let outcome = attempt(&world, &recorder, is_last, on_failure).await.unwrap();
                assert_eq!(outcome, Outcome::fatal(format!("{at} is broken")));
                let first = NAMES.iter().position(|name| *name == at).unwrap();
                let kept = if on_failure == OnFailure::Keep { first } else { 0 };
                assert_eq!(world.things().len(), kept, "{at}");
                let undone: Vec<String> =
                    recorder.state().changes.iter().filter(|it| it.ends_with(" undone")).cloned().collect();
                let mut expected: Vec<String> = NAMES[..=first].iter().map(|name| format!("{name} undone")).collect();
                expected.reverse();
                assert_eq!(undone, if on_failure == OnFailure::Undo { expected } else { Vec::new() }, "{at}");
            }
        }
    }
}

/// A lease can be lost after any record. The next attempt must come to the same end.
#[tokio::test]
async fn attempt_can_end_after_every_record() {
    for fails in [None, Some(("database", false))] {
        for n in 0..20 {
            let (world, recorder) = (World { fails, ..World::default() }, MemoryRecorder::default());
            recorder.state().lose_after = Some(n);
            let first = attempt(&world, &recorder, false, OnFailure::Undo).await;
            recorder.state().lose_after = None;
            let last = match first {
                Some(outcome) => outcome,
                None => attempt(&world, &recorder, false, OnFailure::Undo).await.unwrap(),
            };
            match fails {
                None => {
                    assert_eq!((matches!(last, Outcome::Done { .. }), world.things().len()), (true, NAMES.len()), "{n}")
                }
                Some(_) => assert_eq!((last, world.things()), (Outcome::fatal("database is broken"), vec![]), "{n}"),
            }
        }
    }
}

#[tokio::test]
async fn stop_request_is_heard_before_the_next_step() {
    let (world, recorder) = (World::default(), MemoryRecorder::default());
    recorder.state().stop = Some(StopRequest::Delete);
    let outcome = attempt(&world, &recorder, false, OnFailure::Undo).await.unwrap();
    assert!(matches!(outcome, Outcome::Canceled { .. }));
    assert_eq!((world.acts(), world.things()), (vec![], vec![]));
    assert_eq!(recorder.state().changes, ["reach running", "reach skipped"]);
}

#[tokio::test]
async fn failed_undo_is_recorded_and_continued() {
    let recorder = MemoryRecorder::default();
    let stuck = World { fails: Some(("verify", false)), undo_fails: Some("role"), ..World::default() };
    for is_last in [false, true] {
        let outcome = attempt(&stuck, &recorder, is_last, OnFailure::Undo).await.unwrap();
        let message = "undoing failed: role cannot be removed";
        assert_eq!(outcome, if is_last { Outcome::fatal(message) } else { Outcome::failed(message) });
    }
    assert_eq!(recorder.state().steps[&1].state, StepState::UndoFailed);
    assert_eq!(stuck.things(), ["reach", "role"]);
    let free = World { things: stuck.things, ..World::default() };
    let outcome = attempt(&free, &recorder, false, OnFailure::Undo).await.unwrap();
    assert_eq!((outcome, free.things()), (Outcome::fatal("verify is broken"), vec![]));
}

/// A step whose undoing is skipped stays, and the steps before it are undone.
#[tokio::test]
async fn skipped_undo_continues_with_the_step_before() {
    let recorder = MemoryRecorder::default();
    let stuck = World { fails: Some(("verify", false)), undo_fails: Some("role"), ..World::default() };
    attempt(&stuck, &recorder, true, OnFailure::Undo).await.unwrap();
    recorder.state().steps.get_mut(&1).unwrap().state = StepState::UndoSkipped;
    let outcome = attempt(&stuck, &recorder, true, OnFailure::Undo).await.unwrap();
    assert_eq!((outcome, stuck.things()), (Outcome::fatal("verify is broken"), vec!["role"]));
}

/// The attempt that hears of the stop ends before it undoes. What an earlier attempt has begun is still undone.
#[tokio::test]
async fn stop_does_not_hide_what_an_earlier_attempt_began() {
    let recorder = MemoryRecorder::default();
    let world = World { fails: Some(("database", true)), ..World::default() };
    attempt(&world, &recorder, false, OnFailure::Undo).await.unwrap();
    world.things.lock().unwrap().insert("database");
    recorder.state().stop = Some(StopRequest::Cancel);
    let n = recorder.state().changes.len();
    recorder.state().lose_after = Some(n + 2);
    assert_eq!(attempt(&world, &recorder, false, OnFailure::Undo).await, None);
    recorder.state().lose_after = None;
    let outcome = attempt(&world, &recorder, false, OnFailure::Undo).await.unwrap();
    assert!(matches!(outcome, Outcome::Canceled { .. }), "{outcome:?}");
    assert_eq!(world.things(), Vec::<&str>::new());
}

/// Cannot begin.
struct Refusing;

impl Provisioner for Refusing {
    fn begin<'a>(&'a self, _: &'a Work, _: &'a dyn Recorder) -> Result<Box<dyn Attempt + 'a>, Failure> {
        Err(Failure::retryable("not_here", "this worker cannot do it"))
    }
}

#[tokio::test]
async fn attempt_that_cannot_begin_records_why_and_nothing_else() {
    let recorder = MemoryRecorder::default();
    let work = work(OperationKind::Create, "{}");
    let refused = async |recorder| run(&Refusing, &work, OnFailure::Undo, recorder).await;
    assert_eq!(refused(&recorder).await, Some(Outcome::failed("this worker cannot do it")));
    let step = recorder.state().steps[&0].clone();
    assert_eq!((step.state, step.failure.unwrap().code.as_str()), (StepState::Skipped, "not_here"));
    // Another worker begins in its place, and gets stuck.
    let broken = World { fails: Some(("database", true)), ..World::default() };
    attempt(&broken, &recorder, false, OnFailure::Undo).await.unwrap();
    let n = recorder.state().changes.len();
    assert_eq!(refused(&recorder).await, Some(Outcome::failed("this worker cannot do it")));
    assert_eq!(recorder.state().changes.len(), n, "what was begun stays recorded as such");
    assert_eq!(recorder.state().steps[&2].failure.as_ref().unwrap().code, "broken");
}
