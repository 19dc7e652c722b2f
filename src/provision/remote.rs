//! Templates that workers elsewhere serve, over HTTP. This process only keeps the record.

use super::inspect::{InspectFuture, Inspection, Secrets};
use super::{Attempt, Failure, Provisioner, Recorder, Work};

/// The name of this provisioner in templates.
pub const NAME: &str = "remote";

/// Performs nothing: a template with this provisioner has a queue that this process does not serve.
pub struct Remote;

impl Provisioner for Remote {
    fn begin<'a>(&'a self, work: &'a Work, _: &'a dyn Recorder) -> Result<Box<dyn Attempt + 'a>, Failure> {
        let message = format!(
            "the template {} is served by workers elsewhere, but this worker has claimed the job: exclude the queue from its PROVOST_WORKER_QUEUES",
            work.template
        );
        Err(Failure::retryable("served_elsewhere", message))
    }

    /// Only a worker with a database and with programs for the template can look.
    fn inspect<'a>(&'a self, work: &'a Work, _: bool, _: &'a dyn Secrets) -> InspectFuture<'a, Inspection> {
        let message = format!("the template {} is served by workers elsewhere", work.template);
        Box::pin(async { Err(Failure::retryable(Failure::NO_PROGRAM, message)) })
    }
}
