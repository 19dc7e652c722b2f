//! All cells, in the order of the seed, and the report.

use std::collections::BTreeMap;
use std::time::Instant;

use provost::domain::OperationKind;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::play::{Finding, play};
use super::{Cell, Fault, Point, Selection, Stage, observe};

/// The cells of a selection.
pub fn cells_of(selection: &Selection) -> Vec<Cell> {
    let mut cells = Vec::new();
    // An adoption has the steps of a creation.
    for operation in OperationKind::ALL.iter().filter(|it| **it != OperationKind::Adopt) {
        for step in observe::steps(*operation) {
            for point in Point::ALL.iter().filter(|it| has(*operation, step, **it)) {
                for fault in Fault::ALL {
                    cells.push(Cell { operation: *operation, step: step.to_owned(), point: *point, fault: *fault });
                }
            }
        }
    }
    cells.retain(|cell| selection.includes(cell));
    cells.shuffle(&mut StdRng::seed_from_u64(selection.seed));
    cells
}

/// Whether a step has this point.
fn has(operation: OperationKind, step: &str, point: Point) -> bool {
    match point {
        Point::Inside => {
            [(OperationKind::Create, "database"), (OperationKind::Clone, "copy")].contains(&(operation, step))
        }
        Point::Between => ["owner_role", "database", "copy", "hand_over", "grants", "credential"].contains(&step),
        _ => true,
    }
}

/// The outcome of a run.
pub struct Report {
    pub findings: Vec<Finding>,
}

impl Report {
    pub fn broken(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|it| !it.wrong.is_empty())
    }

    /// The cells whose fault hit another place.
    pub fn missed(&self) -> usize {
        self.findings.iter().filter(|it| it.missed).count()
    }

    /// Prints the number of cells by operation and step, and every finding.
    pub fn print(&self) {
        let mut counts: BTreeMap<(String, &str), (usize, usize)> = BTreeMap::new();
        for Finding { cell, wrong, .. } in &self.findings {
            let (all, broken) = counts.entry((cell.operation.to_string(), &cell.step)).or_default();
            (*all, *broken) = (*all + 1, *broken + usize::from(!wrong.is_empty()));
        }
        println!("\n{:10} {:18} {:>6} {:>7}", "operation", "step", "cells", "broken");
        for ((operation, step), (all, broken)) in &counts {
            println!("{operation:10} {step:18} {all:>6} {broken:>7}");
        }
        for Finding { cell, wrong, .. } in self.broken() {
            println!("\nBROKEN  {cell}");
            wrong.iter().for_each(|it| println!("    {it}"));
        }
        let (all, broken, missed) = (self.findings.len(), self.broken().count(), self.missed());
        println!("\n{all} cells, {broken} broken, {missed} missed their place on a busy machine");
    }
}

/// Plays all cells of a selection. The cells of one point and one fault are interrupted together.
pub async fn run(selection: &Selection, prints: bool) -> Report {
    let mut stage = Stage::new(selection.mutant.as_deref()).await;
    let mut groups: Vec<Vec<Cell>> = Vec::new();
    for cell in cells_of(selection) {
        let same = |group: &&mut Vec<Cell>| group.iter().all(|it| (it.point, it.fault) == (cell.point, cell.fault));
        match groups.iter_mut().find(same) {
            Some(group) => group.push(cell),
            None => groups.push(vec![cell]),
        }
    }
    let mut findings = Vec::new();
    for group in groups {
        let started = Instant::now();
        let found = play(&mut stage, &group).await;
        if prints {
            let broken = found.iter().filter(|it| !it.wrong.is_empty()).count();
            let (point, fault) = (group[0].point, group[0].fault);
            let took = started.elapsed().as_secs_f64();
            println!("  {point:9} {fault:10} {:3} cells, {broken} broken  {took:6.1} s", group.len());
        }
        findings.extend(found);
    }
    Report { findings }
}
