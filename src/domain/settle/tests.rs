use super::*;

fn budget(failures: u32, max_attempts: u32) -> Budget {
    Budget { failures, max_attempts, backoff: Backoff::default() }
}

const NINE: Duration = Duration::from_secs(9);

fn failure() -> Outcome {
    Outcome::failed("no quota")
}

#[test]
fn outcome_and_budget_decide_the_settlement() {
    let cases = [
        (Outcome::done(), 0, JobState::Completed, "completed", false),
        (failure(), 0, JobState::Retrying, "failed", true),
        (failure(), 1, JobState::Retrying, "failed", true),
        (failure(), 2, JobState::Failed, "failed", true),
        (Outcome::fatal("no quota"), 0, JobState::Failed, "failed", true),
        (Outcome::TimedOut { after: Some(NINE) }, 1, JobState::Retrying, "timed_out", true),
        (Outcome::TimedOut { after: Some(NINE) }, 2, JobState::Failed, "timed_out", true),
        (Outcome::Snooze { after: NINE }, 2, JobState::Scheduled, "snoozed", false),
        (Outcome::Released, 2, JobState::Queued, "released", false),
        (Outcome::Canceled { reason: "not needed".into() }, 2, JobState::Canceled, "canceled", false),
    ];
    for (outcome, failures, state, word, counts) in cases {
        let settled = settle(outcome.clone(), budget(failures, 3), 0.5);
        let actual = (settled.state, settled.outcome, settled.counts_as_failure);
        assert_eq!(actual, (state, word, counts), "{outcome:?} after {failures}");
        assert_eq!((outcome.word(), outcome.error()), (settled.outcome, settled.error));
    }
}

#[test]
fn reason_is_made_printable() {
    assert_eq!(printable("  a\0b\u{1b}[31m\nc "), "a b [31m c");
    assert_eq!(printable(" \n"), "failed without a reason");
    assert_eq!(printable(&"x".repeat(5000)).len(), MAX_REASON);
}

#[test]
fn settlement_records_the_reason() {
    let why = |outcome| settle(outcome, budget(0, 3), 0.5).error.unwrap_or_default();
    assert_eq!(why(failure()), "no quota");
    assert_eq!(why(Outcome::TimedOut { after: Some(Duration::from_secs(30)) }), "timed out after 30s");
    assert_eq!(why(Outcome::TimedOut { after: Some(Duration::from_millis(1500)) }), "timed out after 1.5s");
    assert_eq!(why(Outcome::TimedOut { after: None }), "timed out");
    assert_eq!(why(Outcome::Canceled { reason: "not needed".into() }), "not needed");
    assert_eq!(why(Outcome::done()), "");
}

#[test]
fn failure_waits_and_release_keeps_its_place() {
    assert_eq!(settle(Outcome::Released, budget(0, 3), 1.0).delay, Duration::ZERO);
    assert!(settle(failure(), budget(0, 3), 1.0).delay > Duration::ZERO);
    assert!(settle(Outcome::TimedOut { after: Some(NINE) }, budget(0, 3), 1.0).delay > Duration::ZERO);
    assert_eq!(settle(Outcome::Snooze { after: NINE }, budget(0, 3), 0.0).delay, NINE);
}

#[test]
fn retry_after_sets_the_delay_but_not_the_budget() {
    let busy = || Outcome::Failed { reason: "busy".into(), retry_after: Some(NINE), next: Vec::new() };
    assert_eq!(settle(busy(), budget(0, 3), 0.0).delay, NINE);
    let last = settle(busy(), budget(2, 3), 0.0);
    assert_eq!((last.state, last.delay), (JobState::Failed, Duration::ZERO));
}

#[test]
fn follow_ups_start_only_with_the_final_outcome() {
    let next = || vec![FollowUp(r#"{"kind":"noop"}"#.into())];
    let failure = || Outcome::Failed { reason: "no".into(), retry_after: None, next: next() };
    let cases = [
        (Outcome::Done { result: None, next: next() }, 0, 1),
        (failure(), 0, 0),
        (failure(), 2, 1),
        (Outcome::Fatal { reason: "no".into(), next: next() }, 0, 1),
    ];
    for (outcome, failures, follow) in cases {
        let settled = settle(outcome.clone(), budget(failures, 3), 0.5);
        assert_eq!(settled.next.len(), follow, "{outcome:?} after {failures}");
    }
}

#[test]
fn result_is_kept_byte_for_byte() {
    let result = Some(r#"{"n": 12345678901234567890123}"#.to_owned());
    let settled = settle(Outcome::Done { result: result.clone(), next: Vec::new() }, budget(0, 3), 0.5);
    assert_eq!(settled.result, result);
}
