//! The result of one run.

use super::usage::Usage;

/// One run.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// Jobs (or other units) per second.
    pub rate: f64,
    /// CPU of PostgreSQL per unit, in microseconds.
    pub server_us: Option<f64>,
    /// WAL per unit, in bytes.
    pub wal_bytes: Option<f64>,
    /// Our own CPU per unit, in microseconds.
    pub client_us: Option<f64>,
    /// Further columns.
    pub more: Vec<(&'static str, f64)>,
}

impl Sample {
    pub fn of(n: f64, seconds: f64, spent: Usage, client_cpu: Option<f64>) -> Self {
        let each = |cost: f64| cost / n.max(1.0);
        Self {
            rate: n / seconds.max(1e-9),
            server_us: spent.cpu.map(|it| each(it * 1e6)),
            wal_bytes: spent.wal.map(each),
            client_us: client_cpu.map(|it| each(it * 1e6)),
            more: Vec::new(),
        }
    }

    pub fn at_rate(self, rate: f64) -> Self {
        Self { rate, ..self }
    }

    pub fn with(mut self, name: &'static str, value: f64) -> Self {
        self.more.push((name, value));
        self
    }
}
