//! `--version`: the version, and the optional features of this build, as curl lists its own.

/// The features of `Cargo.toml` that users notice, by name, and whether they are built in.
const FEATURES: &[(&str, bool)] = &[
    ("auth", cfg!(feature = "auth")),
    ("inflate", cfg!(feature = "inflate")),
    ("tls", cfg!(feature = "tls")),
];

/// Returns the lines of the program with this name.
pub(super) fn version(program: &str) -> String {
    let built = FEATURES.iter().filter(|(_, is_built)| *is_built).map(|(name, _)| *name);
    let built: Vec<&str> = built.collect();
    let features = if built.is_empty() { "none".to_owned() } else { built.join(" ") };
    format!("{program} (threadbare) {}\nFeatures: {features}\n", env!("CARGO_PKG_VERSION"))
}
