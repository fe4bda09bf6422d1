//! The value of `--ideal`: numbers, names, `+ - * /`, parentheses, `min(a,b)` and `max(a,b)`.

/// Returns the value of an expression; `value_of` knows the names.
///
/// # Errors
/// One line: what is wrong, and at which byte.
pub(super) fn evaluate(text: &str, value_of: &dyn Fn(&str) -> Option<f64>) -> Result<f64, String> {
    let mut parser = Parser { text, at: 0, value_of };
    let value = parser.sum()?;
    match parser.peek() {
        None => Ok(value),
        Some(char) => Err(parser.wrong(&format!("{char:?} is one too many"))),
    }
}

/// Parentheses in parentheses that are followed.
const DEEPEST: usize = 64;

struct Parser<'t> {
    text: &'t str,
    at: usize,
    value_of: &'t dyn Fn(&str) -> Option<f64>,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Returns the next character that is no space.
    fn peek(&mut self) -> Option<char> {
        self.at = self.text.len() - self.rest().trim_start().len();
        self.rest().chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_next = self.peek() == Some(wanted);
        self.at += if is_next { wanted.len_utf8() } else { 0 };
        is_next
    }

    fn wrong(&self, what: &str) -> String {
        format!(
            "--ideal: {what}, at byte {} of {:?}; right: min(workers,connections)/0.05",
            self.at, self.text
        )
    }

    fn sum(&mut self) -> Result<f64, String> {
        let mut value = self.product()?;
        loop {
            if self.take('+') {
                value += self.product()?;
            } else if self.take('-') {
                value -= self.product()?;
            } else {
                return Ok(value);
            }
        }
    }

    fn product(&mut self) -> Result<f64, String> {
        let mut value = self.term()?;
        loop {
            if self.take('*') {
                value *= self.term()?;
            } else if self.take('/') {
                value /= self.term()?;
            } else {
                return Ok(value);
            }
        }
    }

    /// Parses a number, a name, a function or parentheses.
    fn term(&mut self) -> Result<f64, String> {
        if self.text.get(..self.at).unwrap_or_default().matches('(').count() > DEEPEST {
            return Err(self.wrong("there are too many parentheses"));
        }
        if self.take('(') {
            let value = self.sum()?;
            return self.close(value);
        }
        let next = self.peek();
        let is_part = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == '.';
        let length = self.rest().find(|char| !is_part(char)).unwrap_or(self.rest().len());
        let word = self.rest().get(..length).unwrap_or_default().to_owned();
        if word.is_empty() {
            let found = next.map_or("the end".to_owned(), |char| format!("{char:?}"));
            return Err(self.wrong(&format!("{found} stands where a number or a name is due")));
        }
        let fold = match word.as_str() {
            "min" => f64::min,
            "max" => f64::max,
            _ => {
                let value = word.parse().ok().or_else(|| (self.value_of)(&word));
                let what = || self.wrong(&format!("{word} is no number, and no list of numbers"));
                let value = value.ok_or_else(what)?;
                self.at += length;
                return Ok(value);
            }
        };
        self.at += length;
        if !self.take('(') {
            return Err(self.wrong("a parenthesis is missing"));
        }
        let mut value = self.sum()?;
        while self.take(',') {
            value = fold(value, self.sum()?);
        }
        self.close(value)
    }

    fn close(&mut self, value: f64) -> Result<f64, String> {
        if self.take(')') { Ok(value) } else { Err(self.wrong("a parenthesis is not closed")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_what_is_refused() {
        let value_of = |name: &str| match name {
            "workers" => Some(4.0),
            "ms" => Some(50.0),
            _ => None,
        };
        for (text, value) in [
            ("1", 1.0),
            ("1+2*3", 7.0),
            ("(1+2)*3", 9.0),
            ("8-4-2", 2.0),
            ("8/4/2", 1.0),
            (" workers / ( ms / 1000 ) ", 80.0),
            ("min(workers,2)*10", 20.0),
            ("max(1,workers,3)", 4.0),
            ("1e3", 1000.0),
        ] {
            assert_eq!(evaluate(text, &value_of), Ok(value), "{text}");
        }
        for text in ["", "1+", "(1", "1)", "min", "min 1", "cores", "1 2", "*1", "min(1,)", "é"] {
            let said = evaluate(text, &value_of).expect_err(text);
            assert!(said.starts_with("--ideal: ") && said.contains("; right: "), "{said}");
        }
        assert!(evaluate(&"(".repeat(100_000), &value_of).is_err());
    }
}
