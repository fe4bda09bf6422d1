//! `client experiment URL`: measures each combination of what varies, and writes a table, a report and pictures.
//!
//! | file | what it does |
//! |---|---|
//! | `design` | the combinations, and their order |
//! | `figure` | what is measured: the columns |
//! | `results`, `table` | `runs.csv` and `summary.csv` |
//! | `spread` | the median, its confidence interval |
//! | `expression` | `--ideal` |
//! | `picture` | what a picture shows |
//! | `svg`, `scale`, `chart` | the picture as a file, its axes; the picture in a terminal |
//! | `report` | `report.md` |
//!
//! Each measurement is one of [`bench`](super::bench). It is written to `runs.csv` when it ends, so that an experiment
//! that is broken off can be continued (`--resume`).

mod chart;
mod design;
mod expression;
mod figure;
mod picture;
mod report;
mod results;
mod scale;
mod spread;
mod svg;
mod table;

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use self::design::{Design, Trial};
use self::figure::FIGURES;
use self::picture::Picture;
use self::report::Report;
use self::results::Run;
use super::bench::measure;
use super::bench::report::Summary;
use super::bench::report::fail_if::{self, Condition};
use super::error::{CommandError, print_stderr, print_stdout};
use super::machine::{machine, now};
use super::server_process::{Process, free_port};
use crate::cli::bench::BenchOptions;
use crate::cli::experiment::{ExperimentOptions, Plot};
use crate::client::Request;
use crate::text::{clock, number};

/// Measures, and writes the results. A measurement that fails does not end the others.
///
/// # Errors
/// When the arguments are wrong, nothing can be written, a server does not start, all requests of a combination
/// fail, or a condition of `--fail-if` is true.
pub fn run(options: &ExperimentOptions, stop: &AtomicBool) -> Result<u8, CommandError> {
    let conditions = options.fail_if.as_deref().map(fail_if::parse).transpose();
    let conditions = conditions.map_err(CommandError::Usage)?.unwrap_or_default();
    let design = Design::new(&options.lists);
    let plots = design.plots(options);
    let ideal = options.ideal.as_deref();
    // What is wrong with them is said before the first measurement, not after the last one.
    pictures(&plots, &design, &[], ideal)?;
    let trials = design.trials(options.repeat, options.order, options.seed);
    if options.dry_run {
        return print_stdout(plan(options, &design, &trials).as_bytes()).map(|()| 0);
    }
    let mut experiment = Experiment::open(options, design, conditions)?;
    experiment.measure_all(&trials, stop)?;
    experiment.write_results(&plots)?;
    experiment.verdict()
}

/// Returns what is going to be measured.
fn plan(options: &ExperimentOptions, design: &Design, trials: &[Trial]) -> String {
    let each = options.warm_up + options.duration + options.pause;
    let time = each * u32::try_from(trials.len()).unwrap_or(u32::MAX);
    let mut text = format!(
        "{} combinations, {} times each: {} measurements, at least {}\n",
        design.combinations.len(),
        options.repeat,
        trials.len(),
        clock(time.as_secs_f64())
    );
    (0..design.combinations.len()).for_each(|place| text += &format!("{}\n", design.words(place)));
    text
}

fn pictures(
    plots: &[Plot],
    design: &Design,
    runs: &[Run],
    ideal: Option<&str>,
) -> Result<Vec<Picture>, CommandError> {
    let pictures = plots.iter().map(|plot| Picture::new(plot, design, runs, ideal));
    pictures.collect::<Result<_, _>>().map_err(CommandError::Usage)
}

/// A condition that was true.
struct Broken {
    combination: usize,
    condition: usize,
    said: String,
}

struct Experiment<'o> {
    options: &'o ExperimentOptions,
    design: Design,
    conditions: Vec<Condition>,
    runs: Vec<Run>,
    /// The conditions that were true in a measurement of a combination, and what was said.
    broken: Vec<Broken>,
}

impl<'o> Experiment<'o> {
    /// Makes the folder, and reads what `--resume` continues.
    fn open(
        options: &'o ExperimentOptions,
        design: Design,
        conditions: Vec<Condition>,
    ) -> Result<Experiment<'o>, CommandError> {
        let path = options.output.join("runs.csv");
        fs::create_dir_all(&options.output).map_err(|error| unwritten(&options.output, error))?;
        let mut runs = Vec::new();
        if options.resume && path.exists() {
            let name = path.display().to_string();
            let text = fs::read_to_string(&path);
            let text = text.map_err(|error| CommandError::ReadData(name.clone(), error))?;
            runs = results::parse(&text, &design)
                .map_err(|why| CommandError::ReadData(name, io::Error::other(why)))?;
        }
        // Written anew, without a line that was cut off.
        let lines: String = runs.iter().map(|run| run.line(&design)).collect();
        fs::write(&path, results::header(&design) + &lines)
            .map_err(|error| unwritten(&path, error))?;
        Ok(Experiment { options, design, conditions, runs, broken: Vec::new() })
    }

    /// Makes all measurements that are due, or those before a stop.
    fn measure_all(&mut self, trials: &[Trial], stop: &AtomicBool) -> Result<(), CommandError> {
        let is_due = |trial: &&Trial| self.runs.iter().all(|run| run.trial != **trial);
        let due: Vec<Trial> = trials.iter().filter(is_due).copied().collect();
        let path = self.options.output.join("runs.csv");
        let file = OpenOptions::new().append(true).open(&path);
        let mut file = file.map_err(|error| unwritten(&path, error))?;
        for (nth, &trial) in due.iter().enumerate() {
            if nth > 0 {
                thread::sleep(self.options.pause);
            }
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let when = now();
            let summary = self.measure(trial, stop)?;
            if stop.load(Ordering::Relaxed) {
                break; // it was cut short
            }
            let numbered = self.conditions.iter().enumerate();
            let held = numbered.filter_map(|(condition, one)| {
                Some(Broken {
                    combination: trial.combination,
                    condition,
                    said: one.holds(&summary)?,
                })
            });
            self.broken.extend(held);
            let figures = FIGURES.iter().map(|figure| (figure.of)(&summary)).collect();
            let run = Run { when, trial, figures };
            let line = run.line(&self.design);
            file.write_all(line.as_bytes()).map_err(|error| unwritten(&path, error))?;
            self.runs.push(run);
            self.say_progress(nth + 1, due.len(), trial, &summary);
        }
        Ok(())
    }

    /// Makes one measurement, with a server of its own if there is a command for it.
    fn measure(&self, trial: Trial, stop: &AtomicBool) -> Result<Summary, CommandError> {
        let port = free_port().map_err(|error| CommandError::Failed(56, error.to_string()))?;
        let (port, beside) = (port.to_string(), server_beside_client());
        let values = self.design.names.iter().zip(&self.design.combinations[trial.combination]);
        let mut values: Vec<(&str, &str)> =
            values.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        values.extend([("port", port.as_str()), ("threadbare", beside.as_str())]);
        let filled = self.options.filled(&values);
        let filled = filled.map_err(|error| CommandError::Usage(error.to_string()))?;
        let server = filled.server.as_deref().map(|command| start(command, &filled)).transpose()?;
        let summary = measure(&bench_options(&filled, &values), stop);
        server.map(Process::stop);
        summary
    }

    fn say_progress(&self, done: usize, all: usize, trial: Trial, summary: &Summary) {
        if self.options.silent {
            return;
        }
        let each = self.options.warm_up + self.options.duration + self.options.pause;
        let left = each.as_secs_f64() * (all - done) as f64;
        let errors = match summary.errors() {
            0 => String::new(),
            errors => format!(", {errors} errors"),
        };
        print_stderr(format!(
            "{done} of {all}: {}: {}/s{errors}; {} left\n",
            self.design.words(trial.combination),
            number(summary.per_second()),
            clock(left)
        ));
    }

    /// Writes everything but `runs.csv`, and draws the first picture in the terminal.
    fn write_results(&self, plots: &[Plot]) -> Result<(), CommandError> {
        let Experiment { options, design, runs, .. } = self;
        let write = |name: &str, text: String| {
            let path = options.output.join(name);
            fs::write(&path, text).map_err(|error| unwritten(&path, error))
        };
        let (machine, command) = (machine(), options.command_line());
        let title = options.title.clone().unwrap_or_else(|| options.client.urls.join(", "));
        let pictures = pictures(plots, design, runs, options.ideal.as_deref())?;
        let name = |plot: &Plot| {
            let lists = [Some(&plot.x), plot.series.as_ref(), plot.panel.as_ref()];
            let lists: Vec<&str> = lists.into_iter().flatten().map(String::as_str).collect();
            format!("{}-{}.svg", plot.y, lists.join("-"))
        };
        let pictures: Vec<(Picture, String)> =
            pictures.into_iter().zip(plots.iter().map(name)).collect();
        for (picture, file) in &pictures {
            write(file, svg::svg(picture, &title, &command, options.log))?;
        }
        write("summary.csv", results::summary(design, runs))?;
        let known = serde_json::json!({ "when": now(), "command": command, "machine": machine });
        write("machine.json", format!("{known:#}\n"))?;
        let report = Report {
            title: &title,
            command: &command,
            machine: &machine,
            design,
            runs,
            pictures: &pictures,
        };
        write("report.md", report.markdown())?;
        if options.silent {
            return Ok(());
        }
        let drawn = pictures.first().map(|(picture, _)| chart::chart(picture)).unwrap_or_default();
        let place = options.output.join("report.md");
        print_stdout(format!("{drawn}written: {}\n", place.display()).as_bytes())
    }

    /// Returns the exit code.
    fn verdict(&self) -> Result<u8, CommandError> {
        for place in 0..self.design.combinations.len() {
            let runs = || results::of_combination(&self.runs, place);
            let words = self.design.words(place);
            let is_lost = |run: &Run| run.figure("error_share").is_none_or(|share| share >= 1.0);
            if runs().next().is_some() && runs().all(is_lost) {
                return Err(CommandError::Failed(22, format!("{words}: all requests failed")));
            }
            for condition in 0..self.conditions.len() {
                let is_this =
                    |one: &&Broken| one.combination == place && one.condition == condition;
                let broken = || self.broken.iter().filter(is_this);
                if let Some(Broken { said, .. }) = broken().next_back()
                    && broken().count() * 2 > runs().count()
                {
                    return Err(CommandError::Failed(99, format!("--fail-if: {words}: {said}")));
                }
            }
        }
        match self.runs.is_empty() {
            false => Ok(0),
            true => Err(CommandError::Failed(22, "nothing was measured".to_owned())),
        }
    }
}

/// Starts the server of a measurement, and waits for it.
fn start(command: &str, filled: &ExperimentOptions) -> Result<Process, CommandError> {
    let url = filled.client.urls.first().map_or("", String::as_str);
    let request = Request::get(url)?;
    let started = Process::start(command.to_owned(), request.url().port(), filled.ready);
    started.map_err(|what| CommandError::Failed(7, what))
}

/// Returns the options of the measurement itself.
fn bench_options(filled: &ExperimentOptions, values: &[(&str, &str)]) -> BenchOptions {
    let value =
        |name: &str| values.iter().find(|(known, _)| *known == name).map(|&(_, value)| value);
    let usual = BenchOptions::default();
    let parsed = |name: &str| value(name).and_then(|value| value.parse().ok());
    BenchOptions {
        client: filled.client.clone(),
        connections: parsed("connections").unwrap_or(usual.connections),
        pipeline: parsed("pipeline").unwrap_or(usual.pipeline),
        rate: value("rate").and_then(|value| value.parse().ok()),
        per_connection: (value("keep_alive") == Some("off")).then_some(1),
        duration: Some(filled.duration),
        warm_up: filled.warm_up,
        threads: filled.threads,
        silent: true,
        ..usual
    }
}

/// Returns the path of the program `server` in the folder of this program.
fn server_beside_client() -> String {
    let beside = std::env::current_exe().map(|path| path.with_file_name("server"));
    beside.unwrap_or_else(|_| PathBuf::from("server")).display().to_string()
}

fn unwritten(path: &Path, error: io::Error) -> CommandError {
    CommandError::Write(path.display().to_string(), error)
}
