//! What goes wrong, in an order that the seed decides. Faults of one bag come in any order, then the next bag.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use provost::mutant::{DEATH, Moment};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::node::Node;
use crate::options::Options;
use crate::postgres::Postgres;
use crate::process::Process;
use crate::proxy::NetworkFault;

/// How long a process may take to start, or to end in good order.
const START: Duration = Duration::from_secs(30);
const END: Duration = Duration::from_secs(15);
/// How long it may take to come to a moment at which it is to die; it may have nothing to do.
const MOMENT: Duration = Duration::from_secs(3);
/// How long a worker finds no server while it is led to another.
const MOVE: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// kill -9, and a start.
    Kill,
    /// It dies between a claim and the start of the jobs that it got.
    DieClaimed,
    /// It dies between the end of work and the settlement that many share.
    DieEnded,
    /// It dies between the look that finds a schedule due and its firing.
    DieDue,
    /// It dies right after it has fired one.
    DieFired,
    /// It dies between a claim for a worker elsewhere and the answer.
    DieDelivered,
    /// It dies between the settlement of a result from elsewhere and the answer.
    DieAccepted,
    /// SIGSTOP beyond the lease, then SIGCONT.
    Freeze,
    /// SIGTERM, and a start.
    Restart,
    /// The database crashes and recovers.
    Crash,
    /// Some or all of the servers' connections are terminated.
    Terminate,
    /// The network to what it depends on is cut.
    Cut,
    /// That network swallows everything.
    Silence,
    /// That network leads to another server from now on.
    Switch,
    /// The clock of a server jumps.
    Jump,
}

/// Whom it hits: one of the servers, or everything that they share; or one of the workers elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Server,
    Remote,
}

use Fault::*;
use Side::*;

pub type Blow = (Side, Fault);

/// What even the shortest run has: the deaths at a moment that no signal from outside would hit, and some who
/// come back to leases that are somebody else's.
const FIRST: [Blow; 10] = [
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

const BAG: [Blow; 27] = [
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

/// What there is for as many workers elsewhere: without any, nothing is theirs.
fn possible(blows: &[Blow], remotes: usize) -> Vec<Blow> {
    let theirs = |(side, fault): &Blow| *side == Remote || matches!(fault, DieDelivered | DieAccepted);
    blows.iter().filter(|blow| remotes > 0 || !theirs(blow)).copied().collect()
}

pub struct Nemesis {
    nodes: Arc<Vec<Node>>,
    remotes: Arc<Vec<Process>>,
    /// Which server each of the workers elsewhere speaks to.
    leads_to: Vec<usize>,
    postgres: Arc<Postgres>,
    http: reqwest::Client,
    dice: StdRng,
    lease: Duration,
    begun: Instant,
    pub done: BTreeMap<Blow, usize>,
    /// What nobody asked for: a process that ended by itself, or badly.
    pub surprises: Vec<String>,
}

impl Nemesis {
    pub fn new(options: &Options, nodes: Arc<Vec<Node>>, remotes: Arc<Vec<Process>>, postgres: Arc<Postgres>) -> Self {
        // Other dice than those of the plan, so that more jobs do not mean other faults.
        let dice = StdRng::seed_from_u64(options.seed ^ 0x6e65_6d65_7369_7300);
        let (http, begun, lease) = (reqwest::Client::new(), Instant::now(), options.lease);
        let leads_to = (0..remotes.len()).map(|n| n % nodes.len()).collect();
        let (done, surprises) = (BTreeMap::new(), Vec::new());
        Self { nodes, remotes, leads_to, postgres, http, dice, lease, begun, done, surprises }
    }

    /// What every run must have, and this one had not.
    pub fn missing(&self) -> impl Iterator<Item = String> {
        let first = possible(&FIRST, self.remotes.len()).into_iter();
        first.filter(|blow| !self.done.contains_key(blow)).map(|blow| format!("{blow:?}"))
    }

    /// Does harm as long as there is anybody to harm, and mends everything after each fault.
    pub async fn rage(&mut self, go_on: impl Fn() -> bool) {
        let mut bag = possible(&FIRST, self.remotes.len());
        while go_on() {
            if bag.is_empty() {
                bag = possible(&BAG, self.remotes.len());
                bag.shuffle(&mut self.dice);
            }
            let Some(blow) = bag.pop() else { return };
            let pause = Duration::from_millis(self.dice.random_range(200..900));
            tokio::time::sleep(pause).await;
            self.strike(blow).await;
            self.look_for_surprises();
        }
    }

    fn say(&mut self, blow: Blow, what: String) {
        *self.done.entry(blow).or_default() += 1;
        let fault = format!("{:?}", blow.1).to_lowercase();
        println!("  {:7.2} s  {fault:12}  {what}", self.begun.elapsed().as_secs_f64());
    }

    fn leases(&mut self, from: f64, to: f64) -> Duration {
        self.lease.mul_f64(self.dice.random_range(from..to))
    }

    async fn strike(&mut self, blow: Blow) {
        let (nodes, remotes) = (self.nodes.clone(), self.remotes.clone());
        let of_side: Vec<&Process> = match blow.0 {
            Server => nodes.iter().map(|node| &**node).collect(),
            Remote => remotes.iter().collect(),
        };
        let at = self.dice.random_range(0..of_side.len());
        let (victim, other) = (of_side[at], of_side[(at + 1) % of_side.len()]);
        match blow.1 {
            Kill => {
                self.say(blow, victim.name.clone());
                self.kill(victim).await;
            }
            DieClaimed => self.die(blow, victim, Moment::Claimed).await,
            DieEnded => self.die(blow, victim, Moment::Ended).await,
            DieDue => self.die(blow, victim, Moment::Due).await,
            DieFired => self.die(blow, victim, Moment::Fired).await,
            DieDelivered | DieAccepted => {
                // Only a server that some worker elsewhere speaks to comes to that.
                let node = &nodes[self.leads_to[self.dice.random_range(0..remotes.len())]];
                let moment = if blow.1 == DieDelivered { Moment::Delivered } else { Moment::Accepted };
                self.die(blow, node, moment).await;
            }
            Freeze => {
                let (first, second) = (self.leases(0.6, 0.9), self.leases(0.6, 0.9));
                let meanwhile = self.dice.random_range(0..3);
                self.say(blow, format!("{} for {:.1} s", victim.name, (first + second).as_secs_f64()));
                victim.signal(Signal::SIGSTOP);
                tokio::time::sleep(first).await;
                // Troubles seldom come alone.
                match meanwhile {
                    0 => {
                        self.say((blow.0, Kill), format!("{}, meanwhile", other.name));
                        self.kill(other).await;
                    }
                    1 => self.terminate(0.5).await,
                    _ => {}
                }
                tokio::time::sleep(second).await;
                victim.signal(Signal::SIGCONT);
            }
            Restart => {
                self.say(blow, victim.name.clone());
                match victim.stop(END).await {
                    Some(0) => {}
                    code => self.surprises.push(format!("{} ended with {code:?} after SIGTERM", victim.name)),
                }
                self.start(victim).await;
            }
            Crash => {
                let (postgres, begun) = (self.postgres.clone(), Instant::now());
                self.say(blow, "the database".into());
                tokio::task::spawn_blocking(move || postgres.crash()).await.unwrap();
                println!("             it was away for {:.2} s", begun.elapsed().as_secs_f64());
            }
            Terminate => {
                let chance = if self.dice.random_bool(0.5) { 1.0 } else { 0.4 };
                self.terminate(chance).await;
            }
            Cut | Silence => {
                let time = self.leases(0.4, 1.6);
                self.say(blow, format!("{} for {:.1} s", victim.name, time.as_secs_f64()));
                victim.proxy.set(if blow.1 == Cut { NetworkFault::Cut } else { NetworkFault::Silent });
                tokio::time::sleep(time).await;
                victim.proxy.mend();
            }
            Switch => {
                self.leads_to[at] = (self.leads_to[at] + 1) % nodes.len();
                let node = &nodes[self.leads_to[at]];
                self.say(blow, format!("{} to {}", victim.name, node.name));
                victim.proxy.cut();
                tokio::time::sleep(MOVE).await;
                victim.proxy.lead_to(node.port);
                victim.proxy.mend();
            }
            Jump => {
                let hour = if self.dice.random_bool(0.5) { 3600 } else { -3600 };
                let Some(node) = nodes.iter().find(|node| node.can_jump()) else { return };
                self.say(blow, format!("{} by {hour:+} s", node.name));
                node.jump(hour);
                tokio::time::sleep(Duration::from_secs(3)).await;
                node.jump(0);
            }
        }
    }

    async fn die(&mut self, blow: Blow, victim: &Process, moment: Moment) {
        let Some(code) = victim.die_at(moment, MOMENT).await else { return };
        self.say(blow, victim.name.clone());
        if code != Some(DEATH) {
            self.surprises.push(format!("{} ended with {code:?}, not by order", victim.name));
        }
        self.start(victim).await;
    }

    async fn kill(&mut self, victim: &Process) {
        victim.kill();
        let pause = Duration::from_millis(self.dice.random_range(0..600));
        tokio::time::sleep(pause).await;
        self.start(victim).await;
    }

    async fn start(&mut self, process: &Process) {
        process.start();
        if !process.until_ready(&self.http, START).await {
            self.surprises.push(format!("{} was not ready after {START:?}", process.name));
        }
    }

    async fn terminate(&mut self, chance: f64) {
        let n = self.postgres.terminate(chance).await;
        self.say((Server, Terminate), format!("{n} connections"));
    }

    fn look_for_surprises(&mut self) {
        for process in self.nodes.iter().map(|node| &**node).chain(self.remotes.iter()) {
            if process.is_running() && process.has_died() {
                self.surprises.push(format!("{} ended by itself", process.name));
                process.start();
            }
        }
    }
}
