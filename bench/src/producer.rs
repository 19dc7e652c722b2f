//! Producers: each enqueues by a library call or an HTTP request and waits for the acknowledgement.

use std::fmt::Write as _;

use super::http::Http;
use super::starts::KIND;
use crate::error::{BenchError, Result};
use provost::domain::workflow::WorkflowDefinition;
use provost::domain::{Ident, NewJob};
use provost::store::Audit;
use provost::store::Store;

/// The queue of a job by its number; `None` is the queue of the benchmark.
pub type QueueOf = fn(u64) -> Option<String>;

/// A client that sends one call at a time.
pub enum Producer {
    Embedded { store: Store, name: Ident },
    Http(Box<Http>),
}

impl Producer {
    pub fn embedded(store: Store) -> Result<Self> {
        Ok(Self::Embedded { store, name: Ident::parse(KIND)? })
    }

    pub async fn http(host: &str) -> Result<Self> {
        Ok(Self::Http(Box::new(Http::connect(host).await?)))
    }

    /// Enqueues one job in the queue of the benchmark.
    pub async fn enqueue(&mut self, number: u64) -> Result<()> {
        match self {
            Self::Embedded { store, name } => {
                store.enqueue_jobs(&[job(number, name, name)], None, KIND, None).await?;
            }
            Self::Http(http) => _ = http.post("/jobs", &json(number, KIND)).await?,
        }
        Ok(())
    }

    /// Starts a whole workflow in one call; library only.
    pub async fn start(&mut self, plan: WorkflowDefinition) -> Result<()> {
        let Self::Embedded { store, .. } = self else {
            return Err(BenchError::new("workflows can only be started in process"));
        };
        let new = plan.instantiate().map_err(|fault| BenchError::new(format!("{} {}", fault.field, fault.message)))?;
        let audit = Audit { actor: KIND.to_owned(), request_id: None, reason: None };
        store.start_workflow(&new, None, &audit).await?;
        Ok(())
    }

    /// Enqueues many jobs in one call, each in the queue that `queue` names for it.
    pub async fn enqueue_many(&mut self, numbers: impl Iterator<Item = u64>, queue: QueueOf) -> Result<()> {
        let queue = |number| queue(number).unwrap_or_else(|| KIND.to_owned());
        match self {
            Self::Embedded { store, name } => {
                let jobs: Result<Vec<NewJob>> =
                    numbers.map(|number| Ok(job(number, name, &Ident::parse(&queue(number))?))).collect();
                store.enqueue_jobs(&jobs?, None, KIND, None).await?;
            }
            Self::Http(http) => {
                let mut body = String::from("[");
                for number in numbers {
                    _ = write!(body, "{}{}", if body.len() > 1 { "," } else { "" }, json(number, &queue(number)));
                }
                body.push(']');
                http.post("/jobs", &body).await?;
            }
        }
        Ok(())
    }
}

/// A job of the benchmark.
pub fn job(number: u64, kind: &Ident, queue: &Ident) -> NewJob {
    NewJob { queue: queue.clone(), payload: format!("{{\"i\":{number}}}"), ..NewJob::new(kind.clone()) }
}

fn json(number: u64, queue: &str) -> String {
    format!("{{\"kind\":\"{KIND}\",\"queue\":\"{queue}\",\"payload\":{{\"i\":{number}}}}}")
}
