//! What the run shall be like.

use std::path::PathBuf;
use std::time::Duration;

const HELP: &str = "cargo test --release --features chaos --test chaos -- [--jobs 100000] [--flows N] [--seed 7] [--seconds N] [--nodes 3] [--remotes 2] \
[--lease SECONDS] [--long SHARE] [--mutant NAME] [--keep]";

#[derive(Clone, Debug)]
pub struct Options {
    pub jobs: usize,
    /// How many workflows there are besides; one for each 25 jobs, unless said otherwise.
    pub flows: usize,
    pub seed: u64,
    /// How long jobs are created, at least. Faults happen until the last one is acknowledged.
    pub faults_for: Duration,
    pub nodes: usize,
    /// How many workers there are that know a server, and no database.
    pub remotes: usize,
    pub lease: Duration,
    /// The share of jobs that take half a lease to one and a half.
    pub long: f64,
    /// Which guard of the servers is broken, if one is.
    pub mutant: Option<String>,
    /// Whether the folder with the logs stays.
    pub keep: bool,
}

/// Whether there is anything to run.
pub enum Asked {
    Run(Options),
    Nothing,
}

impl Options {
    /// Reads the command line. What the usual test harness understands is let pass; a filter that is not ours means that
    /// other tests are wanted.
    pub fn read() -> Asked {
        let mut options = Self {
            jobs: 1500,
            flows: usize::MAX,
            seed: 7,
            faults_for: Duration::ZERO,
            nodes: 3,
            remotes: 2,
            lease: Duration::from_secs(3),
            long: 0.01,
            mutant: None,
            keep: false,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--jobs" => options.jobs = value(&mut words),
                "--flows" => options.flows = value(&mut words),
                "--seed" => options.seed = value(&mut words),
                "--seconds" => options.faults_for = Duration::from_secs_f64(value(&mut words)),
                "--nodes" => options.nodes = value::<usize>(&mut words).max(2),
                "--remotes" => options.remotes = value(&mut words),
                "--lease" => options.lease = Duration::from_secs_f64(value(&mut words)),
                "--long" => options.long = value(&mut words),
                "--mutant" => options.mutant = Some(value(&mut words)),
                "--keep" => options.keep = true,
                "--list" | "--help" => {
                    println!("{HELP}");
                    return Asked::Nothing;
                }
                "--skip" if words.next().is_some_and(|it| "chaos".contains(it.as_str())) => return Asked::Nothing,
                "--test-threads" | "-Z" => _ = words.next(),
                filter if !filter.starts_with('-') && !"chaos".contains(filter) => return Asked::Nothing,
                _ => {}
            }
        }
        if options.flows == usize::MAX {
            options.flows = options.jobs / 25;
        }
        if options.faults_for.is_zero() {
            // As many jobs as two cores carry while they are also being disturbed.
            options.faults_for = Duration::from_secs_f64((options.work() / 160.0).max(30.0));
        }
        Asked::Run(options)
    }

    /// How many jobs that makes, about: a workflow has seven steps on average.
    fn work(&self) -> f64 {
        (self.jobs + 7 * self.flows) as f64
    }

    /// How many slots each worker has, in a server or elsewhere: three times what the work needs, because "lease + 2 s" is promised where a slot is free.
    pub fn slots(&self) -> usize {
        let busy = self.work() / self.faults_for.as_secs_f64() * self.long * self.lease.as_secs_f64();
        ((busy * 3.0 / self.nodes as f64).ceil() as usize).max(16)
    }

    /// The one command that does the same again.
    pub fn command(&self) -> String {
        let mutant = self.mutant.as_ref().map(|it| format!(" --mutant {it}")).unwrap_or_default();
        format!(
            "cargo test --release --features chaos --test chaos -- --jobs {} --flows {} --seed {} --seconds {} --nodes {} --remotes {} --lease {} --long {}{mutant}",
            self.jobs,
            self.flows,
            self.seed,
            self.faults_for.as_secs(),
            self.nodes,
            self.remotes,
            self.lease.as_secs_f64(),
            self.long
        )
    }
}

fn value<T: std::str::FromStr>(words: &mut impl Iterator<Item = String>) -> T {
    words.next().and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("{HELP}"))
}

/// A folder of this run, which PostgreSQL's user can pass through.
pub fn folder() -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let folder = std::env::temp_dir().join(format!("provost-chaos-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}
