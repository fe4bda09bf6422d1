//! The page that `client bench` prints: 80 columns.

use std::time::Duration;

use super::url_rows::url_rows;
use super::{Latency, QUANTILES, Summary};
use crate::command::bench::load::{Pace, SLICES, Slice};
use crate::text::{
    bar, grouped, number, plural, size, sparkline, time_without_space as time, wrap_page,
};

/// The width of the bars.
const BAR: usize = 40;

/// Returns the whole page.
pub fn text(summary: &Summary) -> String {
    let parts = [
        heading(summary),
        totals(summary),
        quantiles(summary),
        url_rows(&summary.urls),
        summary.latency.as_ref().map(picture).unwrap_or_default(),
        over_time(summary),
        what_came(summary),
        summary.caveats().iter().map(|caveat| wrap_page(caveat, 2) + "\n").collect(),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

fn heading(summary: &Summary) -> String {
    let asked = &summary.asked;
    let took = match summary.took.as_secs_f64() {
        short if short < 1.0 => crate::text::time(summary.took),
        seconds => format!("{seconds:.2} s"),
    };
    let pace = match summary.pace {
        Pace::Closed => "closed loop".to_owned(),
        Pace::Rate(rate) => format!("open loop, {} requests/s due", number(rate)),
    };
    let mut how = format!(
        "{pace}; {}, {}",
        plural(summary.connections as u64, "connection"),
        plural(summary.threads as u64, "thread"),
    );
    if summary.pipeline > 1 {
        how += &format!(", {} deep", summary.pipeline);
    }
    if let Some(each) = summary.per_connection {
        how += &format!(", {} each", plural(each, "request"));
    }
    how += &format!("; {took}");
    if !summary.warm_up.is_zero() {
        how += &format!(" after a warm-up of {:?}", summary.warm_up);
    }
    let caution = match summary.pace {
        Pace::Closed => {
            "Each connection waits for its response before the next request, so a server that \
             stalls gets fewer requests, and its slowest moments count least. --rate measures \
             latency as callers see it."
        }
        Pace::Rate(_) => {
            "Corrected: from the time when a request was due, as a caller sees it. Uncorrected: \
             from the time when it was sent, which hides the wait before that."
        }
    };
    format!("{asked}\n{}\n{}\n", wrap_page(&how, 2), wrap_page(caution, 0))
}

fn totals(summary: &Summary) -> String {
    let (all, received) = (summary.answers, summary.bytes as f64);
    let errors = match summary.errors() {
        0 => "no errors".to_owned(),
        errors => format!("{} ({})", plural(errors, "error"), percent(summary.error_share())),
    };
    let line = match all {
        0 => format!("no responses; {errors}"),
        _ => format!(
            "{} requests/s: {}, {} received, {}/s; {errors}",
            number(summary.per_second()),
            plural(all, "response"),
            size(received),
            size(summary.bytes_per_second()),
        ),
    };
    wrap_page(&line, 2) + "\n"
}

/// Returns the table of latencies; empty without a response.
fn quantiles(summary: &Summary) -> String {
    let Some(latency) = &summary.latency else { return String::new() };
    let names = QUANTILES.map(|(name, _)| format!("{:>8}", name.replacen('p', "", 1)));
    let names = names.map(|name| match name.trim() {
        "max" => name,
        number => format!("{:>8}", format!("{number}%")),
    });
    let row = |label: &str, latency: &Latency| {
        let times = (0..QUANTILES.len()).map(|place| latency.measured(place));
        let times: String = times.map(cell).collect();
        format!("{label:<11}{times}\n")
    };
    let rows = match &summary.uncorrected {
        Some(sent) => row("corrected", latency) + &row("uncorrected", sent),
        None => row("latency", latency),
    };
    format!("{:<11}{}\n{rows}", "", names.concat())
}

/// Returns a time in a column of 8; what is not known is `-`.
pub(super) fn cell(value: Option<Duration>) -> String {
    format!("{:>8}", value.map_or("-".to_owned(), time))
}

/// Draws the distribution of times; each row is about twice as long as the one above it.
fn picture(latency: &Latency) -> String {
    let all: u64 = latency.buckets.iter().map(|(_, count)| count).sum();
    let most = latency.buckets.iter().map(|(_, count)| *count).max().unwrap_or_default();
    let rows = latency.buckets.iter().skip_while(|(_, count)| *count == 0);
    rows.map(|&(to, number)| {
        let share = number as f64 / most.max(1) as f64;
        let bar = bar(share, BAR);
        let blank = " ".repeat(BAR - bar.chars().count());
        let part = percent(number as f64 / all.max(1) as f64);
        format!("to {:>6} {bar}{blank} {:>13} {part:>8}\n", time(to), grouped(number))
    })
    .collect()
}

/// Draws the timeline; a stalled server is visible in both rows.
fn over_time(summary: &Summary) -> String {
    let width = summary.timeline.width();
    let mut slices = summary.timeline.slices().to_vec();
    // Spaces at the end of a row are visible, too.
    let until = summary.took.as_nanos().div_ceil(width.as_nanos().max(1));
    let until = usize::try_from(until).unwrap_or(SLICES).min(SLICES);
    slices.resize(slices.len().max(until), Slice::default());
    let waits = || slices.iter().map(|slice| slice.worst).filter(|worst| !worst.is_zero());
    let (Some(least), Some(most)) = (waits().min(), waits().max()) else { return String::new() };
    let logs = |time: Duration| time.as_secs_f64().ln();
    let span = (logs(most) - logs(least)).max(1e-9);
    let worst = slices
        .iter()
        .map(|slice| (!slice.worst.is_zero()).then(|| (logs(slice.worst) - logs(least)) / span));
    let busiest = slices.iter().map(|slice| slice.answers).max().unwrap_or_default();
    let answers = slices
        .iter()
        .map(|slice| (slice.answers > 0).then(|| slice.answers as f64 / busiest as f64));
    let mut scale = format!(
        "each column is {}; worst wait of the requests due in it: {} to {} (log scale)",
        time(width),
        time(least),
        time(most),
    );
    let mut rows = format!("worst wait {}|\n", sparkline(worst));
    if busiest > 0 {
        rows += &format!("responses  {}|\n", sparkline(answers));
        scale += &format!("; responses in it: up to {} (linear scale)", grouped(busiest));
    }
    format!("{rows}{}\n", wrap_page(&scale, 2))
}

/// Lists statuses and failures by name.
fn what_came(summary: &Summary) -> String {
    let mut lines = String::new();
    for &(code, number) in &summary.statuses {
        let error = if (200..300).contains(&code) { "" } else { "  counted as errors" };
        lines += &format!("{:>13} x status {code}{error}\n", grouped(number));
    }
    for (failure, number) in &summary.failures {
        lines += &(wrap_page(&format!("{:>13} x {failure}", grouped(*number)), 16) + "\n");
    }
    if summary.connections_made > summary.connections as u64 {
        lines += &format!("{:>13} connections opened\n", grouped(summary.connections_made));
    }
    lines
}

/// Formats a share so that a small one is not shown as zero.
pub(super) fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0%".to_owned(),
        percent if percent < 0.001 => "<0.001%".to_owned(),
        percent if percent < 1.0 => format!("{percent:.3}%"),
        percent => format!("{percent:.1}%"),
    }
}
