//! The word that was probably meant, for a word that is not known.
//!
//! A word is near when one edit makes it (two, if it has five letters or more): a letter added, removed or changed, or
//! two neighbours exchanged. Other programs' names for a flag are in [`SYNONYMS`].

/// What other programs call a flag, and its name here.
const SYNONYMS: &[(&str, &str)] = &[
    ("port", "bind"),
    ("listen", "bind"),
    ("address", "bind"),
    ("host", "bind"),
    ("threads", "workers"),
    ("timeout", "max-time"),
    ("time", "duration"),
    ("concurrency", "connections"),
    ("method", "request"),
    ("follow", "location"),
    ("redirect", "location"),
    ("post", "data"),
    ("auth", "user"),
    ("quiet", "silent"),
    ("usage", "help"),
];

/// Returns the flag that was probably meant, of those that there are; names without their dashes.
pub(super) fn nearest_flag<'f>(typed: &str, flags: &[&'f str]) -> Option<&'f str> {
    let meant = SYNONYMS.iter().filter(|(word, _)| *word == typed);
    let known = meant.filter_map(|(_, meant)| flags.iter().copied().find(|flag| flag == meant));
    known.chain(nearest(typed, flags)).next()
}

/// Returns the nearest of these words, if one is near.
pub(crate) fn nearest<'w>(typed: &str, words: &[&'w str]) -> Option<&'w str> {
    let near = words.iter().map(|&word| (edits(typed, word), word));
    let near = near.filter(|(edits, word)| *edits <= if word.len() < 5 { 1 } else { 2 });
    near.min_by_key(|(edits, _)| *edits).map(|(_, word)| word)
}

/// Returns how many edits lead from one word to the other (the optimal string alignment distance).
fn edits(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=to.len()).collect()];
    for (i, &char) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &other) in to.iter().enumerate() {
            let change = rows[i][j] + usize::from(char != other);
            let mut least = change.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && char == to[j - 1] && from[i - 1] == other {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_that_was_probably_meant() {
        for (typed, want) in [
            ("bnch", Some("bench")),
            ("bench", Some("bench")),
            ("ebnch", Some("bench")),
            ("wher", Some("where")),
            ("hlep", Some("help")),
            ("hello", None),
            ("web", None),
            ("", None),
            ("ünïcode", None),
        ] {
            assert_eq!(nearest(typed, &["bench", "where", "help"]), want, "{typed}");
        }
        for (typed, want) in [
            ("port", Some("bind")),
            ("worker", Some("workers")),
            ("threads", Some("workers")),
            ("timeout", None),
            ("binds", Some("bind")),
        ] {
            assert_eq!(nearest_flag(typed, &["bind", "workers"]), want, "{typed}");
        }
    }
}
