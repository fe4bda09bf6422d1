//! The flags of `client experiment`. A LIST is what varies; each combination of all lists is measured as
//! `client bench` measures.

mod flags;
mod list;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use self::flags::{HELP, MEASUREMENT, OUTPUT, SERVER, VARIED, text};
use super::client::{AddressFlags, ClientOptions, RequestFlags};
use super::{Command, Parsed, UsageError};

/// The command line of `client experiment`.
#[derive(Debug, Clone, PartialEq)]
pub struct ExperimentOptions {
    /// The request: one URL, with places to fill.
    pub client: ClientOptions,
    /// What varies: names and their values, in the order of the command line.
    pub lists: Vec<(String, Vec<String>)>,
    /// The command that starts the server of a measurement.
    pub server: Option<String>,
    /// How long such a server may take until it accepts a connection.
    pub ready: Duration,
    /// The length of a measurement.
    pub duration: Duration,
    /// How long requests are sent before it.
    pub warm_up: Duration,
    /// How often each combination is measured.
    pub repeat: u32,
    /// The order of the measurements.
    pub order: Order,
    /// Where random numbers begin: the same seed is the same order.
    pub seed: u64,
    /// The time between two measurements.
    pub pause: Duration,
    /// The threads of the load generator, if they were given.
    pub threads: Option<usize>,
    /// Whether only the plan is printed.
    pub dry_run: bool,
    /// Whether what was measured earlier is not measured again.
    pub resume: bool,
    /// The folder of the results.
    pub output: PathBuf,
    /// The pictures, if they were named.
    pub plots: Vec<Plot>,
    /// The axes with a logarithmic scale.
    pub log: LogAxes,
    /// The responses per second that a perfect server would send, as an expression.
    pub ideal: Option<String>,
    /// A title for the report and the pictures.
    pub title: Option<String>,
    /// Conditions under which the run fails, as typed.
    pub fail_if: Option<String>,
    /// Whether the progress and the chart are left out.
    pub silent: bool,
    /// The arguments as typed.
    args: Vec<OsString>,
}

/// The order of the measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Each repeat is a pass through all combinations, in an order of its own.
    Random,
    /// Each repeat is a pass in the order of the lists.
    Given,
}

/// A picture: which figure over which list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plot {
    /// The figure, upwards.
    pub y: String,
    /// The list, to the right.
    pub x: String,
    /// The list with a line for each value.
    pub series: Option<String>,
    /// The list with a panel for each value.
    pub panel: Option<String>,
}

/// The axes with a logarithmic scale.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogAxes {
    /// The axis to the right.
    pub x: bool,
    /// The axis upwards.
    pub y: bool,
}

impl Default for ExperimentOptions {
    fn default() -> ExperimentOptions {
        ExperimentOptions {
            client: ClientOptions::default(),
            lists: Vec::new(),
            server: None,
            ready: Duration::from_secs(5),
            duration: Duration::from_secs(5),
            warm_up: Duration::from_secs(1),
            repeat: 5,
            order: Order::Random,
            seed: 1,
            pause: Duration::from_secs(1),
            threads: None,
            dry_run: false,
            resume: false,
            output: PathBuf::from("experiment"),
            plots: Vec::new(),
            log: LogAxes::default(),
            ideal: None,
            title: None,
            fail_if: None,
            silent: false,
            args: Vec::new(),
        }
    }
}

impl AsMut<ClientOptions> for ExperimentOptions {
    fn as_mut(&mut self) -> &mut ClientOptions {
        &mut self.client
    }
}

impl ExperimentOptions {
    /// Returns the command line as it was typed, without secrets.
    pub fn command_line(&self) -> String {
        COMMAND.shown(&self.args)
    }

    /// Returns the options with `{NAME}` replaced by its value, in every argument: the command line is parsed
    /// again. Other braces stay, so that JSON can be sent.
    ///
    /// # Errors
    /// When a value makes an argument wrong.
    pub fn filled(&self, values: &[(&str, &str)]) -> Result<ExperimentOptions, UsageError> {
        let args = self.args.iter().map(|arg| match arg.to_str() {
            Some(text) => fill(text, values).into(),
            None => arg.clone(),
        });
        match parse(args)? {
            Parsed::Run(options) => Ok(options),
            Parsed::Print(_) => Ok(self.clone()), // --help has been answered before
        }
    }
}

fn fill(text: &str, values: &[(&str, &str)]) -> String {
    values
        .iter()
        .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// Parses the arguments after the word `experiment`.
///
/// # Errors
/// [`UsageError`]: what was typed, and what is right.
pub fn parse(
    args: impl IntoIterator<Item = OsString>,
) -> Result<Parsed<ExperimentOptions>, UsageError> {
    let args: Vec<OsString> = args.into_iter().collect();
    let mut parsed = COMMAND.parse(ExperimentOptions::default(), args.clone())?;
    if let Parsed::Run(options) = &mut parsed {
        options.args = args;
        check(options).map_err(|what| COMMAND.wrong(&what))?;
    }
    Ok(parsed)
}

/// The most combinations of one experiment: at a second each they take almost three hours.
const MOST: usize = 10_000;

/// Checks what no single flag can know.
fn check(options: &ExperimentOptions) -> Result<(), String> {
    const URL: &str = "right: client experiment -c 1..64x2 http://127.0.0.1:8080/";
    if options.client.urls.is_empty() {
        return Err(format!("no URL; {URL}"));
    }
    let names: Vec<&str> = options.lists.iter().map(|(name, _)| name.as_str()).collect();
    if let Some(twice) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
        return Err(format!("{} varies twice; right: one list for each", twice.1));
    }
    if names.contains(&"workers") && options.server.is_none() {
        return Err(
            "--workers fills {workers} in the command of --server, and there is none; right: \
                    --server 'COMMAND --workers {workers}'"
                .to_owned(),
        );
    }
    let count =
        options.lists.iter().try_fold(1_usize, |all, (_, list)| all.checked_mul(list.len()));
    if count.is_none_or(|count| count > MOST) {
        return Err(format!(
            "the lists have more than {MOST} combinations; right: shorter lists, or several experiments"
        ));
    }
    let is_list = |name: &String| names.contains(&name.as_str());
    for plot in &options.plots {
        let lists = [Some(&plot.x), plot.series.as_ref(), plot.panel.as_ref()];
        if let Some(name) = lists.into_iter().flatten().find(|name| !is_list(name)) {
            return Err(format!(
                "--plot: {name} does not vary; right: one of {}",
                if names.is_empty() {
                    "the lists, and there is none".to_owned()
                } else {
                    names.join(", ")
                }
            ));
        }
    }
    Ok(())
}

pub(super) static COMMAND: Command<ExperimentOptions> = Command {
    name: "client experiment",
    usage: "[FLAG]... URL...",
    about: "\
Measures as `client bench` does, once for each combination of what varies, and
writes a table, a report and pictures. A LIST is 1,2,4 or 1..64x2 (doubled) or
10..50+10 (in steps); --vary also takes words. {NAME} is replaced by the value
of the list in the URL, in -H, -d and in --server.",
    examples: "",
    groups: &[
        ("What varies; each combination is measured", VARIED),
        ("Server", SERVER),
        ("Measurement", MEASUREMENT),
        ("Output", OUTPUT),
        ("Request, the same as for client", RequestFlags::FLAGS),
        ("Addresses", AddressFlags::FLAGS),
        ("Help", HELP),
    ],
    operand: |options, value| {
        options.client.urls.push(text(value)?);
        Ok(())
    },
    epilogue: "\
Figures for --plot: requests_per_s bytes_per_s p50_ms p90_ms p99_ms p999_ms
max_ms mean_ms answers errors error_share connections_made generator_busy late
and of a server of --server: server_cpu_s server_cpu_us (for each response)
server_peak_rss_kb server_threads.

Files in the folder of -o: runs.csv (a row for each measurement), summary.csv
(for each combination the median, minimum, maximum, and the 95% confidence
interval of the median by bootstrap), machine.json, report.md, and a picture
for each --plot. A point where the load generator was the limit is hollow.

Exit codes: those of client bench, and
  22  all requests of a combination failed
  99  a condition of --fail-if is true in most measurements of a combination

Examples:
  client experiment -c 1..256x2 http://127.0.0.1:8080/
  client experiment --workers 1..32x2 -c 1,8,64 --ideal \\
      'min(workers,connections)/0.05' --server \\
      '{threadbare} --workers {workers} --bind 127.0.0.1:{port} www' \\
      http://127.0.0.1:{port}/sleep/50
",
    most_used: &[],
    refused: &[],
};

#[cfg(test)]
mod tests {
    use super::*;

    fn options(args: &[&str]) -> ExperimentOptions {
        match parse(args.iter().map(OsString::from)) {
            Ok(Parsed::Run(options)) => options,
            other => panic!("{args:?}: {other:?}"),
        }
    }

    #[test]
    fn lists_are_kept_in_their_order_and_places_are_filled() {
        let options = options(&[
            "--vary",
            "ms=1,5",
            "-c",
            "1..4x2",
            "-H",
            "X: {ms}",
            "-d",
            "{\"a\":{ms}}",
            "http://127.0.0.1/sleep/{ms}",
        ]);
        let names: Vec<&str> = options.lists.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["ms", "connections"]);
        assert_eq!(options.lists[1].1, ["1", "2", "4"]);
        let filled = options.filled(&[("ms", "5")]).unwrap();
        assert_eq!(filled.client.urls, ["http://127.0.0.1/sleep/5"]);
        let args: Vec<&str> = filled.args.iter().filter_map(|arg| arg.to_str()).collect();
        assert!(args.contains(&"X: 5") && args.contains(&"{\"a\":5}"), "{args:?}");
    }

    #[test]
    fn what_is_refused() {
        for wrong in [
            &[][..],
            &["-c", "0", "u"],
            &["-c", "1..", "u"],
            &["-c", "a", "u"],
            &["-c", "1", "--connections", "2", "u"],
            &["--keep-alive", "on,maybe", "u"],
            &["--workers", "1", "u"],
            &["--vary", "a", "u"],
            &["--vary", "port=1", "u"],
            &["--vary", "a=", "u"],
            &["--plot", "p99_ms", "u"],
            &["--plot", "p99_ms:connections", "u"],
            &["--plot", "a:b:c:d:e", "u"],
            &["--log", "z", "u"],
            &["--repeat", "0", "u"],
            &["-t", "0", "u"],
            &["-t", "1e19", "u"],
            &["--pause", "1e19", "u"],
            &["-c", "1..200+1", "--pipeline", "1..200+1", "u"],
        ] {
            let error = parse(wrong.iter().map(OsString::from)).unwrap_err().to_string();
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
}
