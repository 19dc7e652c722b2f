//! The processes that use this database, and what they lack together.

use std::time::Duration;

use super::row::row;
use super::sql::{PROCESSES_FLEET, PROCESSES_HEARTBEAT, PROCESSES_LEAVE};
use super::{Store, StoreError};

/// A process, as it registers itself.
#[derive(Clone, Debug)]
pub struct Process {
    /// New with every start of the process.
    pub id: String,
    pub host: String,
    pub pid: i32,
    pub version: String,
    pub roles: Vec<&'static str>,
}

row! {
    /// All processes together.
    #[derive(Clone, Debug)]
    pub struct Fleet {
        /// Processes with the role scheduler.
        pub schedulers: i64,
        /// Queues in which something is due that no worker runs.
        pub unserved_queues: Vec<String>,
    }
}

impl Store {
    /// `processes/heartbeat`: registers the process, or renews its registration.
    pub async fn heartbeat_process(&self, process: &Process) -> Result<(), StoreError> {
        let Process { id, host, pid, version, roles } = process;
        self.execute(&PROCESSES_HEARTBEAT, &[id, host, pid, version, roles]).await
    }

    /// `processes/leave`.
    pub async fn leave_process(&self, id: &str) -> Result<(), StoreError> {
        self.execute(&PROCESSES_LEAVE, &[&id]).await
    }

    /// `processes/fleet`. A process or worker without a heartbeat for that long does not count; something must have been due for
    /// `overdue`.
    pub async fn fleet(&self, process: Duration, worker: Duration, overdue: Duration) -> Result<Fleet, StoreError> {
        let ages = [process, worker, overdue].map(|it| it.as_secs_f64());
        self.fetch_one(&PROCESSES_FLEET, &[&ages[0], &ages[1], &ages[2]]).await
    }
}
