//! Which checks are run: from the level and the names of the command line.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use super::packs::{self, PACKS, Pack};
use super::routes::{self, Route};
use super::table::{Check, Force, Script, all};
use crate::cli::client::check::{CheckOptions, Level};
use crate::command::error::CommandError;

/// A check that is to be run.
#[derive(Debug, Clone)]
pub struct Selected {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Its level.
    pub level: Level,
    /// What stands behind it.
    pub force: Force,
    /// The section that decides.
    pub section: Cow<'static, str>,
    /// The rule, in a sentence.
    pub asks: Cow<'static, str>,
    /// What a right answer looks like.
    pub right: Cow<'static, str>,
    /// What it does.
    pub task: Task,
    /// The points for passing it.
    pub points: f64,
}

/// What a check does.
#[derive(Debug, Clone)]
pub enum Task {
    /// A row of the tables.
    Script(Script),
    /// A route of `--expect` or of a pack.
    Route(Route),
}

/// Returns the checks that the command line asks for, in order.
///
/// # Errors
/// A name that no check has; a file that cannot be read.
pub fn select(options: &CheckOptions) -> Result<Vec<Selected>, CommandError> {
    for name in options.only.iter().chain(&options.skip) {
        // The routes of --expect and of packs are checked in any case; --only routes: nothing else is.
        if name != "routes" && !all().any(|(_, check, _)| check.is_named(name)) {
            return Err(CommandError::Usage(format!(
                "no check is named {name:?}; right: a name or a group of client check --list"
            )));
        }
    }
    let packs = packs(options)?;
    let packed = packs.iter().flat_map(|pack| pack.checks);
    let chosen: Vec<&str> =
        options.only.iter().map(String::as_str).chain(packed.copied()).collect();
    let usual = match chosen.is_empty() && !options.list {
        true => Level::Http11,
        false => Level::Secure,
    };
    let last = options.level.unwrap_or(usual);
    let is_wanted = |level: Level, check: &Check, usual: bool| {
        level <= last
            && (chosen.is_empty() && (usual || options.list)
                || chosen.iter().any(|name| check.is_named(name)))
            && !options.skip.iter().any(|name| check.is_named(name))
    };
    let wanted = all().filter(|&(level, check, usual)| is_wanted(level, check, usual));
    let mut checks: Vec<Selected> =
        wanted.map(|(level, check, _)| selected(level, check)).collect();
    checks.sort_by_key(|check| check.level);
    for pack in packs {
        let routes = routes::parse(pack.routes).map_err(CommandError::Usage)?;
        checks
            .extend(routes.into_iter().map(|route| expected(route, format!("pack {}", pack.name))));
    }
    if let Some(path) = &options.expect {
        let text = read(path)?;
        let routes = routes::parse(&text).map_err(|what| wrong_file(path, &what))?;
        checks.extend(routes.into_iter().map(|route| expected(route, "--expect".to_owned())));
    }
    if let Some(path) = &options.points {
        set_points(&mut checks, &read(path)?).map_err(|what| wrong_file(path, &what))?;
    }
    Ok(checks)
}

fn packs(options: &CheckOptions) -> Result<Vec<&'static Pack>, CommandError> {
    let pack = |name: &String| {
        let found = PACKS.iter().find(|pack| pack.name == name);
        found.ok_or_else(|| {
            CommandError::Usage(format!("no pack is named {name:?}; right: {}", packs::names()))
        })
    };
    options.packs.iter().map(pack).collect()
}

fn read(path: &Path) -> Result<String, CommandError> {
    fs::read_to_string(path)
        .map_err(|error| CommandError::ReadData(path.display().to_string(), error))
}

/// Returns the error of a file of the command line that says something wrong.
pub fn wrong_file(path: &Path, what: &str) -> CommandError {
    CommandError::Failed(26, format!("{}: {what}", path.display()))
}

fn selected(level: Level, check: &Check) -> Selected {
    Selected {
        name: check.name.into(),
        level,
        force: check.force,
        section: check.section.into(),
        asks: check.asks.into(),
        right: check.right.into(),
        task: Task::Script(check.script),
        points: check.force.points(),
    }
}

/// Returns the check of a route; `from` says where it is written.
fn expected(route: Route, from: String) -> Selected {
    Selected {
        name: route.name().into(),
        level: Level::First,
        force: Force::Asked,
        section: from.into(),
        asks: "The route answers as it is written down.".into(),
        right: route.right().into(),
        points: Force::Asked.points(),
        task: Task::Route(route),
    }
}

/// Sets points as the lines of a file say: a name, a group or `*`, and a number. The last line for a check counts.
fn set_points(checks: &mut [Selected], text: &str) -> Result<(), String> {
    for (at, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let wrong = |what: &str| format!("line {}: {what}; right: host.missing 2", at + 1);
        let (name, points) = match words[..] {
            [] => continue,
            [first, ..] if first.starts_with('#') => continue,
            [name, points] => (name, points),
            _ => return Err(wrong("a line is a name and a number")),
        };
        let points = points.parse::<f64>().ok().filter(|points| (0.0..=1e6).contains(points));
        let points = points.ok_or_else(|| wrong("the points are not a number from 0 on"))?;
        if name != "routes" && !all().any(|(_, check, _)| check.is_named(name)) {
            return Err(wrong(&format!("no check is named {name:?}")));
        }
        for check in checks.iter_mut().filter(|check| is_named(&check.name, name)) {
            check.points = points;
        }
    }
    Ok(())
}

/// Returns true if this is the name of a check, of its group, or a pattern `group.be*`.
pub fn is_named(check: &str, name: &str) -> bool {
    match name.strip_suffix('*') {
        Some(begin) => check.starts_with(begin),
        None => {
            check.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        }
    }
}
