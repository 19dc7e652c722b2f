//! `provost bench`: runs the benchmark program, which is a separate binary so that `provost` does not contain it.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use super::exit::Exit;

/// The name of the benchmark program. Cargo builds it in the folder of `provost`.
const PROGRAM: &str = "provost-bench";

/// Replaces this process with the benchmark program. Returns only if that program cannot be started.
pub fn run(arguments: &[OsString]) -> Exit {
    let sibling = std::env::current_exe().ok().map(|it| it.with_file_name(PROGRAM)).filter(|it| it.is_file());
    let program = sibling.unwrap_or_else(|| PathBuf::from(PROGRAM));
    let error = Command::new(program).args(arguments).exec();
    eprintln!("provost: {PROGRAM} cannot be started: {error}");
    eprintln!("  try: cargo build --release --workspace, then run provost bench from the same folder");
    Exit::Failure
}
