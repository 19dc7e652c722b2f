//! Value axes of charts.

use crate::web::ui::chart::HEIGHT;
use crate::web::ui::decimal;

/// A value axis from zero in round steps.
pub struct Scale {
    step: f64,
    steps: u32,
}

impl Scale {
    /// For counts: no step is smaller than one.
    pub fn whole(peak: u64) -> Self {
        Self::with_step(peak as f64, round_step(peak as f64 / 4.0).max(1.0))
    }

    pub fn fractional(peak: f64) -> Self {
        Self::with_step(peak, round_step(peak / 4.0))
    }

    fn with_step(peak: f64, step: f64) -> Self {
        Self { step, steps: ((peak / step - 1e-9).ceil() as u32).max(1) }
    }

    pub fn height(&self, value: f64) -> f64 {
        HEIGHT * value / self.end()
    }

    /// The value at the end of the axis.
    pub fn end(&self) -> f64 {
        self.step * f64::from(self.steps)
    }

    /// Highest first.
    pub fn labels(&self, text: impl Fn(f64) -> String) -> Vec<String> {
        (0..=self.steps).rev().map(|step| text(self.step * f64::from(step))).collect()
    }

    pub fn grid(&self) -> Vec<String> {
        (0..=self.steps).map(|step| decimal(HEIGHT * f64::from(step) / f64::from(self.steps))).collect()
    }
}

/// The smallest of 1, 2, 5, 10, 20, 50, … (and their tenths) that is not below `min`.
fn round_step(min: f64) -> f64 {
    let min = min.max(1e-3);
    let power = 10_f64.powf(min.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= min * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        let steps = [(0.3, 0.5), (1.0, 1.0), (1.1, 2.0), (3.0, 5.0), (5.1, 10.0), (75.0, 100.0)];
        steps.iter().for_each(|(min, step)| assert!((round_step(*min) - step).abs() < 1e-9, "{min}"));
    }
}
