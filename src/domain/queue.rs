//! Queues, workers and limits: the words of those who steer.

use super::words;

words! {
    /// Whether a queue gives work, and takes it.
    QueueState {
        /// Gives and takes.
        Active = "active",
        /// Takes, but gives nothing: what comes waits.
        Paused = "paused",
        /// Gives, but takes nothing new: what waits is worked off.
        Draining = "draining",
    }
}

words! {
    /// Whether a worker takes work.
    WorkerState {
        /// Takes work.
        Online = "online",
        /// Takes no more work, and finishes what it has.
        Cordoned = "cordoned",
        /// Takes no more work, and hands back what it has not finished within its grace.
        Draining = "draining",
        /// Silent for longer than a lease.
        Lost = "lost",
    }
}

words! {
    /// Of whom a limit speaks.
    LimitScope {
        /// Of every job.
        Global = "global",
        /// Of the jobs of one queue.
        Queue = "queue",
        /// Of the jobs of one kind.
        Kind = "kind",
        /// Of the jobs of one tenant.
        Tenant = "tenant",
    }
}

words! {
    /// What a limit bounds.
    LimitMode {
        /// How many start in a window: a token bucket.
        Rate = "rate",
        /// How many are active at once.
        Concurrency = "concurrency",
    }
}
