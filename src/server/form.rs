//! A form without files, as browsers send it by default: `application/x-www-form-urlencoded`.

use super::respond::error_response::ErrorResponse;
use crate::proto::http::limits::Limits;
use crate::proto::http::status::Status;
use crate::proto::http::target::form_pairs;

/// The fields of a form, decoded, in order (WHATWG URL, 5.1).
///
/// ```
/// use threadbare::server::{Form, Limits};
///
/// let form = Form::parse("name=Ada+L.&tag=a%26b&tag=c", &Limits::default()).unwrap();
/// assert_eq!(form.get("name"), Some("Ada L."));
/// assert_eq!(form.all("tag").collect::<Vec<_>>(), ["a&b", "c"]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    fields: Vec<(String, String)>,
}

impl Form {
    /// Reads the text of a body: names and values, with `=` and `&` between them. Each text is a form; bytes
    /// that are no UTF-8 when they are decoded are replaced.
    ///
    /// # Errors
    /// A 413 when there are more than [`Limits::form_fields`] fields.
    pub fn parse(text: &str, limits: &Limits) -> Result<Form, ErrorResponse> {
        let most = limits.form_fields;
        let fields: Vec<_> = form_pairs(text).take(most.saturating_add(1)).collect();
        if fields.len() > most {
            let what = format!("the form has more than {most} fields, the limit of this server");
            let right = "fewer fields, or several requests";
            let status = Status::CONTENT_TOO_LARGE;
            return Err(ErrorResponse::new(status, "RFC 9110, 15.5.14", what, right));
        }
        Ok(Form { fields })
    }

    /// Returns the value of the first field of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Returns the values of all fields of this name, as of several checkboxes.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.iter().filter(move |&(held, _)| held == name).map(|(_, value)| value)
    }

    /// Returns all names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_form() {
        let form = Form::parse("a=1&b=&a=%C3%BC+&c&=d", &Limits::default()).unwrap();
        let want = [("a", "1"), ("b", ""), ("a", "\u{fc} "), ("c", ""), ("", "d")];
        assert!(form.iter().eq(want), "{form:?}");
        for (name, want) in [("a", Some("1")), ("c", Some("")), ("", Some("d")), ("A", None)] {
            assert_eq!(form.get(name), want, "{name}");
        }
        assert!(form.all("a").eq(["1", "\u{fc} "]) && form.all("d").next().is_none());
        assert_eq!(Form::parse("", &Limits::default()), Ok(Form::default()));
    }

    #[test]
    fn a_form_has_not_too_many_fields() {
        let limits = Limits { form_fields: 2, ..Limits::default() };
        assert!(Form::parse("a&&&b", &limits).is_ok());
        assert_eq!(Form::parse("a&b&c", &limits).unwrap_err().status.code(), 413);
    }
}
