//! The position of a client in the event table.
//!
//! Ids are assigned before transactions commit, so an event may appear after events with higher ids. The table is known to be complete up
//! to `floor`; the ids above it that were already sent are remembered until `floor` has passed them.

use crate::store::StoreError;
use crate::store::events::{Event, EventBatch, EventFilter};
use crate::web::app::App;

/// Maximum number of events per poll.
const BATCH: i64 = 500;
/// How many ids before the newest event may still be uncommitted when a new client connects.
const MAX_UNCOMMITTED: i64 = 1000;
/// Maximum number of remembered ids. Beyond it, the floor advances even if an old transaction is still open.
const MAX_REMEMBERED: usize = 20_000;

/// The position of a client in the event table.
#[derive(Debug)]
pub struct Position {
    filter: EventFilter,
    floor: i64,
    sent: Vec<i64>,
    /// Once all transactions before the second number have ended, the table is complete up to the first.
    pending: Option<(i64, i64)>,
}

impl Position {
    /// Starts after this event; without one, with the next event to be committed.
    pub async fn start(app: &App, filter: EventFilter, after: Option<i64>) -> Result<Self, StoreError> {
        let mut position = Self { filter, floor: after.unwrap_or_default(), sent: Vec::new(), pending: None };
        let head = app.store.follow_events(&position.filter, i64::MAX, &[], 1).await?.head;
        // An id beyond the newest event comes from another database, for example from before a restore.
        if after.is_none_or(|after| after > head) {
            position.floor = (head - MAX_UNCOMMITTED).max(0);
            let recent = app.store.follow_events(&position.filter, position.floor, &[], MAX_UNCOMMITTED).await?;
            position.sent = recent.events.iter().map(|event| event.id).collect();
        }
        Ok(position)
    }

    /// The id to resume from.
    pub fn id(&self) -> i64 {
        self.floor
    }

    /// The events that were not sent before.
    pub async fn poll(&mut self, app: &App) -> Result<Vec<Event>, StoreError> {
        let batch = app.store.follow_events(&self.filter, self.floor, &self.sent, BATCH).await?;
        self.advance(&batch);
        Ok(batch.events)
    }

    fn advance(&mut self, batch: &EventBatch) {
        self.sent.extend(batch.events.iter().map(|event| event.id));
        if let Some((id, _)) = self.pending.take_if(|(_, until)| *until <= batch.oldest) {
            self.raise_floor(id);
        }
        // A full batch says nothing about the ids after its last event.
        let is_full = batch.events.len() as i64 >= BATCH;
        let known = batch.events.last().filter(|_| is_full).map_or(batch.head, |event| event.id);
        self.pending.get_or_insert((known, batch.next));
        if self.sent.len() > MAX_REMEMBERED {
            self.raise_floor(known);
        }
    }

    fn raise_floor(&mut self, id: i64) {
        self.floor = self.floor.max(id);
        self.sent.retain(|id| *id > self.floor);
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn event(id: i64) -> Event {
        Event {
            id,
            entity: "job".into(),
            entity_id: "x".into(),
            previous_state: "none".into(),
            new_state: "queued".into(),
            reason: None,
            actor: "api".into(),
            detail: None,
            job_id: None,
            execution_id: None,
            attempt: None,
            request_id: None,
            occurred_at: time::OffsetDateTime::UNIX_EPOCH,
        }
    }

    fn batch(ids: &[i64], head: i64, oldest: i64, next: i64) -> EventBatch {
        EventBatch { events: ids.iter().map(|id| event(*id)).collect(), head, oldest, next }
    }

    fn position() -> Position {
        Position { filter: EventFilter::default(), floor: 0, sent: Vec::new(), pending: None }
    }

    #[test]
    fn floor_stays_below_uncommitted_events() {
        let mut position = position();
        // Transaction 7 is still open and may own id 2.
        position.advance(&batch(&[1, 3], 3, 7, 9));
        assert_eq!((position.floor, &position.sent), (0, &vec![1, 3]));
        position.advance(&batch(&[4], 4, 7, 10));
        assert_eq!(position.floor, 0);
        // Transaction 7 has committed id 2.
        position.advance(&batch(&[2], 4, 9, 10));
        assert_eq!((position.floor, &position.sent), (3, &vec![4]));
        position.advance(&batch(&[], 4, 10, 10));
        assert_eq!((position.floor, position.sent.len()), (4, 0));
    }

    #[test]
    fn remembered_ids_are_bounded() {
        let mut position = position();
        for n in 0..100_i64 {
            let ids: Vec<i64> = (n * 500 + 1..=n * 500 + 500).collect();
            position.advance(&batch(&ids, 50_000, 7, 9));
            assert!(position.sent.len() <= MAX_REMEMBERED + 500);
        }
        assert!(position.floor > 0);
    }
}
