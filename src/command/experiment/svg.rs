//! A picture as SVG, in one file: for light and dark pages, and readable in black and white, because lines
//! differ in their dashes and marks as well.

use std::fmt::Write as _;

use super::picture::{Line, Panel, Picture};
use super::scale::Scale;
use crate::cli::experiment::LogAxes;
use crate::text::{escape_html, wrap};

/// The sizes, in pixels.
const WIDTH: f64 = 820.0;
const LEFT: f64 = 90.0;
const RIGHT: f64 = 170.0;
const TOP: f64 = 48.0;
const HEIGHT: f64 = 280.0;
/// Of the axis under a panel, and the title of the next one.
const BETWEEN: f64 = 84.0;
const LINE_HEIGHT: f64 = 16.0;

/// The colours of Okabe and Ito, which people see apart who see few colours; lighter ones for dark pages.
const STYLE: &str = "\
svg{--paper:#fff;--ink:#1a1a1a;--grid:#ddd;background:var(--paper);font:13px system-ui,sans-serif}
text{fill:var(--ink)}.title{font-size:16px;font-weight:600}.small{font-size:11px}
.grid{stroke:var(--grid)}.axis{stroke:var(--ink)}.ideal{stroke:var(--ink);stroke-dasharray:2 5;fill:none}
.l{fill:none;stroke-width:2}.b{stroke-width:1.2}.m{stroke-width:1.6}.hollow{fill:var(--paper)}
.c0{--c:#0072b2}.c1{--c:#d55e00}.c2{--c:#009e73}.c3{--c:#b1508a}.c4{--c:#8a6a00}.c5{--c:#444}
.l,.b,.m{stroke:var(--c)}.m{fill:var(--c)}.m.hollow{fill:var(--paper)}
@media(prefers-color-scheme:dark){svg{--paper:#15181d;--ink:#e8e8e8;--grid:#3a404a}
.c0{--c:#56b4e9}.c1{--c:#ff9d5c}.c2{--c:#3fd6a6}.c3{--c:#f0a6cd}.c4{--c:#f0c04a}.c5{--c:#ccc}}
";
const COLOURS: usize = 6;
const DASHES: [&str; 4] = ["", "8 4", "2 3", "10 3 2 3"];

/// Draws a picture, with a title above and a caption below it.
pub(super) fn svg(picture: &Picture, title: &str, caption: &str, log: LogAxes) -> String {
    let caption = wrap(caption, 110, 110);
    let panels = picture.panels.len() as f64;
    let below = caption.len() as f64 * LINE_HEIGHT + 12.0;
    let height = TOP + panels * (HEIGHT + BETWEEN) + below;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n\
         <title>{0}</title>\n<style>{STYLE}</style>\n\
         <text class=\"title\" x=\"{LEFT}\" y=\"24\">{0}</text>\n",
        escape_html(title)
    );
    for (nth, panel) in picture.panels.iter().enumerate() {
        let top = TOP + nth as f64 * (HEIGHT + BETWEEN);
        Drawing::new(picture, panel, log, top).draw(&mut out);
    }
    let top = height - below + 8.0;
    for (nth, line) in caption.iter().enumerate() {
        text(&mut out, ("small", ""), (LEFT, top + nth as f64 * LINE_HEIGHT), line);
    }
    out + "</svg>\n"
}

/// A panel that is drawn: a value on an axis is a place on the page.
struct Drawing<'p> {
    picture: &'p Picture,
    panel: &'p Panel,
    x: Scale,
    y: Scale,
    top: f64,
}

impl<'p> Drawing<'p> {
    fn new(picture: &'p Picture, panel: &'p Panel, log: LogAxes, top: f64) -> Drawing<'p> {
        // All panels have the same axes, so that they can be compared.
        let points =
            || picture.panels.iter().flat_map(|panel| &panel.lines).flat_map(|line| &line.points);
        let ideals = || picture.panels.iter().flat_map(|panel| panel.ideals.iter().flatten());
        let xs = || points().map(|point| point.x);
        let highest = points().map(|point| point.spread.interval.1);
        // A line that is far above all points does not make them flat.
        let most = points().map(|point| point.spread.max).fold(0.0, f64::max) * 1.5;
        let highest = highest.chain(ideals().map(|&(_, y)| y.min(most)));
        let lowest = points().map(|point| point.spread.interval.0);
        let x = match picture.is_words {
            true => Scale::words(picture.values.len()),
            false => Scale::new(xs(), log.x, false),
        };
        Drawing { picture, panel, x, y: Scale::new(lowest.chain(highest), log.y, true), top }
    }

    fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let across = WIDTH - LEFT - RIGHT;
        (LEFT + across * self.x.share(x), self.top + HEIGHT * (1.0 - self.y.share(y)))
    }

    fn draw(&self, out: &mut String) {
        if let Some(title) = &self.panel.title {
            text(out, ("", ""), (LEFT, self.top - 8.0), title);
        }
        self.axes(out);
        for ideal in &self.panel.ideals {
            let inside = ideal.iter().filter(|(_, y)| *y <= self.y.end());
            let path = path(inside.map(|&(x, y)| self.place(x, y)));
            let _ = writeln!(out, "<path class=\"ideal\" d=\"{path}\"/>");
        }
        for (nth, line) in self.panel.lines.iter().enumerate() {
            self.line(out, nth, line);
        }
        self.legend(out);
    }

    fn axes(&self, out: &mut String) {
        let (right, bottom) = (WIDTH - RIGHT, self.top + HEIGHT);
        for (value, said) in self.y.ticks() {
            let (_, y) = self.place(self.x.begin(), value);
            rule(out, "grid", (LEFT, y), (right, y));
            text(out, ("", "end"), (LEFT - 8.0, y + 4.0), &said);
        }
        let ticks = match self.picture.is_words {
            true => self
                .picture
                .values
                .iter()
                .enumerate()
                .map(|(nth, word)| (nth as f64, word.clone()))
                .collect(),
            false => self.x.ticks(),
        };
        for (value, said) in ticks {
            let (x, _) = self.place(value, self.y.begin());
            rule(out, "axis", (x, bottom), (x, bottom + 5.0));
            text(out, ("", "middle"), (x, bottom + 20.0), &said);
        }
        rule(out, "axis", (LEFT, bottom), (right, bottom));
        rule(out, "axis", (LEFT, self.top), (LEFT, bottom));
        text(out, ("", "middle"), (f64::midpoint(LEFT, right), bottom + 40.0), &self.picture.x);
        let (x, y) = (20.0, self.top + HEIGHT / 2.0);
        let _ = writeln!(
            out,
            "<text text-anchor=\"middle\" transform=\"translate({x} {y}) rotate(-90)\">{}</text>",
            escape_html(self.picture.y)
        );
    }

    fn line(&self, out: &mut String, nth: usize, line: &Line) {
        let places = line.points.iter().map(|point| self.place(point.x, point.spread.median));
        let (colour, dash) = (nth % COLOURS, DASHES[nth % DASHES.len()]);
        // Between two words there is nothing.
        if !self.picture.is_words {
            let path = path(places);
            let _ = writeln!(
                out,
                "<path class=\"l c{colour}\" stroke-dasharray=\"{dash}\" d=\"{path}\"/>"
            );
        }
        for point in &line.points {
            let (low, high) = point.spread.interval;
            let ((x, from), (_, to)) = (self.place(point.x, low), self.place(point.x, high));
            let bar = format!("b c{colour}");
            rule(out, &bar, (x, from), (x, to));
            rule(out, &bar, (x - 4.0, from), (x + 4.0, from));
            rule(out, &bar, (x - 4.0, to), (x + 4.0, to));
            mark(out, nth, point.is_hollow, self.place(point.x, point.spread.median));
        }
    }

    fn legend(&self, out: &mut String) {
        let left = WIDTH - RIGHT + 18.0;
        let mut y = self.top + 12.0;
        if let Some(series) = &self.picture.series {
            text(out, ("", ""), (left, y), series);
            for (nth, line) in self.panel.lines.iter().enumerate() {
                y += 20.0;
                let (colour, dash) = (nth % COLOURS, DASHES[nth % DASHES.len()]);
                let path = path([(left, y - 4.0), (left + 34.0, y - 4.0)].into_iter());
                let _ = writeln!(
                    out,
                    "<path class=\"l c{colour}\" stroke-dasharray=\"{dash}\" d=\"{path}\"/>"
                );
                mark(out, nth, false, (left + 17.0, y - 4.0));
                text(out, ("", ""), (left + 42.0, y), &line.name);
            }
            y += 24.0;
        }
        if !self.panel.ideals.is_empty() {
            let path = path([(left, y - 4.0), (left + 34.0, y - 4.0)].into_iter());
            let _ = writeln!(out, "<path class=\"ideal\" d=\"{path}\"/>");
            text(out, ("", ""), (left + 42.0, y), "ideal");
            y += 22.0;
        }
        if self.panel.lines.iter().flat_map(|line| &line.points).any(|point| point.is_hollow) {
            mark(out, 0, true, (left + 17.0, y - 4.0));
            text(out, ("small", ""), (left + 42.0, y), "the generator");
            text(out, ("small", ""), (left + 42.0, y + 14.0), "was the limit");
        }
    }
}

/// Draws the mark of the `nth` line: a circle, a square, a triangle, a diamond, a triangle downwards, a cross.
fn mark(out: &mut String, nth: usize, is_hollow: bool, (x, y): (f64, f64)) {
    let shape = match nth % COLOURS {
        0 => "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z",
        1 => "M-4 -4h8v8h-8z",
        2 => "M0 -5l5 9h-10z",
        3 => "M0 -5.5l5.5 5.5l-5.5 5.5l-5.5 -5.5z",
        4 => "M0 5l5 -9h-10z",
        _ => "M-4 -4l8 8M-4 4l8 -8",
    };
    let hollow = if is_hollow { " hollow" } else { "" };
    let colour = nth % COLOURS;
    let _ = writeln!(
        out,
        "<path class=\"m c{colour}{hollow}\" transform=\"translate({x:.1} {y:.1})\" d=\"{shape}\"/>"
    );
}

fn path(places: impl Iterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (x, y) in places {
        let _ = write!(path, "{}{x:.1} {y:.1}", if path.is_empty() { "M" } else { "L" });
    }
    path
}

fn rule(out: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let ((x1, y1), (x2, y2)) = (from, to);
    let _ = writeln!(
        out,
        "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
    );
}

/// Draws a text with its class and where it is anchored.
fn text(out: &mut String, (class, anchor): (&str, &str), (x, y): (f64, f64), said: &str) {
    let anchor = if anchor.is_empty() { "start" } else { anchor };
    let _ = writeln!(
        out,
        "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
        escape_html(said)
    );
}
