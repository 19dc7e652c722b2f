//! Cargo does not see files that are embedded by name; a new statement, page or asset must still be noticed.
fn main() {
    for folder in ["sql", "templates", "static"] {
        println!("cargo:rerun-if-changed={folder}");
    }
    println!("cargo:rustc-env=PROVOST_RUSTC={}", rustc_version().unwrap_or_default());
}

fn rustc_version() -> Option<String> {
    let rustc = std::env::var_os("RUSTC")?;
    let output = std::process::Command::new(rustc).arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
