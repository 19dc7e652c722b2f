//! The options of a run.

use std::path::PathBuf;
use std::time::Duration;

use crate::fences::Selection;
use crate::fences::flood::Flood;

const HELP: &str = "cargo test --release --features chaos --test chaos -- [--jobs 100000] [--flows N] [--seed 7] [--seconds N] [--nodes 3] [--remotes 2] \
[--projects N] [--lease SECONDS] [--long SHARE] [--max-reclaim SECONDS] [--mutant NAME] [--keep]";

#[derive(Clone, Debug)]
pub struct Options {
    pub jobs: usize,
    /// The number of workflows; by default one for 25 jobs.
    pub flows: usize,
    pub seed: u64,
    /// The minimum time during which jobs are created. Faults continue until the last job is acknowledged.
    pub faults_for: Duration,
    pub nodes: usize,
    /// The number of remote workers.
    pub remotes: usize,
    /// The number of clients that create and change projects.
    pub projects: usize,
    pub lease: Duration,
    /// The share of jobs that take half a lease to one and a half.
    pub long: f64,
    /// How many seconds after the end of its lease a job must be claimed again. By default the times are only reported, because
    /// they depend on how busy the machine is.
    pub max_reclaim: Option<f64>,
    /// The mutant of the servers.
    pub mutant: Option<String>,
    /// Keep the directory with the logs.
    pub keep: bool,
}

/// The parsed command line.
pub enum Invocation {
    Run(Options),
    Fences(Selection),
    /// The number of rotations.
    Rotation(usize),
    Flood(Flood),
    Nothing,
}

impl Options {
    /// Parses the command line. Options of the usual test harness are ignored; a filter for other tests means that only those
    /// are planned.
    pub fn read() -> Invocation {
        let mut options = Self {
            jobs: 1500,
            flows: usize::MAX,
            seed: 7,
            faults_for: Duration::ZERO,
            nodes: 3,
            remotes: 2,
            projects: 4,
            lease: Duration::from_secs(3),
            long: 0.01,
            max_reclaim: None,
            mutant: None,
            keep: false,
        };
        let mut words = std::env::args().skip(1);
        match std::env::args().skip(1).find(|word| !word.starts_with('-')).as_deref() {
            Some("fences") => return Invocation::Fences(Selection::read(words)),
            Some("rotation") => return Invocation::Rotation(option("--rotations").unwrap_or(10)),
            Some("flood") => {
                let [names, concurrency] =
                    [("--names", 1000), ("--concurrency", 4)].map(|(name, default)| option(name).unwrap_or(default));
                let quiet = Duration::from_secs(15);
                return Invocation::Flood(Flood { names, concurrency, seed: option("--seed").unwrap_or(7), quiet });
            }
            _ => {}
        }
        while let Some(word) = words.next() {
            match word.as_str() {
                "--jobs" => options.jobs = value(&mut words),
                "--flows" => options.flows = value(&mut words),
                "--seed" => options.seed = value(&mut words),
                "--seconds" => options.faults_for = Duration::from_secs_f64(value(&mut words)),
                "--nodes" => options.nodes = value::<usize>(&mut words).max(2),
                "--remotes" => options.remotes = value(&mut words),
                "--projects" => options.projects = value(&mut words),
                "--lease" => options.lease = Duration::from_secs_f64(value(&mut words)),
                "--long" => options.long = value(&mut words),
                "--max-reclaim" => options.max_reclaim = Some(value(&mut words)),
                "--mutant" => options.mutant = Some(value(&mut words)),
                "--keep" => options.keep = true,
                "--list" | "--help" => {
                    println!("{HELP}");
                    return Invocation::Nothing;
                }
                "--skip" if words.next().is_some_and(|it| "chaos".contains(it.as_str())) => return Invocation::Nothing,
                "--test-threads" | "-Z" => _ = words.next(),
                filter if !filter.starts_with('-') && !"chaos".contains(filter) => return Invocation::Nothing,
                _ => {}
            }
        }
        if options.flows == usize::MAX {
            options.flows = options.jobs / 25;
        }
        if options.faults_for.is_zero() {
            // As many jobs as two cores handle under faults.
            options.faults_for = Duration::from_secs_f64((options.work() / 160.0).max(30.0));
        }
        Invocation::Run(options)
    }

    /// The approximate number of jobs; a workflow has seven steps on average.
    fn work(&self) -> f64 {
        (self.jobs + 7 * self.flows) as f64
    }

    /// The slots of each worker: three times what the work needs, because a job is claimed again at once only while a slot is
    /// free.
    pub fn slots(&self) -> usize {
        let busy = self.work() / self.faults_for.as_secs_f64() * self.long * self.lease.as_secs_f64();
        ((busy * 3.0 / self.nodes as f64).ceil() as usize).max(16)
    }

    /// The command that repeats this run.
    pub fn command(&self) -> String {
        let max_reclaim = self.max_reclaim.map(|it| format!(" --max-reclaim {it}")).unwrap_or_default();
        let mutant = self.mutant.as_ref().map(|it| format!(" --mutant {it}")).unwrap_or_default();
        format!(
            "cargo test --release --features chaos --test chaos -- --jobs {} --flows {} --seed {} --seconds {} --nodes {} --remotes {} --projects {} --lease {} --long {}{max_reclaim}{mutant}",
            self.jobs,
            self.flows,
            self.seed,
            self.faults_for.as_secs(),
            self.nodes,
            self.remotes,
            self.projects,
            self.lease.as_secs_f64(),
            self.long
        )
    }
}

/// The value after a word of the command line.
fn option<T: std::str::FromStr>(name: &str) -> Option<T> {
    let mut words = std::env::args().skip_while(|word| word != name).skip(1);
    words.next()?.parse().ok()
}

fn value<T: std::str::FromStr>(words: &mut impl Iterator<Item = String>) -> T {
    words.next().and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("{HELP}"))
}

/// The directory of this run, which the user of PostgreSQL can traverse.
pub fn folder() -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let folder = std::env::temp_dir().join(format!("provost-chaos-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}
