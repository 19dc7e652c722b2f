//! Test-only: work that keeps its thread to itself, as a handler does that computes without a pause or calls something that
//! blocks. It cannot be stopped, and nobody else gets this thread meanwhile. Only in a build with the feature `chaos`.

use std::time::Duration;

use serde::Deserialize;

use super::{Handler, Job, Working, payload};
use crate::domain::Outcome;

/// The kind that it serves.
pub const KIND: &str = "spin";

/// Holds its thread for `{"ms": n}`, then is done.
pub struct Spin;

#[derive(Deserialize)]
struct Wish {
    ms: u64,
}

impl Handler for Spin {
    fn run<'a>(&'a self, job: &'a Job) -> Working<'a> {
        Box::pin(async move {
            match payload::read::<Wish>(&job.payload) {
                Ok(wish) => std::thread::sleep(Duration::from_millis(wish.ms)),
                Err(refused) => return refused,
            }
            Outcome::done()
        })
    }
}
