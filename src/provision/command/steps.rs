//! The steps of an operation that programs perform.

use super::outputs::{MAX_STDOUT, Printed};
use super::settings::Verb;
use super::{Programs, input};
use crate::domain::OperationKind;
use crate::program::{Ended, Invocation, Program, Stdout};
use crate::provision::step::Session;
use crate::provision::{Failure, Observed, Output, RecordError, Recorder, RunAccess, Step, StepFuture, Work};
use crate::secrets::SensitiveText;
use crate::signal::Stop;

/// Exit codes of `observe` besides 0. Any other code is a failure of the look.
pub const CHANGED: i32 = 2;
pub const MISSING: i32 = 3;

/// Runs the programs of one attempt.
pub struct Runner<'a> {
    pub programs: &'a Programs,
    pub work: &'a Work,
    pub recorder: &'a dyn Recorder,
    /// What earlier operations and steps have produced.
    pub outputs: Output,
}

impl Session for Runner<'_> {
    fn recall(&mut self, output: &Output) {
        self.outputs.extend(output.clone());
    }
}

impl Runner<'_> {
    /// Runs a program to its end. An undo is not interrupted: it is itself what follows a stop.
    async fn run(&self, verb: Verb, program: &Program, is_undo: bool) -> Result<Ended, Failure> {
        let work = self.work;
        let secrets = self.secrets(is_undo).await?;
        let stdin = input::text(work, verb, is_undo, &self.outputs, &secrets)?;
        let mut variables = vec![
            ("PROVOST_CONFIG_DIR", self.programs.folder.display().to_string()),
            ("PROVOST_PROJECT_ID", work.project_id.to_string()),
            ("PROVOST_EXECUTION_ID", work.execution_id.to_string()),
            ("PROVOST_ATTEMPT", work.attempt.to_string()),
        ];
        variables.extend(self.recorder.run_access().await?.iter().flat_map(|it| terraform(work, it)));
        let never = Stop::new();
        let run = Invocation {
            stdin: stdin.reveal(),
            inputs: None,
            variables,
            stdout: Stdout::Keep(MAX_STDOUT),
            log: &work.log,
            stop: if is_undo { &never } else { &work.stop },
        };
        let ended = program.run(run).await;
        ended.map_err(|error| Failure::retryable("program_failed", format!("{}: {error}", verb.as_str())))
    }

    /// The secret outputs so far. Where a program can do without, one whose key is lost counts as none.
    async fn secrets(&self, is_undo: bool) -> Result<Vec<(&str, SensitiveText)>, Failure> {
        let mut secrets = Vec::new();
        for name in self.programs.shape.secrets() {
            match self.recorder.secret(name).await {
                Err(RecordError::Unreadable(why)) if is_undo || can_do_without_secrets(self.work.operation) => {
                    self.work.log.note(format!("the program runs without the secret {name}: {why}"));
                }
                found => secrets.extend(found?.map(|value| (name, value))),
            }
        }
        Ok(secrets)
    }

    /// What a program without success means.
    fn failure(&self, verb: Verb, ended: &Ended, is_undo: bool) -> Failure {
        let message = format!("{}: {}", verb.as_str(), ended.reason());
        if self.work.stop.is_cancelled() && !is_undo {
            Failure::retryable(Failure::CANCELED, message)
        } else if ended.code().is_some_and(|code| self.programs.refuse_on.contains(&code)) {
            Failure::permanent("program_refused", message)
        } else {
            Failure::retryable("program_failed", message)
        }
    }

    /// Stores the secrets that a program printed, and returns its other outputs.
    async fn accept(&self, ended: &Ended, is_complete: bool) -> Result<Output, Failure> {
        let stdout = ended.stdout.as_ref().map(|it| it.as_slice());
        let Printed { plain, secrets } = self.programs.shape.read(stdout, is_complete)?;
        for (name, value) in secrets {
            let (stored, is_stored) = match self.recorder.secret(&name).await {
                Err(RecordError::Unreadable(_)) => (None, true),
                found => found.map(|it| (it.clone(), it.is_some()))?,
            };
            if stored.is_some_and(|it| it.reveal() == value.reveal()) {
                continue;
            }
            if is_stored {
                self.recorder.forget_secret(&name).await?;
            }
            self.recorder.store_secret(&name, &value).await?;
        }
        Ok(plain)
    }

    /// Looks whether the resource is as it should be. `None` if the template has no program for that.
    pub async fn look(&self) -> Result<Option<(i32, Ended)>, Failure> {
        let Some(program) = self.programs.get(Verb::Observe) else { return Ok(None) };
        let ended = self.run(Verb::Observe, program, false).await?;
        match ended.code() {
            Some(code @ (0 | CHANGED | MISSING)) => Ok(Some((code, ended))),
            _ => Err(self.failure(Verb::Observe, &ended, false)),
        }
    }
}

/// The settings of Terraform's state backend `http`. Without a right to write there is nothing to lock.
fn terraform(work: &Work, access: &RunAccess) -> Vec<(&'static str, String)> {
    let state = format!("{}/projects/{}/terraform/state", access.address.trim_end_matches('/'), work.project_id);
    let mut all = vec![
        ("TF_HTTP_ADDRESS", state.clone()),
        ("TF_HTTP_USERNAME", access.user.clone()),
        ("TF_HTTP_PASSWORD", access.token.reveal().to_owned()),
        ("TF_IN_AUTOMATION", "1".to_owned()),
    ];
    if access.may_write {
        all.extend([
            ("TF_HTTP_LOCK_ADDRESS", state.clone()),
            ("TF_HTTP_UNLOCK_ADDRESS", state),
            ("TF_HTTP_LOCK_METHOD", "LOCK".to_owned()),
            ("TF_HTTP_UNLOCK_METHOD", "UNLOCK".to_owned()),
        ]);
    }
    all
}

/// Whether programs of an operation run although the key of a secret is lost: they remove, replace or block what the secret belongs to.
/// Another program could take the lack of the secret for a reason to make the resource again.
const fn can_do_without_secrets(operation: OperationKind) -> bool {
    match operation {
        OperationKind::Delete
        | OperationKind::Rotate
        | OperationKind::Pause
        | OperationKind::Resume
        | OperationKind::Retire
        | OperationKind::Restore => true,
        OperationKind::Create | OperationKind::Clone | OperationKind::Adopt | OperationKind::Update => false,
    }
}

/// Runs the program of the operation.
pub struct Run(pub Verb);

impl Run {
    /// Whether the program must print every output, because there are no earlier ones.
    fn is_complete(&self) -> bool {
        matches!(self.0, Verb::Provision | Verb::Clone)
    }
}

impl<'a> Step<Runner<'a>> for Run {
    fn name(&self) -> &'static str {
        self.0.as_str()
    }

    fn observe<'s>(&'s self, runner: &'s mut Runner<'a>) -> StepFuture<'s, Observed> {
        Box::pin(async {
            // `observe` compares with the parameters. These do not say whether a credential was replaced or access is blocked.
            if !matches!(self.0, Verb::Provision | Verb::Clone | Verb::Update) {
                return Ok(Observed::Missing);
            }
            match runner.look().await? {
                Some((0, ended)) => Ok(Observed::Done(runner.accept(&ended, self.is_complete()).await?)),
                _ => Ok(Observed::Missing),
            }
        })
    }

    fn act<'s>(&'s self, runner: &'s mut Runner<'a>) -> StepFuture<'s, Output> {
        Box::pin(async {
            let Some(program) = runner.programs.get(self.0) else { return Ok(Output::new()) };
            let ended = runner.run(self.0, program, false).await?;
            match ended.code() {
                Some(0) => runner.accept(&ended, self.is_complete()).await,
                _ => Err(runner.failure(self.0, &ended, false)),
            }
        })
    }

    fn undo<'s>(&'s self, runner: &'s mut Runner<'a>) -> StepFuture<'s, ()> {
        Box::pin(async {
            let undo = match runner.work.operation {
                OperationKind::Create | OperationKind::Clone => Verb::Deprovision,
                OperationKind::Pause | OperationKind::Retire if runner.work.opens => Verb::Resume,
                _ => return Ok(()),
            };
            let Some(program) = runner.programs.get(undo) else { return Ok(()) };
            let ended = runner.run(undo, program, true).await?;
            match ended.code() {
                Some(0) => Ok(()),
                _ => Err(runner.failure(undo, &ended, true)),
            }
        })
    }
}

/// Looks whether the resource is gone, after the program has removed it.
pub struct VerifyGone;

impl<'a> Step<Runner<'a>> for VerifyGone {
    fn name(&self) -> &'static str {
        "verify_gone"
    }

    fn act<'s>(&'s self, runner: &'s mut Runner<'a>) -> StepFuture<'s, Output> {
        Box::pin(async {
            match runner.look().await? {
                Some((MISSING, _)) | None => Ok(Output::new()),
                Some((code, _)) => {
                    let message = format!(
                        "the resource still exists: after deprovision, observe must end with exit code {MISSING}; it was {code}"
                    );
                    Err(Failure::retryable("still_exists", message))
                }
            }
        })
    }
}
