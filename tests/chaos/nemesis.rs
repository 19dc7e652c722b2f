//! The faults, in an order that the seed determines. The list of faults is shuffled again whenever all of them have been
//! applied.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use provost::mutant::{EXIT_CODE, FailPoint};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::harness::NetworkFault;
use crate::node::Node;
use crate::options::Options;
use crate::postgres::Postgres;
use crate::process::Process;
use crate::projects::Tenants;

/// How long a process may take to start and to stop.
const START: Duration = Duration::from_secs(90);
const END: Duration = Duration::from_secs(60);
/// How long a process may take to reach a fail point; it may have no work.
const FAIL_POINT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a remote worker has no server while it moves to another.
const MOVE: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// SIGKILL and a restart.
    Kill,
    /// Exits between a claim and the start of its jobs.
    DieClaimed,
    /// Exits between the end of work and its settlement.
    DieEnded,
    /// Exits between the poll that finds a due schedule and its firing.
    DieDue,
    /// Exits right after firing a schedule.
    DieFired,
    /// Exits between a claim for a remote worker and the response.
    DieDelivered,
    /// Exits between the settlement of a remote result and the response.
    DieAccepted,
    /// SIGSTOP beyond the lease, then SIGCONT.
    Freeze,
    /// SIGTERM and a restart.
    Restart,
    /// The database crashes and recovers.
    Crash,
    /// The cluster of the projects crashes and recovers.
    CrashTenants,
    /// Some or all connections of the servers are terminated.
    Terminate,
    /// The network to its database or server is cut.
    Cut,
    /// That network drops everything.
    Silence,
    /// That network leads to another server.
    Switch,
    /// The clock of a server jumps.
    Jump,
}

/// The target: a server or what servers share, or a remote worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Server,
    Remote,
}

use Fault::*;
use Side::*;

pub type TargetedFault = (Side, Fault);

/// What every run includes: each fail point, and frozen processes that return to lost leases.
const FIRST: [TargetedFault; 11] = [
    (Server, CrashTenants),
    (Server, Freeze),
    (Remote, Freeze),
    (Server, DieFired),
    (Server, DieDue),
    (Remote, DieEnded),
    (Server, DieAccepted),
    (Server, DieEnded),
    (Remote, DieClaimed),
    (Server, DieDelivered),
    (Server, DieClaimed),
];

const FAULTS: [TargetedFault; 28] = [
    (Server, CrashTenants),
    (Server, Kill),
    (Server, Kill),
    (Server, Kill),
    (Server, DieClaimed),
    (Server, DieEnded),
    (Server, DieDue),
    (Server, DieFired),
    (Server, DieDelivered),
    (Server, DieAccepted),
    (Server, Freeze),
    (Server, Freeze),
    (Server, Restart),
    (Server, Crash),
    (Server, Terminate),
    (Server, Terminate),
    (Server, Cut),
    (Server, Silence),
    (Server, Jump),
    (Remote, Kill),
    (Remote, Kill),
    (Remote, DieClaimed),
    (Remote, DieEnded),
    (Remote, Freeze),
    (Remote, Restart),
    (Remote, Cut),
    (Remote, Silence),
    (Remote, Switch),
];

/// The faults that are possible with this number of remote workers.
fn possible(faults: &[TargetedFault], remotes: usize) -> Vec<TargetedFault> {
    let theirs = |(side, fault): &TargetedFault| *side == Remote || matches!(fault, DieDelivered | DieAccepted);
    faults.iter().filter(|fault| remotes > 0 || !theirs(fault)).copied().collect()
}

pub struct Nemesis {
    nodes: Arc<Vec<Node>>,
    remotes: Arc<Vec<Process>>,
    /// The server of each remote worker.
    server_of: Vec<usize>,
    postgres: Arc<Postgres>,
    tenants: Arc<Tenants>,
    http: reqwest::Client,
    rng: StdRng,
    lease: Duration,
    begun: Instant,
    pub done: BTreeMap<TargetedFault, usize>,
    /// Unexpected exits of processes.
    pub unexpected: Vec<String>,
}

impl Nemesis {
    pub fn new(
        options: &Options,
        nodes: Arc<Vec<Node>>,
        remotes: Arc<Vec<Process>>,
        postgres: Arc<Postgres>,
        tenants: Arc<Tenants>,
    ) -> Self {
        // Independent of the seed of the jobs, so that more jobs do not change the faults.
        let rng = StdRng::seed_from_u64(options.seed ^ 0x6e65_6d65_7369_7300);
        let (http, begun, lease) = (reqwest::Client::new(), Instant::now(), options.lease);
        let server_of = (0..remotes.len()).map(|n| n % nodes.len()).collect();
        let (done, unexpected) = (BTreeMap::new(), Vec::new());
        Self { nodes, remotes, server_of, postgres, tenants, http, rng, lease, begun, done, unexpected }
    }

    /// The required faults that did not happen.
    pub fn missing(&self) -> impl Iterator<Item = TargetedFault> {
        possible(&FIRST, self.remotes.len()).into_iter().filter(|fault| !self.done.contains_key(fault))
    }

    /// Applies faults while `go_on`, and repairs everything after each. Goes on until `give_up` if a required fault has not happened:
    /// on a busy machine, a process may take long to reach a fail point.
    pub async fn run(&mut self, go_on: impl Fn() -> bool, give_up: Instant) {
        let mut pending = possible(&FIRST, self.remotes.len());
        while go_on() || self.missing().next().is_some() && Instant::now() < give_up {
            if pending.is_empty() {
                pending = self.missing().collect();
            }
            if pending.is_empty() {
                pending = possible(&FAULTS, self.remotes.len());
                pending.shuffle(&mut self.rng);
            }
            let Some(fault) = pending.pop() else { return };
            let pause = Duration::from_millis(self.rng.random_range(200..900));
            tokio::time::sleep(pause).await;
            self.apply(fault).await;
            self.check_processes();
        }
    }

    fn record(&mut self, fault: TargetedFault, what: String) {
        *self.done.entry(fault).or_default() += 1;
        let name = format!("{:?}", fault.1).to_lowercase();
        println!("  {:7.2} s  {name:12}  {what}", self.begun.elapsed().as_secs_f64());
    }

    fn leases(&mut self, from: f64, to: f64) -> Duration {
        self.lease.mul_f64(self.rng.random_range(from..to))
    }

    async fn apply(&mut self, fault: TargetedFault) {
        let (nodes, remotes) = (self.nodes.clone(), self.remotes.clone());
        let of_side: Vec<&Process> = match fault.0 {
            Server => nodes.iter().map(|node| &**node).collect(),
            Remote => remotes.iter().collect(),
        };
        let at = self.rng.random_range(0..of_side.len());
        let (victim, other) = (of_side[at], of_side[(at + 1) % of_side.len()]);
        match fault.1 {
            Kill => {
                self.record(fault, victim.name.clone());
                self.kill(victim).await;
            }
            DieClaimed => self.die(fault, victim, FailPoint::Claimed).await,
            DieEnded => self.die(fault, victim, FailPoint::Ended).await,
            DieDue => self.die(fault, victim, FailPoint::Due).await,
            DieFired => self.die(fault, victim, FailPoint::Fired).await,
            DieDelivered | DieAccepted => {
                // Only a server with a remote worker reaches this point.
                let node = &nodes[self.server_of[self.rng.random_range(0..remotes.len())]];
                let point = if fault.1 == DieDelivered { FailPoint::Delivered } else { FailPoint::Accepted };
                self.die(fault, node, point).await;
            }
            Freeze => self.freeze(fault, victim, other).await,
            Restart => {
                self.record(fault, victim.name.clone());
                let code = victim.stop(END).await;
                if code != Some(0) {
                    self.unexpected.push(format!("{} ended with {code:?} after SIGTERM", victim.name));
                }
                self.start(victim).await;
            }
            Crash => self.crash(fault).await,
            CrashTenants => {
                let tenants = self.tenants.clone();
                self.record(fault, "the cluster of the projects".into());
                tokio::task::spawn_blocking(move || tenants.crash()).await.unwrap();
            }
            Terminate => {
                let chance = if self.rng.random_bool(0.5) { 1.0 } else { 0.4 };
                self.terminate(chance).await;
            }
            Cut | Silence => {
                let time = self.leases(0.4, 1.6);
                self.record(fault, format!("{} for {:.1} s", victim.name, time.as_secs_f64()));
                victim.proxy.set(if fault.1 == Cut { NetworkFault::Cut } else { NetworkFault::Silent });
                tokio::time::sleep(time).await;
                victim.proxy.repair();
            }
            Switch => {
                self.server_of[at] = (self.server_of[at] + 1) % nodes.len();
                self.switch(fault, victim, &nodes[self.server_of[at]]).await;
            }
            Jump => self.jump(fault, &nodes).await,
        }
    }

    async fn freeze(&mut self, fault: TargetedFault, victim: &Process, other: &Process) {
        let (first, second) = (self.leases(0.6, 0.9), self.leases(0.6, 0.9));
        let meanwhile = self.rng.random_range(0..3);
        self.record(fault, format!("{} for {:.1} s", victim.name, (first + second).as_secs_f64()));
        victim.signal(Signal::SIGSTOP);
        tokio::time::sleep(first).await;
        // Combine some faults.
        match meanwhile {
            0 => {
                self.record((fault.0, Kill), format!("{}, meanwhile", other.name));
                self.kill(other).await;
            }
            1 => self.terminate(0.5).await,
            _ => {}
        }
        tokio::time::sleep(second).await;
        victim.signal(Signal::SIGCONT);
    }

    async fn crash(&mut self, fault: TargetedFault) {
        let (postgres, started) = (self.postgres.clone(), Instant::now());
        self.record(fault, "the database".into());
        tokio::task::spawn_blocking(move || postgres.crash()).await.unwrap();
        println!("             unavailable for {:.2} s", started.elapsed().as_secs_f64());
    }

    async fn switch(&mut self, fault: TargetedFault, victim: &Process, node: &Node) {
        self.record(fault, format!("{} to {}", victim.name, node.name));
        victim.proxy.cut();
        tokio::time::sleep(MOVE).await;
        victim.proxy.lead_to(node.port);
        victim.proxy.repair();
    }

    async fn jump(&mut self, fault: TargetedFault, nodes: &[Node]) {
        let hour = if self.rng.random_bool(0.5) { 3600 } else { -3600 };
        let Some(node) = nodes.iter().find(|node| node.can_jump()) else { return };
        self.record(fault, format!("{} by {hour:+} s", node.name));
        node.jump(hour);
        tokio::time::sleep(Duration::from_secs(3)).await;
        node.jump(0);
    }

    async fn die(&mut self, fault: TargetedFault, victim: &Process, point: FailPoint) {
        let Some(code) = victim.die_at(point, FAIL_POINT_TIMEOUT).await else { return };
        self.record(fault, victim.name.clone());
        if code != Some(EXIT_CODE) {
            self.unexpected.push(format!("{} ended with {code:?}, not at a fail point", victim.name));
        }
        self.start(victim).await;
    }

    async fn kill(&mut self, victim: &Process) {
        victim.kill();
        let pause = Duration::from_millis(self.rng.random_range(0..600));
        tokio::time::sleep(pause).await;
        self.start(victim).await;
    }

    async fn start(&mut self, process: &Process) {
        process.start();
        if !process.until_ready(&self.http, START).await {
            self.unexpected.push(format!("{} was not ready after {START:?}", process.name));
        }
    }

    async fn terminate(&mut self, chance: f64) {
        let n = self.postgres.terminate(chance).await;
        self.record((Server, Terminate), format!("{n} connections"));
    }

    fn check_processes(&mut self) {
        for process in self.nodes.iter().map(|node| &**node).chain(self.remotes.iter()) {
            if process.is_running() && process.has_died() {
                self.unexpected.push(format!("{} exited by itself", process.name));
                process.start();
            }
        }
    }
}
