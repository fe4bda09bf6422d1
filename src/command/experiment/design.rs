//! What is measured, and in which order.

use crate::cli::experiment::{ExperimentOptions, Order, Plot};
use crate::random::Random;

/// All combinations of what varies.
#[derive(Debug)]
pub(super) struct Design {
    /// The names of the lists, which are columns.
    pub(super) names: Vec<String>,
    /// The values of each combination, in the order of the names.
    pub(super) combinations: Vec<Vec<String>>,
}

/// One measurement that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trial {
    /// The place of its combination.
    pub(super) combination: usize,
    /// From 1.
    pub(super) repeat: u32,
}

impl Design {
    pub(super) fn new(lists: &[(String, Vec<String>)]) -> Design {
        let mut combinations = vec![Vec::new()];
        for (_, values) in lists {
            combinations = combinations
                .iter()
                .flat_map(|short: &Vec<String>| {
                    values
                        .iter()
                        .map(|value| [short.as_slice(), std::slice::from_ref(value)].concat())
                })
                .collect();
        }
        Design { names: lists.iter().map(|(name, _)| name.clone()).collect(), combinations }
    }

    /// Returns the measurements: each repeat is a pass through all combinations, so that a slow change of the
    /// machine falls on all of them, and an experiment that is broken off is complete up to a pass.
    pub(super) fn trials(&self, repeat: u32, order: Order, seed: u64) -> Vec<Trial> {
        let mut random = Random::new(seed);
        let mut trials = Vec::new();
        for repeat in 1..=repeat {
            let mut pass: Vec<Trial> = (0..self.combinations.len())
                .map(|combination| Trial { combination, repeat })
                .collect();
            if order == Order::Random {
                random.shuffle(&mut pass);
            }
            trials.append(&mut pass);
        }
        trials
    }

    /// Returns the place of a list.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// Returns the values of a list, each once, in its order.
    pub(super) fn values(&self, place: usize) -> Vec<&str> {
        let mut values: Vec<&str> = Vec::new();
        for combination in &self.combinations {
            if !values.contains(&combination[place].as_str()) {
                values.push(&combination[place]);
            }
        }
        values
    }

    /// Returns a combination in words: `workers 4, connections 8`.
    pub(super) fn words(&self, combination: usize) -> String {
        let values = self.names.iter().zip(&self.combinations[combination]);
        let words: Vec<String> = values.map(|(name, value)| format!("{name} {value}")).collect();
        if words.is_empty() { "as it is".to_owned() } else { words.join(", ") }
    }

    /// Returns the pictures that the options ask for; without any, the rate and the p99 over the longest list,
    /// a line for each value of the next longest, and a panel for each of the third.
    pub(super) fn plots(&self, options: &ExperimentOptions) -> Vec<Plot> {
        if !options.plots.is_empty() {
            return options.plots.clone();
        }
        let mut places: Vec<usize> =
            (0..self.names.len()).filter(|&place| self.values(place).len() > 1).collect();
        places.sort_by_key(|&place| std::cmp::Reverse(self.values(place).len()));
        let mut names = places.into_iter().map(|place| self.names[place].clone());
        let Some(x) = names.next() else { return Vec::new() };
        let (series, panel) = (names.next(), names.next());
        let plot = |y: &str| Plot {
            y: y.to_owned(),
            x: x.clone(),
            series: series.clone(),
            panel: panel.clone(),
        };
        vec![plot("requests_per_s"), plot("p99_ms")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn design(lists: &[(&str, &[&str])]) -> Design {
        let own = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
        let lists: Vec<_> =
            lists.iter().map(|(name, values)| ((*name).to_owned(), own(values))).collect();
        Design::new(&lists)
    }

    #[test]
    fn every_combination_once_in_each_pass() {
        let design = design(&[("workers", &["1", "2", "4"]), ("connections", &["8", "64"])]);
        assert_eq!(design.combinations.len(), 6);
        assert_eq!(design.words(1), "workers 1, connections 64");
        let given = design.trials(2, Order::Given, 1);
        let places: Vec<usize> = given.iter().map(|trial| trial.combination).collect();
        assert_eq!(places, [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]);
        let random = design.trials(2, Order::Random, 1);
        for pass in random.chunks(6) {
            let mut places: Vec<usize> = pass.iter().map(|trial| trial.combination).collect();
            places.sort_unstable();
            assert_eq!(places, [0, 1, 2, 3, 4, 5]);
        }
        assert_ne!(random, given);
        assert_eq!(random, design.trials(2, Order::Random, 1));
        assert_ne!(random, design.trials(2, Order::Random, 2));
        assert_eq!(Design::new(&[]).combinations, [Vec::<String>::new()]);
    }
}
