//! What is embedded by name: cargo does not see these files, so a change must be pointed out to it. Assets are thinned on
//! the way, because a page should weigh little while its source stays readable.

use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    for folder in ["sql", "templates", "static"] {
        println!("cargo:rerun-if-changed={folder}");
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    for name in ["app.css", "live.js", "keys.js"] {
        let text = std::fs::read_to_string(Path::new("static").join(name))?;
        std::fs::write(out.join(name), thin(&text, name.ends_with(".css")))?;
    }
    println!("cargo:rustc-env=BUILT_WITH={}", rustc_version().unwrap_or_default());
    Ok(())
}

/// Without indentation, empty lines, and lines or blocks of comment. Nothing cleverer: our own files keep to it.
fn thin(text: &str, is_css: bool) -> String {
    let mut rest = text;
    let mut kept = String::new();
    while let Some((before, after)) = rest.split_once("/*").filter(|_| is_css) {
        kept.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    if is_css {
        // What is read by people has a space on both sides of much that needs none.
        for (spaced, tight) in
            [(" {", "{"), ("{ ", "{"), ("; ", ";"), (": ", ":"), (", ", ","), (";}", "}"), (" }", "}")]
        {
            kept = kept.replace(spaced, tight);
        }
    }
    let lines = kept.lines().map(str::trim).filter(|line| !line.is_empty() && (is_css || !line.starts_with("//")));
    lines.collect::<Vec<_>>().join("\n")
}

fn rustc_version() -> Option<String> {
    let rustc = std::env::var_os("RUSTC")?;
    let output = std::process::Command::new(rustc).arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
