//! One fault, and all cases that it hits together: projects whose operations have stopped at one part of their steps.

use std::time::Instant;

use provost::domain::{OperationKind, ProjectStatus};
use provost::mutant::HoldPoint;
use serde_json::json;
use tokio_postgres::Client;

use super::stage::{PATIENCE, QUEUE, Stage};
use super::statements::Held;
use super::{Cell, Fault, Point, first_status, next};
use crate::harness::Server;

/// The steps that only look at the cluster.
const LOOKS: [&str; 4] = ["reach", "verify", "next_credential", "verify_gone"];

struct Case {
    cell: Cell,
    /// The project.
    id: String,
    /// The name of the sessions of the interrupted attempt.
    session: String,
    wrong: Vec<String>,
    /// Whether the attempt lost its lease before the fault, because the machine is too busy: then the fault hit another place.
    missed: bool,
}

impl Case {
    fn check(&mut self, result: Result<(), String>) {
        self.wrong.extend(result.err());
    }

    fn miss(&mut self, reached: &Result<(), String>) {
        self.missed |= reached.is_err();
    }

    fn is_sound(&self) -> bool {
        self.wrong.is_empty()
    }
}

/// The outcome of a cell.
#[derive(Debug)]
pub struct Finding {
    pub cell: Cell,
    pub wrong: Vec<String>,
    /// Whether the fault hit another place than the cell says.
    pub missed: bool,
}

/// Plays the cells, which have the same point and the same fault.
pub async fn play(stage: &mut Stage, cells: &[Cell]) -> Vec<Finding> {
    let Some(Cell { point, fault, .. }) = cells.first().cloned() else { return Vec::new() };
    let worker = stage.worker();
    let mut play = Play {
        stage,
        point,
        fault,
        cases: Vec::new(),
        worker: Some(worker),
        frozen: None,
        lock: None,
        source: None,
        deadline: Instant::now() + PATIENCE,
    };
    play.prepare(cells).await;
    play.renew();
    play.begin().await;
    play.renew();
    play.go_to_point().await;
    play.strike().await;
    play.finish().await;
    play.renew();
    play.deliver_late().await;
    play.renew();
    play.clean_up().await;
    let finding = |Case { cell, wrong, missed, .. }| Finding { cell, wrong, missed };
    play.cases.into_iter().map(finding).collect()
}

struct Play<'a> {
    stage: &'a mut Stage,
    point: Point,
    fault: Fault,
    cases: Vec<Case>,
    worker: Option<Server>,
    frozen: Option<Server>,
    /// Holds a lock that `CREATE DATABASE` needs.
    lock: Option<Client>,
    /// The project that clones copy.
    source: Option<String>,
    /// Until when everything that is awaited must have happened.
    deadline: Instant,
}

/// Polls a condition until the deadline. An error says what did not happen.
async fn wait(
    deadline: Instant,
    what: impl Fn() -> String,
    mut condition: impl AsyncFnMut() -> bool,
) -> Result<(), String> {
    while !condition().await {
        if Instant::now() > deadline {
            return Err(format!("stuck: {}", what()));
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn until(deadline: Instant, stage: &Stage, id: &str, status: ProjectStatus) -> Result<(), String> {
    wait(deadline, || format!("{id} is not {status}"), async || stage.status(id).await == status.as_str()).await
}

impl Play<'_> {
    fn renew(&mut self) {
        self.deadline = Instant::now() + PATIENCE;
    }

    /// Brings new projects to the statuses in which the operations start.
    async fn prepare(&mut self, cells: &[Cell]) {
        if cells.iter().any(|it| it.operation == OperationKind::Clone) {
            let id = self.stage.request(OperationKind::Create, "", 9).await;
            until(self.deadline, self.stage, &id, ProjectStatus::Ready).await.unwrap();
            self.stage.truth().fill(&id).await;
            self.source = Some(id);
        }
        for cell in cells.iter().cloned() {
            let exists = first_status(cell.operation).is_some();
            let id = if exists { self.stage.request(OperationKind::Create, "", 9).await } else { String::new() };
            self.cases.push(Case { cell, id, session: String::new(), wrong: Vec::new(), missed: false });
        }
        for case in &mut self.cases {
            let Some(first) = first_status(case.cell.operation) else { continue };
            let mut before = Vec::new();
            // The first rotation retires nothing.
            before.extend((case.cell.step == "retire_old").then_some(OperationKind::Rotate));
            before.extend((first == ProjectStatus::Paused).then_some(OperationKind::Pause));
            before.extend((first == ProjectStatus::PendingDeletion).then_some(OperationKind::Retire));
            case.check(until(self.deadline, self.stage, &case.id, ProjectStatus::Ready).await);
            for operation in before {
                self.stage.request(operation, &case.id, 9).await;
                case.check(until(self.deadline, self.stage, &case.id, operation.statuses().done).await);
            }
        }
    }

    /// Starts all operations, and stops each at the beginning of its step.
    async fn begin(&mut self) {
        self.stage.api.post(&format!("/queues/{QUEUE}/pause"), json!({})).await.expect(200);
        for case in &mut self.cases {
            let connections = if case.cell.operation == OperationKind::Update { 7 } else { 9 };
            let of = self.source.as_ref().filter(|_| case.cell.operation == OperationKind::Clone).unwrap_or(&case.id);
            case.id = self.stage.request(case.cell.operation, of, connections).await;
            std::fs::write(self.stage.order(&case.id, &case.cell.step, HoldPoint::Begun), "").unwrap();
        }
        self.stage.api.post(&format!("/queues/{QUEUE}/resume"), json!({})).await.expect(200);
        for case in &mut self.cases {
            let held = self.stage.order(&case.id, &case.cell.step, HoldPoint::Begun).with_added_extension("held");
            let reached = wait(self.deadline, || "the step does not begin".into(), async || held.exists()).await;
            case.miss(&reached);
            let sql = format!("SELECT execution_id FROM jobs WHERE project_id = '{}' AND state = 'active'", case.id);
            case.session = format!("provost:{}", self.stage.database.text(&sql).await);
        }
    }

    /// Lets each step go on until it is at the point.
    async fn go_to_point(&mut self) {
        let cluster = self.stage.admin().await;
        if self.cases.iter().any(|case| case.cell.step == "lock_down") {
            // Otherwise that step has nothing to do.
            cluster.batch_execute("GRANT CONNECT ON DATABASE template1 TO PUBLIC").await.unwrap();
        }
        if self.point == Point::Inside {
            let lock = self.stage.admin().await;
            lock.batch_execute("BEGIN; LOCK TABLE pg_database IN SHARE MODE").await.unwrap();
            self.lock = Some(lock);
        }
        for case in &mut self.cases {
            let step = &case.cell.step;
            let order = |point| self.stage.order(&case.id, step, point);
            let held = |point| order(point).with_added_extension("held");
            let next = match self.point {
                Point::Before => continue,
                Point::During | Point::Between | Point::Inside | Point::After => HoldPoint::Acted,
                Point::Recorded => HoldPoint::Recorded,
            };
            std::fs::write(order(next), "").unwrap();
            let held_statement = match self.point {
                Point::During if LOOKS.contains(&step.as_str()) => Some(Held::Any),
                Point::During => Some(Held::Batch),
                Point::Between => Some(Held::SecondBatch),
                _ => None,
            };
            if let Some(which) = held_statement {
                self.stage.proxy.hold(&case.session, which);
            }
            _ = std::fs::remove_file(held(HoldPoint::Begun));
        }
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'";
        for case in &mut self.cases {
            let held = |point| self.stage.order(&case.id, &case.cell.step, point).with_added_extension("held").exists();
            let reached = wait(
                self.deadline,
                || format!("the step is not at the point {}", self.point),
                async || match self.point {
                    Point::Before => true,
                    Point::During | Point::Between => self.stage.proxy.is_holding(&case.session),
                    Point::Inside => {
                        cluster.query_one(waiting, &[&case.session]).await.is_ok_and(|row| row.get::<_, i64>(0) == 1)
                    }
                    Point::After => held(HoldPoint::Acted),
                    Point::Recorded => held(HoldPoint::Recorded),
                },
            );
            case.miss(&reached.await);
        }
    }

    async fn strike(&mut self) {
        match self.fault {
            Fault::Kill => self.worker = None,
            Fault::Freeze => {
                self.frozen = self.worker.take();
                self.frozen.iter().for_each(|it| it.signal("STOP"));
            }
            Fault::Terminate => {
                let end = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name LIKE 'provost:%'";
                self.stage.admin().await.query_one(end, &[]).await.unwrap();
            }
            Fault::Restart => self.stage.restart(),
        }
        self.stage.forget_orders();
        match self.worker {
            None => self.worker = Some(self.stage.worker()),
            // What was on its way does not arrive: its session has ended.
            Some(_) => self.stage.proxy.release(),
        }
    }

    /// Waits until each operation has ended, checks its project, and does the same with the next operation.
    async fn finish(&mut self) {
        let follows = |case: &Case| match (self.point, next(case.cell.operation)) {
            // This one cannot succeed while the lock is held.
            (Point::Inside, _) => vec![OperationKind::Delete],
            (_, following) => [case.cell.operation].into_iter().chain(following).collect(),
        };
        let plans: Vec<Vec<OperationKind>> = self.cases.iter().map(follows).collect();
        for round in 0..2 {
            self.renew();
            for (case, plan) in self.cases.iter().zip(&plans).filter(|(case, _)| case.is_sound()) {
                let is_new = round > 0 || self.point == Point::Inside;
                if let Some(operation) = plan.get(round).filter(|_| is_new) {
                    self.stage.request(*operation, &case.id, 5).await;
                }
            }
            let ending = |at: usize| plans[at].get(round).map(|operation| (*operation, operation.statuses().done));
            // First all, because every project relies on what `lock_down` of any project does.
            for at in 0..plans.len() {
                let case = &mut self.cases[at];
                if let Some((_, done)) = ending(at).filter(|_| case.is_sound()) {
                    case.check(until(self.deadline, self.stage, &case.id, done).await);
                }
            }
            for at in 0..plans.len() {
                if let Some((operation, done)) = ending(at) {
                    self.compare(at, done, &format!("after {operation}")).await;
                }
            }
        }
    }

    async fn compare(&mut self, at: usize, status: ProjectStatus, when: &str) {
        let case = &mut self.cases[at];
        if case.is_sound() {
            let cluster = self.stage.admin().await;
            let truth = self.stage.truth();
            let look = tokio::time::timeout(PATIENCE, truth.of_project(&cluster, &case.id, status));
            let mut wrong = look.await.unwrap_or_else(|_| vec!["looking at it took too long".into()]);
            if case.cell.operation == OperationKind::Clone && status == ProjectStatus::Ready {
                wrong.extend(truth.of_copy(&case.id).await);
            }
            case.wrong.extend(wrong.into_iter().map(|it| format!("{when}: {it}")));
        }
    }

    /// Delivers what is still on its way and thaws the frozen worker; neither may have an effect.
    async fn deliver_late(&mut self) {
        self.lock = None;
        self.stage.proxy.release();
        if let Some(mut frozen) = self.frozen.take() {
            frozen.signal("CONT");
            frozen.stop();
        }
        let cluster = self.stage.admin().await;
        let sessions: Vec<String> = self.cases.iter().map(|it| it.session.clone()).collect();
        let open = "SELECT count(*) FROM pg_stat_activity WHERE application_name = ANY ($1)";
        let ended = wait(
            self.deadline,
            || "sessions of the interrupted attempts do not end".into(),
            async || cluster.query_one(open, &[&sessions]).await.is_ok_and(|row| row.get::<_, i64>(0) == 0),
        );
        let ended = ended.await;
        for at in 0..self.cases.len() {
            self.cases[at].check(ended.clone());
            let operation = self.cases[at].cell.operation;
            let last =
                if self.point == Point::Inside { OperationKind::Delete } else { next(operation).unwrap_or(operation) };
            self.compare(at, last.statuses().done, "after what was late").await;
        }
    }

    /// Deletes the projects, and looks for what belongs to none.
    async fn clean_up(&mut self) {
        for at in 0..self.cases.len() {
            let (id, status) = (self.cases[at].id.clone(), self.stage.status(&self.cases[at].id).await);
            if status != ProjectStatus::Deleted.as_str() {
                self.stage.request(OperationKind::Delete, &id, 9).await;
                let gone = until(self.deadline, self.stage, &id, ProjectStatus::Deleted).await;
                self.cases[at].check(gone);
            }
        }
        if let Some(source) = self.source.take() {
            let cluster = self.stage.admin().await;
            let mut wrong = self.stage.truth().of_project(&cluster, &source, ProjectStatus::Ready).await;
            self.stage.request(OperationKind::Delete, &source, 9).await;
            wrong.extend(until(self.deadline, self.stage, &source, ProjectStatus::Deleted).await.err());
            if let Some(case) = self.cases.first_mut() {
                case.wrong.extend(wrong.into_iter().map(|it| format!("the source of the clones: {it}")));
            }
        }
        if let Some(mut worker) = self.worker.take() {
            worker.stop();
        }
        let cluster = self.stage.admin().await;
        let mut wrong = self.stage.truth().of_cluster(&cluster).await;
        wrong.extend(self.stage.database.broken().await.iter().map(|it| format!("{it:?}")));
        if let Some(case) = self.cases.first_mut() {
            case.wrong
                .extend(wrong.into_iter().map(|it| format!("at the end, in one of the cells of this fault: {it}")));
        }
    }
}
