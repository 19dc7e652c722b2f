//! Who asks for work: a call of the library, or a request over HTTP. Each call waits until it is acknowledged.

use std::fmt::Write as _;

use super::http::Http;
use super::marks::KIND;
use super::{Result, Trouble};
use crate::domain::workflow::Plan;
use crate::domain::{Ident, NewJob};
use crate::store::Audit;
use crate::store::Store;

/// Which queue a job goes to by its number; nothing is that of the bench.
pub type QueueOf = fn(u64) -> Option<String>;

/// One who asks, one call after the other.
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

    /// One job, in the queue of the bench.
    pub async fn enqueue(&mut self, number: u64) -> Result<()> {
        match self {
            Self::Embedded { store, name } => {
                store.enqueue_jobs(&[job(number, name, name)], None, KIND, None).await?;
            }
            Self::Http(http) => _ = http.post("/jobs", &json(number, KIND)).await?,
        }
        Ok(())
    }

    /// A whole workflow in one call; by the library only.
    pub async fn start(&mut self, plan: Plan) -> Result<()> {
        let Self::Embedded { store, .. } = self else {
            return Err(Trouble::new("workflows are started within this process"));
        };
        let new = plan.checked().map_err(|fault| Trouble::new(format!("{} {}", fault.field, fault.message)))?;
        let audit = Audit { actor: KIND.to_owned(), request_id: None, reason: None };
        store.start_workflow(&new, None, &audit).await?;
        Ok(())
    }

    /// Many jobs in one call. Each goes to the queue that `queue` names for it, or to that of the bench.
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

/// A job of the bench.
pub fn job(number: u64, kind: &Ident, queue: &Ident) -> NewJob {
    NewJob { queue: queue.clone(), payload: format!("{{\"i\":{number}}}"), ..NewJob::new(kind.clone()) }
}

fn json(number: u64, queue: &str) -> String {
    format!("{{\"kind\":\"{KIND}\",\"queue\":\"{queue}\",\"payload\":{{\"i\":{number}}}}}")
}
