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
use crate::proxy::Weather;

/// How long a server may take to start, or to end in good order.
const START: Duration = Duration::from_secs(30);
const END: Duration = Duration::from_secs(15);
/// How long a server may take to come to a moment at which it is to die; it may have nothing to do.
const MOMENT: Duration = Duration::from_secs(3);

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
    /// SIGSTOP beyond the lease, then SIGCONT.
    Freeze,
    /// SIGTERM, and a start.
    Restart,
    /// The database crashes and recovers.
    Crash,
    /// Some or all of the servers' connections are terminated.
    Terminate,
    /// The network to the database is cut.
    Cut,
    /// The network to the database swallows everything.
    Silence,
    /// The clock of a server jumps.
    Jump,
}

/// The deaths at a moment that no signal from outside would hit.
pub const DEATHS: [Fault; 4] = [Fault::DieFired, Fault::DieDue, Fault::DieEnded, Fault::DieClaimed];

const BAG: [Fault; 16] = [
    Fault::Kill,
    Fault::Kill,
    Fault::Kill,
    Fault::DieClaimed,
    Fault::DieEnded,
    Fault::DieDue,
    Fault::DieFired,
    Fault::Freeze,
    Fault::Freeze,
    Fault::Restart,
    Fault::Crash,
    Fault::Terminate,
    Fault::Terminate,
    Fault::Cut,
    Fault::Silence,
    Fault::Jump,
];

pub struct Nemesis {
    nodes: Arc<Vec<Node>>,
    postgres: Arc<Postgres>,
    http: reqwest::Client,
    dice: StdRng,
    lease: Duration,
    begun: Instant,
    pub done: BTreeMap<Fault, usize>,
    /// What nobody asked for: a server that ended by itself, or badly.
    pub surprises: Vec<String>,
}

impl Nemesis {
    pub fn new(options: &Options, nodes: Arc<Vec<Node>>, postgres: Arc<Postgres>) -> Self {
        // Other dice than those of the plan, so that more jobs do not mean other faults.
        let dice = StdRng::seed_from_u64(options.seed ^ 0x6e65_6d65_7369_7300);
        let (http, begun, lease) = (reqwest::Client::new(), Instant::now(), options.lease);
        Self { nodes, postgres, http, dice, lease, begun, done: BTreeMap::new(), surprises: Vec::new() }
    }

    /// Does harm as long as there is anybody to harm, and mends everything after each fault.
    pub async fn rage(&mut self, go_on: impl Fn() -> bool) {
        // Even the shortest run has these.
        let mut bag = DEATHS.to_vec();
        while go_on() {
            if bag.is_empty() {
                bag = BAG.to_vec();
                bag.shuffle(&mut self.dice);
            }
            let Some(fault) = bag.pop() else { return };
            let pause = Duration::from_millis(self.dice.random_range(200..900));
            tokio::time::sleep(pause).await;
            self.strike(fault).await;
            self.look_for_surprises();
        }
    }

    fn say(&mut self, fault: Fault, what: String) {
        *self.done.entry(fault).or_default() += 1;
        println!("  {:7.2} s  {:10}  {what}", self.begun.elapsed().as_secs_f64(), format!("{fault:?}").to_lowercase());
    }

    fn leases(&mut self, from: f64, to: f64) -> Duration {
        self.lease.mul_f64(self.dice.random_range(from..to))
    }

    async fn strike(&mut self, fault: Fault) {
        let nodes = self.nodes.clone();
        let at = self.dice.random_range(0..nodes.len());
        let (node, other) = (&nodes[at], &nodes[(at + 1) % nodes.len()]);
        match fault {
            Fault::Kill => {
                self.say(fault, node.name.clone());
                self.kill(node).await;
            }
            Fault::DieClaimed | Fault::DieEnded | Fault::DieDue | Fault::DieFired => {
                let moment = match fault {
                    Fault::DieClaimed => Moment::Claimed,
                    Fault::DieEnded => Moment::Ended,
                    Fault::DieDue => Moment::Due,
                    _ => Moment::Fired,
                };
                let Some(code) = node.die_at(moment, MOMENT).await else { return };
                self.say(fault, node.name.clone());
                if code != Some(DEATH) {
                    self.surprises.push(format!("{} ended with {code:?}, not by order", node.name));
                }
                self.start(node).await;
            }
            Fault::Freeze => {
                let (first, second) = (self.leases(0.6, 0.9), self.leases(0.6, 0.9));
                let meanwhile = self.dice.random_range(0..3);
                self.say(fault, format!("{} for {:.1} s", node.name, (first + second).as_secs_f64()));
                node.signal(Signal::SIGSTOP);
                tokio::time::sleep(first).await;
                // Troubles seldom come alone.
                match meanwhile {
                    0 => {
                        self.say(Fault::Kill, format!("{}, meanwhile", other.name));
                        self.kill(other).await;
                    }
                    1 => self.terminate(0.5).await,
                    _ => {}
                }
                tokio::time::sleep(second).await;
                node.signal(Signal::SIGCONT);
            }
            Fault::Restart => {
                self.say(fault, node.name.clone());
                match node.stop(END).await {
                    Some(0) => {}
                    code => self.surprises.push(format!("{} ended with {code:?} after SIGTERM", node.name)),
                }
                self.start(node).await;
            }
            Fault::Crash => {
                let (postgres, begun) = (self.postgres.clone(), Instant::now());
                self.say(fault, "the database".into());
                tokio::task::spawn_blocking(move || postgres.crash()).await.unwrap();
                println!("             it was away for {:.2} s", begun.elapsed().as_secs_f64());
            }
            Fault::Terminate => {
                let chance = if self.dice.random_bool(0.5) { 1.0 } else { 0.4 };
                self.terminate(chance).await;
            }
            Fault::Cut | Fault::Silence => {
                let time = self.leases(0.4, 1.6);
                self.say(fault, format!("{} for {:.1} s", node.name, time.as_secs_f64()));
                node.proxy.set(if fault == Fault::Cut { Weather::Cut } else { Weather::Silent });
                tokio::time::sleep(time).await;
                node.proxy.mend();
            }
            Fault::Jump => {
                let hour = if self.dice.random_bool(0.5) { 3600 } else { -3600 };
                let Some(node) = nodes.iter().find(|node| node.can_jump()) else { return };
                self.say(fault, format!("{} by {hour:+} s", node.name));
                node.jump(hour);
                tokio::time::sleep(Duration::from_secs(3)).await;
                node.jump(0);
            }
        }
    }

    async fn kill(&mut self, node: &Node) {
        node.kill();
        let pause = Duration::from_millis(self.dice.random_range(0..600));
        tokio::time::sleep(pause).await;
        self.start(node).await;
    }

    async fn start(&mut self, node: &Node) {
        node.start();
        if !node.until_ready(&self.http, START).await {
            self.surprises.push(format!("{} was not ready after {START:?}", node.name));
        }
    }

    async fn terminate(&mut self, chance: f64) {
        let n = self.postgres.terminate(chance).await;
        self.say(Fault::Terminate, format!("{n} connections"));
    }

    fn look_for_surprises(&mut self) {
        for node in self.nodes.iter() {
            if node.is_running() && node.has_died() {
                self.surprises.push(format!("{} ended by itself", node.name));
                node.start();
            }
        }
    }
}
