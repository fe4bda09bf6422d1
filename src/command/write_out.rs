//! `-w FORMAT`: prints a text after each transfer, with its figures in it, as curl does: `%{http_code}`;
//! `%%` is a percent sign, `\n`, `\r`, `\t` mean what they mean in C; `%{json}` is all figures in a line of
//! JSON, `%{header_json}` the fields of the response; what follows `%{stderr}` goes there.
//!
//! A name that is no figure is refused before anything is sent (curl omits it).

use super::transfer::{FIGURES, Figure, FigureOf, Transfer};
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
    To(OutputStream),
}

/// The stream that a text goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
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
            if let Some(behind) = rest.strip_prefix("%{") {
                let (name, behind) = behind.split_once('}').ok_or_else(|| unknown(behind))?;
                pieces.push(FormatPiece::Text(std::mem::take(&mut text)));
                pieces.push(piece(name)?);
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
                FormatPiece::To(stream) => {
                    parts.push((*stream, String::new()));
                    continue;
                }
            };
            if let Some((_, part)) = parts.last_mut() {
                part.push_str(&text);
            }
        }
        parts
    }
}

const ESCAPES: &[(&str, char)] = &[("%%", '%'), ("\\n", '\n'), ("\\r", '\r'), ("\\t", '\t')];

fn piece(name: &str) -> Result<FormatPiece, String> {
    Ok(match name {
        "json" => FormatPiece::Line,
        "header_json" => FormatPiece::Fields,
        "stdout" => FormatPiece::To(OutputStream::Stdout),
        "stderr" => FormatPiece::To(OutputStream::Stderr),
        name => {
            let figure = FIGURES.iter().find(|(other, _)| *other == name);
            FormatPiece::Figure(figure.ok_or_else(|| unknown(name))?.1)
        }
    })
}

fn unknown(name: &str) -> String {
    let names: Vec<&str> = FIGURES.iter().map(|(name, _)| *name).collect();
    format!(
        "-w: {name:?} is not a known figure; right: %{{json}}, %{{header_json}}, {}",
        names.join(", ")
    )
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
            Figure::Code(status) => write!(f, "{:03}", status.map_or(0, |status| status.code())),
            Figure::Seconds(time) => write!(f, "{:.6}", time.as_secs_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer() -> Transfer {
        let total = std::time::Duration::from_millis(1500);
        let end = Err((7, "no".to_owned()));
        let output = Some("\u{9b}2J".to_owned());
        Transfer { downloaded: 3, total, end, output, ..Transfer::new("a\"b", 1) }
    }

    fn written(format: &str) -> String {
        let parts = Format::parse(format).unwrap().of(&transfer());
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
        ] {
            assert_eq!(written(format), want, "{format}");
        }
        for wrong in ["%{nonsense}", "%{http_code", "%{}"] {
            assert!(Format::parse(wrong).unwrap_err().contains("right: "));
        }
    }

    #[test]
    fn a_line_of_json_has_every_figure() {
        let line = line(&transfer());
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
