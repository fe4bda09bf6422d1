//! Globs, as curl has them: `{a,b}` and `[1-10:2]` in a URL or in the file of `-T` stand for several of them, and `#1` in
//! the name of an output for the text that the first of them stands for.
//!
//! A glob is a list of pieces, and its texts are counted like a number whose last digit is the last piece. So any text
//! is computed from its index, and a range of a billion costs no memory.

use std::fmt::Write as _;
use std::net::Ipv6Addr;

/// A text with globs in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlGlob {
    pieces: Vec<Piece>,
    count: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// `{a,b}`
    Set(Vec<String>),
    /// `[a-z:2]`
    Letters {
        first: u8,
        count: u64,
        step: u64,
    },
    /// `[001-100:10]`: `width` is the least number of digits.
    Numbers {
        first: u64,
        count: u64,
        step: u64,
        width: usize,
    },
}

/// One of the texts of a glob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobMatch {
    /// The text.
    pub text: String,
    /// What each glob stands for in it, for `#1`, `#2` and so on.
    pub values: Vec<String>,
}

/// Why a text is not a glob: what is wrong, in the words of curl, and at which byte, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobError {
    what: &'static str,
    at: usize,
    right: &'static str,
}

impl std::fmt::Display for GlobError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let GlobError { what, at, right } = self;
        write!(
            f,
            "{what} in URL position {at}; right: {right}; or -g, with which braces and brackets mean themselves"
        )
    }
}

const SET: &str = "{one,two}, with \\ before a brace or comma that means itself";
const RANGE: &str = "[1-10], [001-100], [0-100:10] or [a-z]";

/// The most globs in one text.
const MOST: usize = 100;

impl UrlGlob {
    /// Returns a text that has no globs, whatever is in it (`-g`).
    pub fn plain(text: &str) -> UrlGlob {
        UrlGlob { pieces: vec![Piece::Text(text.to_owned())], count: 1 }
    }

    /// Reads a text with globs. An IPv6 address in brackets is none, and `\` takes the meaning from the brace or
    /// bracket that follows it.
    ///
    /// # Errors
    /// [`GlobError`].
    pub fn parse(text: &str) -> Result<UrlGlob, GlobError> {
        let mut parser = Parser { text, at: 0 };
        let mut pieces = Vec::new();
        while parser.at < text.len() {
            pieces.push(parser.piece()?);
        }
        let globs = pieces.iter().filter(|piece| !matches!(piece, Piece::Text(_))).count();
        let count = pieces.iter().try_fold(1_u64, |count, piece| count.checked_mul(piece.count()));
        match count {
            _ if globs > MOST => {
                Err(GlobError { what: "too many globs", at: 1, right: "100 of them" })
            }
            None => Err(GlobError { what: "range overflow", at: 1, right: RANGE }),
            Some(count) => Ok(UrlGlob { pieces, count }),
        }
    }

    /// Returns the number of texts.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the text with this index; the last glob changes first.
    pub fn get(&self, index: u64) -> Option<GlobMatch> {
        let mut rest = Some(index).filter(|&index| index < self.count)?;
        let mut texts = Vec::with_capacity(self.pieces.len());
        for piece in self.pieces.iter().rev() {
            texts.push((piece, piece.get(rest % piece.count())));
            rest /= piece.count();
        }
        texts.reverse();
        let text = texts.iter().map(|(_, text)| text.as_str()).collect();
        let of_globs = texts.into_iter().filter(|(piece, _)| !matches!(piece, Piece::Text(_)));
        Some(GlobMatch { text, values: of_globs.map(|(_, text)| text).collect() })
    }

    /// Returns all texts, one after the other.
    pub fn iter(&self) -> impl Iterator<Item = GlobMatch> + '_ {
        (0..self.count).filter_map(|index| self.get(index))
    }
}

impl GlobMatch {
    /// Returns the name of an output, with the text of the first glob in place of `#1`. A number without a glob stays.
    pub fn fill(&self, name: &str) -> String {
        let mut filled = String::new();
        let mut pieces = name.split('#');
        filled.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = piece.split_at(digits);
            let index = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            match index.and_then(|index| self.values.get(index)) {
                Some(value) => filled.push_str(value),
                None => _ = write!(filled, "#{number}"),
            }
            filled.push_str(rest);
        }
        filled
    }
}

impl Piece {
    fn count(&self) -> u64 {
        match self {
            Piece::Text(_) => 1,
            Piece::Set(texts) => texts.len() as u64,
            Piece::Letters { count, .. } | Piece::Numbers { count, .. } => *count,
        }
    }

    /// Returns its text with this index, which is below its count.
    fn get(&self, index: u64) -> String {
        match self {
            Piece::Text(text) => text.clone(),
            Piece::Set(texts) => {
                let text = usize::try_from(index).ok().and_then(|index| texts.get(index));
                text.cloned().unwrap_or_default()
            }
            Piece::Letters { first, step, .. } => {
                let letter = u8::try_from(u64::from(*first) + index * step);
                char::from(letter.unwrap_or(*first)).to_string()
            }
            Piece::Numbers { first, step, width, .. } => {
                format!("{:0width$}", first + index * step, width = *width)
            }
        }
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn wrong<T>(&self, what: &'static str, at: usize, right: &'static str) -> Result<T, GlobError> {
        Err(GlobError { what, at: at + 1, right })
    }

    fn piece(&mut self) -> Result<Piece, GlobError> {
        match self.rest().as_bytes() {
            [b'{', ..] => self.set(),
            [b'[', ..] if address_length(self.rest()).is_none() => self.range(),
            _ => self.literal(),
        }
    }

    fn literal(&mut self) -> Result<Piece, GlobError> {
        let mut text = String::new();
        while let Some(char) = self.rest().chars().next() {
            let length = match char {
                '[' => match address_length(self.rest()) {
                    Some(length) => length,
                    None => break,
                },
                '{' => break,
                '}' | ']' => return self.wrong("unmatched close brace/bracket", self.at, SET),
                '\\' if self
                    .rest()
                    .get(1..)
                    .is_some_and(|next| next.starts_with(['{', '}', '[', ']'])) =>
                {
                    self.at += 1;
                    1
                }
                char => char.len_utf8(),
            };
            text.push_str(self.rest().get(..length).unwrap_or_default());
            self.at += length;
        }
        Ok(Piece::Text(text))
    }

    fn set(&mut self) -> Result<Piece, GlobError> {
        let begin = self.at;
        self.at += 1;
        let (mut texts, mut text) = (Vec::new(), String::new());
        while let Some(char) = self.rest().chars().next() {
            match char {
                '}' if self.at == begin + 1 => {
                    return self.wrong("empty string within braces", self.at, SET);
                }
                '{' | '[' => return self.wrong("nested brace", self.at, SET),
                ']' => return self.wrong("unexpected close bracket", self.at, SET),
                ',' | '}' => {
                    texts.push(std::mem::take(&mut text));
                    self.at += 1;
                    if char == '}' {
                        return Ok(Piece::Set(texts));
                    }
                    continue;
                }
                '\\' => self.at += 1,
                _ => {}
            }
            let Some(char) = self.rest().chars().next() else { break };
            text.push(char);
            self.at += char.len_utf8();
        }
        self.wrong("unmatched brace", begin, SET)
    }

    fn range(&mut self) -> Result<Piece, GlobError> {
        let begin = self.at + 1;
        let rest = self.rest().get(1..).unwrap_or_default();
        if !rest.starts_with(|char: char| char.is_ascii_alphanumeric()) {
            return self.wrong("bad range specification", begin, RANGE);
        }
        let Some((inside, _)) = rest.split_once(']') else {
            return self.wrong("bad range", begin, RANGE);
        };
        match letters(inside).or_else(|| numbers(inside)) {
            Some(piece) => {
                self.at = begin + inside.len() + 1;
                Ok(piece)
            }
            None => self.wrong("bad range", begin, RANGE),
        }
    }
}

/// Returns the length of an IPv6 address in brackets that the text begins with. It may have a zone (RFC 6874).
fn address_length(text: &str) -> Option<usize> {
    let (inside, _) = text.strip_prefix('[')?.split_once(']')?;
    let address = inside.split_once('%').map_or(inside, |(address, _)| address);
    address.parse::<Ipv6Addr>().ok().map(|_| inside.len() + 2)
}

/// Splits `first-last` and `first-last:step`.
fn halves(inside: &str) -> Option<(&str, &str, u64)> {
    let (range, step) = match inside.split_once(':') {
        Some((range, step)) => (range, number(step)?),
        None => (inside, 1),
    };
    let (first, last) = range.split_once('-')?;
    Some((first, last, step))
}

fn letters(inside: &str) -> Option<Piece> {
    let (first, last, step) = halves(inside)?;
    let (&[first], &[last]) = (first.as_bytes(), last.as_bytes()) else { return None };
    let same_case = first.is_ascii_lowercase() && last.is_ascii_lowercase()
        || first.is_ascii_uppercase() && last.is_ascii_uppercase();
    let count = count(first.into(), last.into(), step).filter(|_| same_case)?;
    Some(Piece::Letters { first, count, step })
}

fn numbers(inside: &str) -> Option<Piece> {
    let (first, last, step) = halves(inside)?;
    let width = if first.starts_with('0') { first.len() } else { 0 };
    let last = last.trim_start_matches([' ', '\t']);
    let (first, last) = (number(first)?, number(last)?);
    Some(Piece::Numbers { first, count: count(first, last, step)?, step, width })
}

/// Returns how many steps there are from `first` to `last`; `None` if the step is 0, or leads beyond the end.
fn count(first: u64, last: u64, step: u64) -> Option<u64> {
    let way = last.checked_sub(first)?;
    let is_right = step > 0 && (step <= way || way == 0 && step == 1);
    is_right.then(|| (way / step).checked_add(1)).flatten()
}

/// Reads digits only, without a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
