//! States of queues and workers, and kinds of limits.

use super::string_enum;

string_enum! {
    /// Whether jobs of a queue can be claimed and enqueued.
    QueueState {
        /// Claims and enqueues.
        Active = "active",
        /// Enqueues only; new jobs wait.
        Paused = "paused",
        /// Claims only; enqueueing is refused.
        Draining = "draining",
    }
}

string_enum! {
    /// Whether a worker claims jobs.
    WorkerState {
        Online = "online",
        /// Claims no more jobs and finishes its attempts.
        Cordoned = "cordoned",
        /// Claims no more jobs and releases attempts that do not finish within the grace.
        Draining = "draining",
        /// No heartbeat for longer than a lease.
        Lost = "lost",
    }
}

string_enum! {
    /// Which jobs a limit covers.
    LimitScope {
        Global = "global",
        Queue = "queue",
        Kind = "kind",
        Tenant = "tenant",
    }
}

string_enum! {
    LimitMode {
        /// Starts per window: a token bucket.
        Rate = "rate",
        /// Active jobs at one time.
        Concurrency = "concurrency",
    }
}
