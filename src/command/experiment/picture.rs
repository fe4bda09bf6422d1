//! What a picture shows, before it is drawn: panels with lines of points.

use super::design::Design;
use super::expression::evaluate;
use super::figure::{FIGURES, place};
use super::results::{Run, generator_was_limit, spread};
use super::spread::Spread;
use crate::cli::experiment::Plot;

/// A picture.
#[derive(Debug, PartialEq)]
pub(super) struct Picture {
    /// What the axis to the right says.
    pub(super) x: String,
    /// What the axis upwards says, with its unit.
    pub(super) y: &'static str,
    /// What the lines differ in, if there are several.
    pub(super) series: Option<String>,
    pub(super) panels: Vec<Panel>,
    /// The values of the axis to the right.
    pub(super) values: Vec<String>,
    /// True if these are words: they stand side by side at equal distances.
    pub(super) is_words: bool,
}

/// A panel.
#[derive(Debug, PartialEq)]
pub(super) struct Panel {
    /// What it differs in from others.
    pub(super) title: Option<String>,
    pub(super) lines: Vec<Line>,
    /// The lines of a perfect server, each once.
    pub(super) ideals: Vec<Vec<(f64, f64)>>,
}

/// The points of one value of the series.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<Point>,
}

/// The measurements of one place.
#[derive(Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    /// As it was typed.
    pub(super) value: String,
    pub(super) spread: Spread,
    /// True if the load generator was the limit: the server may be better than this.
    pub(super) is_hollow: bool,
}

/// The figure that `--ideal` is about.
const RATE: &str = "requests_per_s";

impl Picture {
    /// Collects what a plot shows. Measurements that differ only in lists that are not in the plot fall into one
    /// point.
    ///
    /// # Errors
    /// One line: there is no such figure, or the expression of `--ideal` is wrong.
    pub(super) fn new(
        plot: &Plot,
        design: &Design,
        runs: &[Run],
        ideal: Option<&str>,
    ) -> Result<Picture, String> {
        let figure = place(&plot.y).ok_or_else(|| {
            let names: Vec<&str> = FIGURES.iter().map(|figure| figure.name).collect();
            format!("--plot: {} is no figure; right: one of {}", plot.y, names.join(" "))
        })?;
        let place_of = |name: &Option<String>| name.as_deref().and_then(|name| design.place(name));
        let x = design.place(&plot.x).unwrap_or_default();
        let [series, panel] = [place_of(&plot.series), place_of(&plot.panel)];
        let values = design.values(x);
        let is_words = values.iter().any(|value| value.parse::<f64>().is_err());
        let grid = Grid { design, runs, x, is_words, y: plot.y.as_str(), ideal };
        let title = |name: &str| Some(format!("{} {name}", plot.panel.as_deref()?));
        let panels = each(design, panel).into_iter().map(|panel_value| {
            let fixed = |series_value| {
                [panel.zip(panel_value), series.zip(series_value)].into_iter().flatten().collect()
            };
            let mut lines = Vec::new();
            let mut ideals: Vec<Vec<(f64, f64)>> = Vec::new();
            for value in each(design, series) {
                let fixed: Vec<(usize, &str)> = fixed(value);
                let points = grid.points(&fixed);
                lines.push(Line { name: value.unwrap_or_default().to_owned(), points });
                let ideal = grid.ideal(&fixed)?;
                if !ideal.is_empty() && !ideals.contains(&ideal) {
                    ideals.push(ideal);
                }
            }
            lines.retain(|line| !line.points.is_empty());
            Ok(Panel { title: panel_value.and_then(title), lines, ideals })
        });
        Ok(Picture {
            x: plot.x.clone(),
            y: FIGURES[figure].words,
            series: plot.series.clone(),
            panels: panels.collect::<Result<_, String>>()?,
            values: values.into_iter().map(str::to_owned).collect(),
            is_words,
        })
    }
}

/// Returns the values of a list, or one that is none.
fn each(design: &Design, place: Option<usize>) -> Vec<Option<&str>> {
    place.map_or(vec![None], |place| design.values(place).into_iter().map(Some).collect())
}

struct Grid<'g> {
    design: &'g Design,
    runs: &'g [Run],
    /// The list to the right.
    x: usize,
    is_words: bool,
    y: &'g str,
    ideal: Option<&'g str>,
}

impl Grid<'_> {
    /// Returns a value of the list to the right with its place.
    fn places(&self) -> impl Iterator<Item = (f64, &str)> {
        let values = self.design.values(self.x).into_iter().enumerate();
        values.map(|(nth, value)| match value.parse() {
            Ok(number) if !self.is_words => (number, value),
            _ => (nth as f64, value),
        })
    }

    /// Returns the points of the combinations that have these values.
    fn points(&self, fixed: &[(usize, &str)]) -> Vec<Point> {
        let points = self.places().filter_map(|(x, value)| {
            let here = || {
                self.runs.iter().filter(|run| {
                    let combination = &self.design.combinations[run.trial.combination];
                    combination[self.x] == value
                        && fixed.iter().all(|&(place, value)| combination[place] == value)
                })
            };
            let spread = spread(here(), self.y)?;
            let is_hollow = generator_was_limit(here());
            Some(Point { x, value: value.to_owned(), spread, is_hollow })
        });
        points.collect()
    }

    /// Returns the ideal at each of these combinations; nothing for another figure than the rate.
    fn ideal(&self, fixed: &[(usize, &str)]) -> Result<Vec<(f64, f64)>, String> {
        let Some(expression) = self.ideal.filter(|_| self.y == RATE) else { return Ok(Vec::new()) };
        let values = self.places().map(|(x, value)| {
            let value_of = |name: &str| {
                let place = self.design.place(name)?;
                let others = || {
                    // A list that is not in the plot has a value if it has only one.
                    Some(self.design.values(place)).filter(|values| values.len() == 1)?.pop()
                };
                let given =
                    fixed.iter().find(|&&(known, _)| known == place).map(|&(_, value)| value);
                let here = (place == self.x).then_some(value);
                here.or(given).or_else(others)?.parse().ok()
            };
            Ok((x, evaluate(expression, &value_of)?))
        });
        values.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::design::Trial;
    use super::*;

    #[test]
    fn points_lines_panels_and_the_ideal() {
        let own =
            |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>();
        let lists = [
            ("workers".to_owned(), own(&["1", "2"])),
            ("connections".to_owned(), own(&["1", "8"])),
        ];
        let design = Design::new(&lists);
        let run = |combination, repeat, rate: u32| {
            let mut figures = vec![None; FIGURES.len()];
            figures[place(RATE).unwrap()] = Some(f64::from(rate));
            figures[place("generator_busy").unwrap()] = Some(if rate > 50 { 0.95 } else { 0.1 });
            Run { when: String::new(), trial: Trial { combination, repeat }, figures }
        };
        let runs = [run(0, 1, 20), run(0, 2, 22), run(1, 1, 20), run(2, 1, 20), run(3, 1, 60)];
        let plot = Plot {
            y: RATE.to_owned(),
            x: "workers".to_owned(),
            series: Some("connections".to_owned()),
            panel: None,
        };
        let ideal = Some("min(workers,connections)*20");
        let picture = Picture::new(&plot, &design, &runs, ideal).unwrap();
        let [panel] = &picture.panels[..] else { panic!("{picture:?}") };
        let names: Vec<&str> = panel.lines.iter().map(|line| line.name.as_str()).collect();
        assert_eq!(names, ["1", "8"]);
        let points: Vec<_> =
            panel.lines[1].points.iter().map(|one| (one.x, one.spread.median)).collect();
        assert_eq!(points, [(1.0, 20.0), (2.0, 60.0)]);
        assert_eq!(panel.lines[0].points[0].spread.median, 21.0);
        assert!(panel.lines[1].points[1].is_hollow && !panel.lines[1].points[0].is_hollow);
        assert_eq!(panel.ideals, [vec![(1.0, 20.0), (2.0, 20.0)], vec![(1.0, 20.0), (2.0, 40.0)]]);
        let wrong = Plot { y: "speed".to_owned(), ..plot };
        assert!(Picture::new(&wrong, &design, &runs, None).unwrap_err().contains("p99_ms"));
    }
}
