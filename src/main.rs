//! Parses, dispatches, returns. Everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    provost::cli::main()
}
