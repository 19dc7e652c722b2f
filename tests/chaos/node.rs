//! One server: API, worker and scheduler, with a proxy to the database and perhaps a fake clock.

use std::net::TcpListener;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use crate::harness::Proxy;
use crate::options::Options;
use crate::process::{Process, Ready};
use crate::{projects, remote};

pub struct Node {
    process: Process,
    pub url: String,
    pub port: u16,
    /// The file that sets its clock, if it is fake.
    clock: Option<PathBuf>,
}

impl Deref for Node {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

/// The path of libfaketime.
pub fn faketime() -> Option<PathBuf> {
    let places =
        ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib"];
    let files = places.iter().map(|place| Path::new(place).join("faketime/libfaketimeMT.so.1"));
    files.into_iter().find(|file| file.exists())
}

impl Node {
    pub fn new(number: usize, options: &Options, folder: &Path, database: &str, tenants: &str, jumps: bool) -> Self {
        let proxy = Proxy::before(database);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (name, url) = (format!("node-{number}"), format!("http://127.0.0.1:{port}"));
        let mut settings = vec![
            ("DATABASE_URL", proxy.url(database)),
            ("PROVOST_LISTEN", format!("127.0.0.1:{port}")),
            ("PROVOST_LEASE_TTL", format!("{}ms", options.lease.as_millis())),
            ("PROVOST_POLL_INTERVAL", "500ms".into()),
            ("PROVOST_WORKER_CONCURRENCY", options.slots().to_string()),
            ("PROVOST_DATABASE_WAIT", "2m".into()),
            ("PROVOST_SECRET_KEY", projects::KEY.into()),
            ("TENANTS_URL", tenants.into()),
            ("PROVOST_WORKER_TOKEN", remote::TOKEN.into()),
            ("PROVOST_MUTANT", options.mutant.clone().unwrap_or_default()),
        ];
        let clock = faketime().filter(|_| jumps).map(|library| (library, folder.join(format!("{name}.clock"))));
        if let Some((library, file)) = &clock {
            std::fs::write(file, "+0\n").unwrap();
            settings.extend([
                ("LD_PRELOAD", library.display().to_string()),
                ("FAKETIME_TIMESTAMP_FILE", file.display().to_string()),
                ("FAKETIME_CACHE_DURATION", "1".into()),
                ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
            ]);
        }
        let process = Process::new(name, folder, proxy, Ready::Responds(url.clone()), &[], settings);
        Self { process, url, port, clock: clock.map(|(_, file)| file) }
    }

    pub fn can_jump(&self) -> bool {
        self.clock.is_some()
    }

    pub fn jump(&self, seconds: i64) {
        if let Some(file) = &self.clock {
            std::fs::write(file, format!("{seconds:+}\n")).unwrap();
        }
    }
}
