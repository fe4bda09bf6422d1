//! `-w FORMAT`: prints a text after each transfer, with its figures in it, as curl does: `%{http_code}`;
//! `%%` is a percent sign, `\n`, `\r`, `\t` mean what they mean in C; `%{json}` is all figures in a line of
//! JSON, `%{header_json}` the fields of the response, `%header{NAME}` one of them; what follows `%{stderr}` or
//! `%output{FILE}` goes there, and what follows `%{onerror}` is for transfers that failed.
//!
//! A name that is no figure is refused before anything is sent (curl omits it).

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use super::error::{CommandError, print_stderr, print_stdout};
use super::figures::{FIGURES, Figure, FigureOf};
use super::transfer::Transfer;
use crate::cli::nearest;
use crate::proto::http::headers::Headers;
use crate::text::{escape_for_terminal, escape_in_json, quote_json};

/// A text with figures in it.
#[derive(Debug, Clone)]
pub struct Format(Vec<FormatPiece>);

#[derive(Debug, Clone)]
enum FormatPiece {
    Text(String),
    Figure(FigureOf),
    Line,
    Fields,
    Field(FieldOf),
    To(OutputStream),
    /// The rest is for transfers that failed.
    OnError,
}

/// `%header{NAME}`, or with `:all:SEPARATOR` all fields of that name.
#[derive(Debug, Clone)]
struct FieldOf {
    name: String,
    separator: Option<String>,
}

/// Where a text goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file, which begins empty.
    File(PathBuf),
    /// The end of a file.
    EndOfFile(PathBuf),
}

impl Format {
    /// Parses a format.
    ///
    /// # Errors
    /// Says which name is no figure, and which names are.
    pub fn parse(format: &str) -> Result<Format, String> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = format;
        while let Some(char) = rest.chars().next() {
            if let Some((kind, behind)) = directive(rest) {
                let (name, behind) = up_to_brace(behind).ok_or_else(|| unknown(behind))?;
                pieces.push(FormatPiece::Text(std::mem::take(&mut text)));
                pieces.push(piece(kind, &name)?);
                rest = behind;
                continue;
            }
            let escape = ESCAPES.iter().find(|(escape, _)| rest.starts_with(escape));
            let (taken, means) = match escape {
                Some((escape, means)) => (escape.len(), *means),
                None => (char.len_utf8(), char),
            };
            text.push(means);
            rest = rest.get(taken..).unwrap_or_default();
        }
        pieces.push(FormatPiece::Text(text));
        Ok(Format(pieces))
    }

    /// Returns the text for this transfer, and where each part of it goes.
    pub fn of(&self, transfer: &Transfer) -> Vec<(OutputStream, String)> {
        let mut parts = vec![(OutputStream::Stdout, String::new())];
        for piece in &self.0 {
            let text = match piece {
                FormatPiece::Text(text) => text.clone(),
                FormatPiece::Figure(figure) => figure(transfer).to_string(),
                FormatPiece::Line => line(transfer),
                FormatPiece::Fields => {
                    fields(transfer.response.as_ref().map_or(&Headers::new(), |head| &head.headers))
                }
                FormatPiece::Field(field) => field.of(transfer),
                FormatPiece::To(stream) => {
                    parts.push((stream.clone(), String::new()));
                    continue;
                }
                FormatPiece::OnError if transfer.end.is_ok() => break,
                FormatPiece::OnError => continue,
            };
            if let Some((_, part)) = parts.last_mut() {
                part.push_str(&text);
            }
        }
        parts
    }
}

impl OutputStream {
    /// Writes a text.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, text: &str) -> Result<(), CommandError> {
        let (path, file) = match self {
            OutputStream::Stdout => return print_stdout(text.as_bytes()),
            OutputStream::Stderr => {
                print_stderr(text);
                return Ok(());
            }
            OutputStream::File(path) => (path, File::create(path)),
            OutputStream::EndOfFile(path) => {
                (path, File::options().append(true).create(true).open(path))
            }
        };
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| CommandError::Write(path.display().to_string(), error))
    }
}

impl FieldOf {
    /// Parses `NAME`, `NAME:all:` or `NAME:all:SEPARATOR`.
    fn parse(text: &str) -> FieldOf {
        match text.split_once(":all:") {
            Some((name, separator)) => {
                FieldOf { name: name.to_owned(), separator: Some(separator.to_owned()) }
            }
            None => FieldOf { name: text.to_owned(), separator: None },
        }
    }

    /// Returns the first value in the last response, or all values of all responses.
    fn of(&self, transfer: &Transfer) -> String {
        let Some(separator) = &self.separator else {
            let head = transfer.response.as_ref();
            let value = head.and_then(|head| head.headers.first(&self.name));
            return value.map(escape_for_terminal).unwrap_or_default();
        };
        let heads = [&transfer.recorded.hops[..], &transfer.recorded.heads].concat();
        let values = heads.split(|&byte| byte == b'\n').filter_map(|line| {
            let colon = line.iter().position(|&byte| byte == b':')?;
            let is_it = line[..colon].eq_ignore_ascii_case(self.name.as_bytes());
            is_it.then(|| escape_for_terminal(line[colon + 1..].trim_ascii()))
        });
        values.collect::<Vec<_>>().join(separator)
    }
}

const ESCAPES: &[(&str, char)] = &[("%%", '%'), ("\\n", '\n'), ("\\r", '\r'), ("\\t", '\t')];

/// What stands in braces.
#[derive(Debug, Clone, Copy)]
enum Directive {
    Variable,
    Header,
    Output,
}

const DIRECTIVES: &[(&str, Directive)] = &[
    ("%{", Directive::Variable),
    ("%header{", Directive::Header),
    ("%output{", Directive::Output),
];

/// Returns the directive that a text begins with, and what follows its brace.
fn directive(text: &str) -> Option<(Directive, &str)> {
    DIRECTIVES.iter().find_map(|(begin, kind)| Some((*kind, text.strip_prefix(begin)?)))
}

/// Returns what stands before the closing brace, and what follows it; `\}` is a brace that does not close.
fn up_to_brace(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('}')?;
        match before.strip_suffix('\\') {
            Some(before) => name.extend([before, "}"]),
            None => return Some((name + before, after)),
        }
        rest = after;
    }
}

fn piece(kind: Directive, name: &str) -> Result<FormatPiece, String> {
    Ok(match (kind, name) {
        (Directive::Header, name) => FormatPiece::Field(FieldOf::parse(name)),
        (Directive::Output, "" | ">>") => {
            return Err(
                "-w: %output{} needs a file; right: %output{FILE} or %output{>>FILE}".into()
            );
        }
        (Directive::Output, path) => FormatPiece::To(match path.strip_prefix(">>") {
            Some(path) => OutputStream::EndOfFile(path.into()),
            None => OutputStream::File(path.into()),
        }),
        (Directive::Variable, "json") => FormatPiece::Line,
        (Directive::Variable, "header_json") => FormatPiece::Fields,
        (Directive::Variable, "stdout") => FormatPiece::To(OutputStream::Stdout),
        (Directive::Variable, "stderr") => FormatPiece::To(OutputStream::Stderr),
        (Directive::Variable, "onerror") => FormatPiece::OnError,
        (Directive::Variable, name) => {
            let figure = FIGURES.iter().find(|(other, _)| *other == name);
            FormatPiece::Figure(figure.ok_or_else(|| unknown(name))?.1)
        }
    })
}

fn unknown(name: &str) -> String {
    let names: Vec<&str> = FIGURES.iter().map(|(name, _)| *name).collect();
    match nearest(name, &names) {
        Some(meant) => format!("-w: {name:?} is not a known figure; right: %{{{meant}}}"),
        None => format!(
            "-w: {name:?} is not a known figure; right: %header{{NAME}}, %{{json}}, %{{header_json}}, {}",
            names.join(", ")
        ),
    }
}

/// Returns a transfer as a line of JSON: an object with every figure, under the names of `-w`. What is not
/// known is `null`; times are seconds, sizes bytes, speeds bytes a second.
pub fn line(transfer: &Transfer) -> String {
    let members = FIGURES.iter().map(|(name, figure)| {
        let value = match figure(transfer) {
            Figure::Text(None) => "null".to_owned(),
            Figure::Text(Some(text)) => quoted(&text),
            Figure::Code(status) => status.map_or(0, |status| status.code()).to_string(),
            figure => figure.to_string(),
        };
        format!("{}:{value}", quoted(name))
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// Returns the fields of a response: for each name, in small letters, its values.
fn fields(headers: &Headers) -> String {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in headers.iter() {
        let name = name.to_ascii_lowercase();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let members = names.iter().map(|name| {
        let values = headers.all(name).map(|value| quoted(&String::from_utf8_lossy(value)));
        format!("{}:[{}]", quoted(name), values.collect::<Vec<_>>().join(","))
    });
    format!("{{{}\n}}", members.collect::<Vec<_>>().join(",\n"))
}

/// Returns a string of JSON. A control character is an escape in it, so that nothing in a line controls
/// the terminal.
fn quoted(text: &str) -> String {
    escape_in_json(&quote_json(text))
}

/// Writes the figure as `-w` has it, without the control characters that a server may have sent.
impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Figure::Text(text) => {
                f.write_str(&escape_for_terminal(text.as_deref().unwrap_or_default().as_bytes()))
            }
            Figure::Count(count) => write!(f, "{count}"),
            Figure::Id(Some(id)) => write!(f, "{id}"),
            Figure::Id(None) => f.write_str("-1"),
            Figure::Code(status) => write!(f, "{:03}", status.map_or(0, |status| status.code())),
            Figure::Seconds(time) => write!(f, "{:.6}", time.as_secs_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::transfer::Recorded;
    use super::*;
    use crate::proto::http::head::ResponseHead;
    use crate::proto::http::status::Status;

    fn transfer(has_response: bool) -> Transfer {
        let total = std::time::Duration::from_millis(1500);
        let end = Err((7, "no".to_owned()));
        let output = Some("\u{9b}2J".to_owned());
        let mut head = ResponseHead::new(Status::OK);
        head.headers.append("Set-Cookie", "a=1").unwrap();
        let recorded = Recorded {
            hops: b"HTTP/1.1 302 Found\r\nset-cookie: h=0\r\n\r\n".to_vec(),
            heads: b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie:b=\x1b2 \r\n\r\n".to_vec(),
            ..Recorded::default()
        };
        let response = Some(head).filter(|_| has_response);
        let found = Transfer { downloaded: 3, total, end, output, ..Transfer::new("a\"b", 1) };
        Transfer { recorded, response, retries: 2, ..found }
    }

    fn written(format: &str) -> String {
        let parts = Format::parse(format).unwrap().of(&transfer(format.contains("%header{")));
        parts.iter().map(|(stream, text)| format!("{stream:?}:{text} ")).collect()
    }

    #[test]
    fn formats() {
        for (format, want) in [
            ("", "Stdout: "),
            ("a%%b\\n%c%", "Stdout:a%b\n%c% "),
            ("%{http_code} %{time_total}\\t%{url}", "Stdout:000 1.500000\ta\"b "),
            ("x%{stderr}y%{exitcode}%{stdout}z", "Stdout:x Stderr:y7 Stdout:z "),
            ("%{speed_download}%{content_type}|%{errormsg}", "Stdout:2|no "),
            ("\\x%{header_json}", "Stdout:\\x{\n} "),
            ("\u{9b}%{filename_effective}", "Stdout:\u{9b}\\xC2\\x9B2J "),
            ("a%{onerror}b%{exitcode}", "Stdout:ab7 "),
            ("a%output{f}b%output{>>g}c", "Stdout:a File(\"f\"):b EndOfFile(\"g\"):c "),
            ("%output{a\\}b}c", "Stdout: File(\"a}b\"):c "),
            ("%header{set-cookie}|%header{no}|", "Stdout:a=1|| "),
            ("%header{SET-cookie:all:, }", "Stdout:h=0, a=1, b=\\x1B2 "),
            ("%header{set-cookie:all:}%header{no:all:;}", "Stdout:h=0a=1b=\\x1B2 "),
            ("%headers{x} %time {} %output", "Stdout:%headers{x} %time {} %output "),
            ("%{conn_id} %{xfer_id} %{num_retries} %{http_connect}", "Stdout:-1 1 2 000 "),
            ("%{time_appconnect}%{certs}%{ssl_verify_result}", "Stdout:0.0000000 "),
            ("%{url.host} %{url.password}%{urle.host}|", "Stdout:a\"b | "),
        ] {
            assert_eq!(written(format), want, "{format}");
        }
        for wrong in ["%{nonsense}", "%{http_code", "%{}", "%output{}", "%output{>>}", "%header{x"]
        {
            assert!(Format::parse(wrong).unwrap_err().contains("right: "));
        }
        let near = Format::parse("%{time_totl}").unwrap_err();
        assert!(near.ends_with("right: %{time_total}"), "{near}");
    }

    #[test]
    fn a_line_of_json_has_every_figure() {
        let line = line(&transfer(false));
        let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(parsed.as_object().unwrap().len(), FIGURES.len());
        assert!(
            line.starts_with("{\"url\":\"a\\\"b\",\"url_effective\":null,\"urlnum\":1,"),
            "{line}"
        );
        assert_eq!(parsed["time_total"], 1.5);
        assert!(line.contains("\"\\u009b2J\""), "{line}");
        assert_eq!(parsed["http_code"], 0);
        assert_eq!(line.lines().count(), 1);
    }
}
