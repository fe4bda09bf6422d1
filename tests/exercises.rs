//! The exercises of the coursework. Each skeleton fails at its first step, which `make lab-N` names; each solution of
//! the manual, put into its skeleton, passes. The experiments that belong to them show what the manual shows.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::client::client;
use crate::manual::{self, blocks};
use crate::support::{Folder, needs, root, run};

/// The line of a skeleton after which the student writes.
const YOURS: &str = "// Your part begins here.\n";

/// The check of an exercise, or an experiment. `program` is the exercise.
fn script(name: &str, program: Option<&Path>) -> (Option<i32>, String) {
    let program = program.map(|program| format!("'{}'", program.display()));
    manual::script(&format!("bin/labs/{name}"), &program.into_iter().collect::<Vec<_>>())
}

/// Returns the skeletons, in order.
fn skeletons() -> Vec<PathBuf> {
    let folder = root().join("examples/labs").read_dir().unwrap();
    let mut files: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn check_of(skeleton: &Path) -> String {
    format!("{}.sh", skeleton.file_stem().unwrap().to_str().unwrap())
}

/// Compiles the solution of exercise N, as `make lab-N` does.
fn solution(number: usize, folder: &Folder) -> PathBuf {
    let skeleton = fs::read_to_string(&skeletons()[number - 1]).unwrap();
    let (given, _) = skeleton.split_once(YOURS).expect("the skeleton has the line");
    let solution = &blocks("solutions.md", "rust,ignore")[number - 1];
    let source = folder.join("solution.rs");
    fs::write(&source, format!("{given}{YOURS}{solution}")).unwrap();
    let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let libraries = deps.read_dir().unwrap().map(|entry| entry.unwrap().path()).filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("libthreadbare-") && name.ends_with(".rlib")
    });
    let newest = libraries.max_by_key(|path| path.metadata().unwrap().modified().unwrap()).unwrap();
    let program = folder.join("solution");
    let compiled = run(
        Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()))
            .args(["--edition", "2024", "-D", "warnings", "-L"])
            .arg(&deps)
            .arg("--extern")
            .arg(format!("threadbare={}", newest.display()))
            .arg("-o")
            .args([&program, &source]),
        b"",
    );
    assert_eq!(compiled.code, Some(0), "exercise {number}: {}", compiled.stderr);
    program
}

fn passes(number: usize) {
    let folder = Folder::new();
    let program = solution(number, &folder);
    let (code, said) = script(&check_of(&skeletons()[number - 1]), Some(&program));
    assert_eq!((code, said.lines().last()), (Some(0), Some("PASS")), "exercise {number}: {said}");
}

/// Returns the program that cargo has made of skeleton N.
fn compiled(number: usize) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join(format!("examples/lab-{number}"));
    assert!(program.is_file(), "{program:?} is not built; right: cargo build --examples");
    program
}

/// `make test` passes in a student's tree, too: a file from which "not written yet" has gone may be at any step.
fn is_untouched(skeleton: &Path) -> bool {
    fs::read_to_string(skeleton).unwrap().contains("not written yet")
}

#[test]
fn each_skeleton_is_short_and_fails_at_its_first_step() {
    let skeletons = skeletons();
    assert_eq!(skeletons.len(), 7);
    thread::scope(|scope| {
        for (skeleton, number) in skeletons.iter().zip(1..).filter(|(it, _)| is_untouched(it)) {
            scope.spawn(move || fails_at_first(skeleton, number));
        }
    });
}

fn fails_at_first(skeleton: &Path, number: usize) {
    let text = fs::read_to_string(skeleton).unwrap();
    let lines = text.lines().count();
    assert!((35..=100).contains(&lines), "{skeleton:?} has {lines} lines");
    let heading = format!("//! Exercise {number}: ");
    assert!(text.starts_with(&heading) && text.contains(YOURS), "{skeleton:?}");
    let (code, said) = script(&check_of(skeleton), Some(&compiled(number)));
    let (last, read) = (said.lines().last().unwrap_or_default(), said.contains("\nRead: "));
    assert!(code == Some(1) && last.starts_with("FAIL: step 1 of ") && read, "{said}");
    // The list at the top of the file has the same steps.
    let steps = last.split([' ', ':']).nth(5).unwrap().parse();
    let is_step =
        |line: &&str| line.trim_start_matches("//! ").starts_with(|c: char| c.is_ascii_digit());
    assert_eq!(Ok(text.lines().filter(is_step).count()), steps, "{skeleton:?}");
}

#[test]
fn exercise_1_is_solved() {
    passes(1);
}

#[test]
fn exercise_2_is_solved() {
    passes(2);
}

#[test]
fn exercise_3_is_solved() {
    passes(3);
}

#[test]
fn exercise_4_is_solved() {
    passes(4);
}

#[test]
fn exercise_5_is_solved() {
    passes(5);
}

#[test]
fn exercise_6_is_solved() {
    passes(6);
}

#[test]
fn exercise_7_is_solved() {
    passes(7);
}

/// Returns what `make TARGET` prints in the manual.
fn shown(target: &str) -> String {
    let start = format!("$ make {target}\n");
    let blocks = blocks("coursework.md", "text");
    let found = blocks.iter().find_map(|block| block.strip_prefix(&start));
    found.unwrap_or_else(|| panic!("the manual does not show make {target}")).to_owned()
}

/// Leaves out what differs from run to run: ports and times.
fn masked(text: &str) -> String {
    let mask = |line: &str| match line.split_once("localhost:") {
        Some((before, _)) => before.to_owned(),
        None => line.replace(|c: char| c.is_ascii_digit(), "0"),
    };
    text.lines().map(|line| mask(line) + "\n").collect()
}

#[test]
fn the_first_failure_is_the_one_that_the_manual_shows() {
    let skeleton = &skeletons()[0];
    if is_untouched(skeleton) {
        let (_, said) = script(&check_of(skeleton), Some(&compiled(1)));
        assert_eq!(masked(&said), masked(&shown("lab-1")));
    }
}

/// Nothing in these two depends on the machine or on the time.
#[test]
fn connections_and_the_lost_update_are_watched_as_the_manual_shows() {
    for (target, name) in
        [("watch-2", "watch-2-connections.sh"), ("watch-3", "watch-3-lost-update.sh")]
    {
        assert_eq!(script(name, None).1, shown(target), "{target}");
    }
}

/// The seed decides what is lost; only the number of reordered ones depends on the machine.
#[test]
fn losses_are_watched_as_the_manual_shows() {
    let without_reordered = |text: &str| {
        let rows = text.lines().filter(|line| !line.contains(" late "));
        rows.map(str::to_owned).collect::<Vec<_>>()
    };
    let (code, said) = script("watch-6-losses.sh", None);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(without_reordered(&said), without_reordered(&shown("watch-6")));
}

#[test]
fn workers_and_starvation_are_watched() {
    for name in ["watch-4-starve.sh", "watch-4-workers.sh"] {
        if name == "watch-4-starve.sh" && !needs("nc") {
            continue;
        }
        let (code, said) = script(name, None);
        assert_eq!((code, said.lines().last()), (Some(0), Some("PASS")), "{name}: {said}");
    }
}

/// With the cache of the manual's solution.
#[test]
fn the_time_to_live_is_watched() {
    let folder = Folder::new();
    let program = solution(7, &folder);
    let (code, said) = script("watch-7-time-to-live.sh", Some(&program));
    assert_eq!((code, said.lines().last()), (Some(0), Some("PASS")), "{said}");
}

/// The table of the usual assignments: its exercises, examples and packs exist, and its flags are flags.
#[test]
fn the_table_of_assignments_names_what_exists() {
    let page = fs::read_to_string(root().join("src/manual/coursework.md")).unwrap();
    let (_, table) = page.split_once("\n# The usual assignments\n").unwrap();
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let spans: Vec<&str> = table.split('`').skip(1).step_by(2).collect();
    assert!(spans.iter().filter(|span| span.starts_with("make lab-")).count() >= 6);
    for span in &spans {
        let after =
            |start: &str| span.split_once(start).and_then(|(_, rest)| rest.split(' ').next());
        if let Some(number) = after("make lab-") {
            assert!((1..=7).contains(&number.parse::<u32>().unwrap()), "{span}");
        }
        if let Some(name) = after("--example ") {
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{span}");
        }
        if let Some(pack) = after("--pack ") {
            let listed = client(&["check", "--list", "--pack", pack]).output().unwrap();
            assert!(listed.status.success(), "{span}");
        }
    }
    let help: String =
        [&["--help", "all"][..], &["check", "--help"], &["bench", "--help"], &["ping", "--help"]]
            .iter()
            .chain(&[&["experiment", "--help"][..], &["dns", "--help"]])
            .map(|args| String::from_utf8(client(args).output().unwrap().stdout).unwrap())
            .collect();
    let server = Command::new(env!("CARGO_BIN_EXE_server")).arg("--help").output().unwrap();
    let help = help + &String::from_utf8(server.stdout).unwrap();
    for flag in spans.iter().flat_map(|span| span.split(' ')).filter(|word| word.starts_with("--"))
    {
        let is_one = ["--example"].contains(&flag) || help.contains(&format!("{flag} "));
        assert!(is_one, "no program has {flag}");
    }
}

#[test]
fn make_lists_the_exercises() {
    if needs("make") {
        let make = |target: &str| {
            let mut command = Command::new("make");
            command.args(["-s", target]).current_dir(root()).env_remove("MAKEFLAGS");
            let ended = run(&mut command, b"");
            (ended.code, String::from_utf8(ended.stdout).unwrap())
        };
        let (_, list) = make("lab");
        let names = list.lines().map(|line| line.split(':').next().unwrap());
        let right = (1..=7).map(|number| format!("lab-{number}"));
        assert!(names.eq(right), "{list}");
        let (code, said) = make("lab-9");
        assert!(code != Some(0) && said.contains(&list), "{said}");
    }
}
