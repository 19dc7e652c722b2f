//! The banner of a started server: addresses, database, and what to do next.

use std::io::Write;
use std::net::SocketAddr;

use crate::config::Config;

pub struct Banner<'a> {
    pub config: &'a Config,
    pub listen: Option<SocketAddr>,
    pub database: String,
    pub ready_in: std::time::Duration,
}

impl Banner<'_> {
    /// Prints to stdout. A closed stdout must not end the server.
    pub fn print(&self) {
        let mut out = std::io::stdout().lock();
        _ = self.write(&mut out).and_then(|()| out.flush());
    }

    fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        let Self { config, listen, database, ready_in } = self;
        writeln!(out, "provost {}", env!("CARGO_PKG_VERSION"))?;
        if let Some(at) = listen {
            let host = local_host(at);
            writeln!(out, "  Dashboard   http://{host}/dashboard")?;
            writeln!(out, "  API         http://{host}/projects   (see /openapi.json)")?;
            writeln!(out, "  Metrics     http://{host}/metrics")?;
        }
        writeln!(out, "  Database    {database}")?;
        if config.roles.worker {
            writeln!(out, "  Workers     {} slots in this process", config.worker_concurrency)?;
        }
        writeln!(out, "Ready in {:.1} s. Press Ctrl-C to stop; no work is lost.", ready_in.as_secs_f64())?;
        if let (Some(at), None) = (listen, &config.admin_token) {
            writeln!(
                out,
                "Next: open the dashboard, or run\n  curl -X POST http://{at}/projects -H 'content-type: application/json' -d '{{\"name\": \"my-first\"}}'"
            )?;
        }
        Ok(())
    }
}

/// The host and port that reach this address from the local machine.
pub fn local_host(at: &SocketAddr) -> String {
    if at.ip().is_unspecified() { format!("localhost:{}", at.port()) } else { at.to_string() }
}
