//! Checks the coverage page of the manual: every row is complete, every test that it names exists, and
//! no section with a requirement is missing.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::support::root;

/// The sections with a MUST or a SHOULD, or an equivalent word: all of RFC 9112.
const RFC_9112: &str = "2.2 2.3 3 3.2 3.2.1 3.2.2 3.2.3 3.2.4 4 5.1 5.2 6.1 6.2 6.3 7.1 7.1.1 7.1.2 \
    7.2 7.3 7.4 8 9.2 9.3 9.3.2 9.5 9.6 9.7 9.8 10.1";

/// Of RFC 9110: 5 to 9, 10.1.1, 12.5.3, and 13 to 15.
const RFC_9110: &str = "5.1 5.3 5.4 5.5 5.6.1.1 5.6.1.2 5.6.3 5.6.4 5.6.7 6 6.2 6.5.1 6.5.2 6.6.1 \
    6.6.2 7.1 7.2 7.4 7.5 7.6 7.6.1 7.6.2 7.6.3 7.7 7.8 8.3 8.3.3 8.4 8.4.1.1 8.4.1.3 8.6 8.7 8.8.1 \
    8.8.2.1 8.8.3 8.8.3.1 9.1 9.2.1 9.2.2 9.3.1 9.3.2 9.3.3 9.3.4 9.3.5 9.3.6 9.3.7 9.3.8 10.1.1 \
    12.5.3 13.1.1 13.1.2 13.1.3 13.1.4 13.1.5 13.2.1 13.2.2 14.1.2 14.2 14.3 14.4 14.5 15 15.2 \
    15.2.2 15.3.1 15.3.6 15.3.7 15.3.7.1 15.3.7.2 15.3.7.3 15.4 15.4.1 15.4.2 15.4.3 15.4.5 15.4.8 \
    15.4.9 15.5 15.5.2 15.5.4 15.5.6 15.5.7 15.5.8 15.5.10 15.5.14 15.5.17 15.5.20 15.5.22 15.6 \
    15.6.6";

/// Of the RFCs on DNS, what is said of messages and master files.
const RFC_1035: &str = "2.3.3 2.3.4 3.2.1 3.3 4.1 4.1.1 4.1.2 4.1.3 4.1.4 5.1 5.2";
const RFC_2181: &str = "8 9 11";
const RFC_3597: &str = "3 4 5";
const RFC_6891: &str = "6.1.1 6.1.2 6.1.3 6.1.4";

/// The RFCs of the page, and their sections.
const RFCS: [(&str, &str); 6] = [
    ("9112", RFC_9112),
    ("9110", RFC_9110),
    ("1035", RFC_1035),
    ("2181", RFC_2181),
    ("3597", RFC_3597),
    ("6891", RFC_6891),
];

/// A row: the RFC of its part of the page, and its cells.
type Row = (&'static str, Vec<String>);

fn known(number: &str) -> Option<&'static str> {
    RFCS.iter().map(|(rfc, _)| *rfc).find(|rfc| *rfc == number)
}

/// Returns the rows of all tables: requirements with tests, and requirements with a reason instead.
fn rows() -> (Vec<Row>, Vec<Row>) {
    let page = fs::read_to_string(root().join("src/manual/coverage.md")).unwrap();
    let (mut held, mut reasoned) = (Vec::new(), Vec::new());
    let mut part = None;
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("# ") {
            let number = title.strip_prefix("RFC ").and_then(|title| title.split(':').next());
            part = known(number.unwrap_or_default());
        }
        let Some(cells) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else {
            assert!(!line.starts_with('|') || line.starts_with("|---|"), "not a row: {line}");
            continue;
        };
        let cells: Vec<_> = cells.split(" | ").map(|cell| cell.trim().to_owned()).collect();
        match (part, &*cells[0]) {
            (_, "§" | "RFC") => {}
            (Some(rfc), _) => held.push((rfc, cells)),
            (None, rfc) => {
                let rfc = known(rfc).unwrap_or_else(|| panic!("a row of no RFC: {line}"));
                reasoned.push((rfc, cells[1..].to_vec()));
            }
        }
    }
    (held, reasoned)
}

/// Returns the source of a module. The way to it, from the root of the tests or of the library, follows
/// the `mod` declarations, because a file without one is not compiled.
fn module(start: &str, path: &[&str]) -> Option<String> {
    let mut folder: PathBuf = root().join(start).parent()?.into();
    let mut text = fs::read_to_string(root().join(start)).ok()?;
    for name in path {
        let declared = |ending: &str| {
            let wanted = format!("mod {name}{ending}");
            let is_it = |line: &&str| {
                let line = line.trim_start();
                *line == wanted
                    || line.strip_suffix(&wanted).is_some_and(|left| left.ends_with(' '))
            };
            text.lines().any(|line| is_it(&line))
        };
        if declared(" {") {
            text = text.split_once(&format!("mod {name} {{"))?.1.to_owned();
        } else if declared(";") {
            let beside = folder.join(format!("{name}.rs"));
            folder.push(name);
            text = fs::read_to_string(beside)
                .or_else(|_| fs::read_to_string(folder.join("mod.rs")))
                .ok()?;
        } else {
            return None;
        }
    }
    Some(text)
}

/// Returns true if a test with this path exists in the integration tests or in the library.
fn is_a_test(path: &str) -> bool {
    let parts: Vec<_> = path.split("::").collect();
    let Some((name, modules)) = parts.split_last() else { return false };
    ["tests/tests.rs", "src/lib.rs"].iter().filter_map(|start| module(start, modules)).any(|text| {
        let lines: Vec<_> = text.lines().map(str::trim_start).collect();
        let at = lines.iter().position(|line| line.starts_with(&format!("fn {name}(")));
        let above = lines[..at.unwrap_or_default()].iter().rev();
        let mut attributes =
            above.take_while(|line| line.starts_with("#[") || line.starts_with("//"));
        attributes.any(|line| *line == "#[test]")
    })
}

fn is_section(text: &str) -> bool {
    text.split('.').all(|part| part.parse::<u8>().is_ok_and(|number| number > 0))
}

#[test]
fn every_row_has_all_its_cells() {
    let (held, reasoned) = rows();
    assert!(held.len() > 150 && reasoned.len() > 10, "{} and {}", held.len(), reasoned.len());
    for (rfc, cells) in &held {
        let [section, rule, who, level, tests] = &cells[..] else {
            panic!("five cells, RFC {rfc}: {cells:?}")
        };
        assert!(is_section(section), "{cells:?}");
        assert!((5..=150).contains(&rule.chars().count()), "a few words: {rule:?}");
        assert!(["server", "client", "both"].contains(&&**who), "{cells:?}");
        assert!(["MUST", "SHOULD", "fact"].contains(&&**level), "{cells:?}");
        let is_code = |test: &str| test.len() > 2 && test.starts_with('`') && test.ends_with('`');
        assert!(tests.split(", ").all(is_code), "{cells:?}");
    }
    for (rfc, cells) in &reasoned {
        let [sections, what, why] = &cells[..] else { panic!("four cells, RFC {rfc}: {cells:?}") };
        assert!(sections.split(", ").all(is_section), "{cells:?}");
        assert!(what.len() > 2 && why.len() > 10, "{cells:?}");
    }
}

#[test]
fn every_test_that_is_named_is_there() {
    let missing: Vec<String> = rows()
        .0
        .iter()
        .flat_map(|(rfc, cells)| cells[4].split(", ").map(move |test| (rfc, &cells[0], test)))
        .filter(|(.., test)| !is_a_test(test.trim_matches('`')))
        .map(|(rfc, section, test)| format!("RFC {rfc}, {section}: {test}"))
        .collect();
    assert!(missing.is_empty(), "no such tests:\n{}", missing.join("\n"));
    for none in ["exchanges::no_such", "no_such::get_sends_the_file", "exchanges::site", "", "a::b"]
    {
        assert!(!is_a_test(none), "the search finds a test that does not exist: {none:?}");
    }
}

#[test]
fn no_section_is_left_out() {
    let (held, reasoned) = rows();
    let all = held.iter().chain(&reasoned);
    let named: BTreeSet<(&str, &str)> =
        all.flat_map(|(rfc, cells)| cells[0].split(", ").map(|section| (*rfc, section))).collect();
    let of = |rfc, sections: &'static str| sections.split(' ').map(move |section| (rfc, section));
    let wanted = RFCS.into_iter().flat_map(|(rfc, sections)| of(rfc, sections));
    let missing: Vec<_> = wanted.filter(|section| !named.contains(section)).collect();
    assert!(missing.is_empty(), "neither tests nor a reason: {missing:?}");
}
