//! A picture in a terminal: a bar for each point, in 80 columns.

use super::picture::Picture;
use crate::text::{bar, number};

const WIDTH: usize = 80;
const BAR: usize = 34;
/// The most bars; more do not fit on a screen, and the picture shows them.
const MOST: usize = 60;

/// Returns the chart of a picture, line by line.
pub(super) fn chart(picture: &Picture) -> String {
    let lines = || {
        picture.panels.iter().flat_map(|panel| panel.lines.iter().map(move |line| (panel, line)))
    };
    let most = lines()
        .flat_map(|(_, line)| &line.points)
        .map(|point| point.spread.max)
        .fold(0.0, f64::max);
    let mut text = format!("{}, by {}\n", picture.y, picture.x);
    let mut rows = Vec::new();
    for (panel, line) in lines() {
        let series = picture.series.as_ref().map(|series| format!("{series} {}", line.name));
        let about =
            [panel.title.clone(), series].into_iter().flatten().collect::<Vec<_>>().join(", ");
        if !about.is_empty() {
            rows.push(about);
        }
        for point in &line.points {
            let (low, high) = point.spread.interval;
            let drawn = bar(point.spread.median / most.max(f64::MIN_POSITIVE), BAR);
            let note = if point.is_hollow { " generator!" } else { "" };
            let row = format!(
                "{:>9} {drawn:<BAR$} {:>7} [{}, {}]{note}",
                point.value,
                number(point.spread.median),
                number(low),
                number(high)
            );
            rows.push(row.chars().take(WIDTH).collect());
        }
    }
    let hidden = rows.len().saturating_sub(MOST);
    rows.truncate(MOST);
    rows.iter().for_each(|row| text += &format!("{row}\n"));
    if hidden > 0 {
        text += &format!("({hidden} more lines are in the picture)\n");
    }
    text
}
