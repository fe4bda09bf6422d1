//! A user: made from the members of a request body, and written as JSON to its file and to the client.

use serde_json::Value;

use crate::proto::http::target::form_pairs;
use crate::text::quote_json;

/// The longest name, in bytes; and the longest address (RFC 5321, 4.5.3.1.3, less the brackets).
pub(super) const LONGEST_NAME: usize = 200;
const LONGEST_EMAIL: usize = 254;

/// A user without its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    /// The name up to its first space.
    pub(super) first_name: String,
    /// The rest of the name; may be empty.
    pub(super) last_name: String,
    /// The mail address.
    pub(super) email: String,
}

/// The members of a request body, by name.
pub(super) enum Members {
    Json(serde_json::Map<String, Value>),
    Form(Vec<(String, String)>),
}

impl Members {
    pub(super) fn from_form(text: &str) -> Result<Members, String> {
        if text.trim_start().starts_with('{') {
            return Err(
                "the body looks like JSON, and Content-Type says that it is a form without \
                        name and email (curl --json sets the type)"
                    .to_owned(),
            );
        }
        Ok(Members::Form(form_pairs(text).collect()))
    }

    fn text(&self, wanted: &str) -> Result<Option<&str>, String> {
        match self {
            Members::Json(object) => match object.get(wanted) {
                None => Ok(None),
                Some(Value::String(text)) => Ok(Some(text)),
                Some(_) => Err(format!("{wanted} is not a string")),
            },
            Members::Form(pairs) => {
                let mut held = pairs.iter().filter(|(name, _)| name == wanted);
                Ok(held.next().map(|(_, value)| value.as_str()))
            }
        }
    }
}

impl User {
    /// Takes `name` (split at its first space) or `firstName` and `lastName`, and `email`.
    pub(super) fn from_members(members: &Members) -> Result<User, String> {
        let (first_name, last_name) = match members.text("name")?.map(str::trim) {
            Some(name) => name.split_once(' ').unwrap_or((name, "")),
            None => {
                let first_name = members.text("firstName")?.ok_or("name is missing")?;
                (first_name, members.text("lastName")?.unwrap_or_default())
            }
        };
        let email = members.text("email")?.ok_or("email is missing")?;
        let [first_name, last_name, email] =
            [first_name, last_name, email].map(|text| text.trim().to_owned());
        let control = |text: &str| text.chars().any(char::is_control);
        if first_name.is_empty() {
            return Err("name is empty".to_owned());
        }
        if first_name.len() + last_name.len() > LONGEST_NAME
            || control(&first_name)
            || control(&last_name)
        {
            let what =
                format!("name is longer than {LONGEST_NAME} bytes, or has control characters");
            return Err(what);
        }
        if !is_address(&email) {
            return Err("email is not of the form local@domain".to_owned());
        }
        Ok(User { first_name, last_name, email })
    }

    /// Parses a file that [`User::to_json`] made.
    pub(super) fn from_file(file: &[u8]) -> Option<User> {
        let value: Value = serde_json::from_slice(file).ok()?;
        let member = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(User {
            first_name: member("firstName")?,
            last_name: member("lastName")?,
            email: member("email")?,
        })
    }

    /// Returns the user as it is stored and sent.
    pub(super) fn to_json(&self, id: u64) -> String {
        let [first, last, email] =
            [&self.first_name, &self.last_name, &self.email].map(|text| quote_json(text));
        format!("{{\"id\":{id},\"firstName\":{first},\"lastName\":{last},\"email\":{email}}}")
    }
}

/// Returns true for `local@domain`, roughly: only sending mail would show whether it arrives.
fn is_address(text: &str) -> bool {
    let odd = |char: char| char.is_control() || char.is_whitespace() || char == '@';
    let fits = |part: &str| !part.is_empty() && !part.contains(odd);
    text.len() <= LONGEST_EMAIL
        && text.split_once('@').is_some_and(|(local, domain)| fits(local) && fits(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_json(text: &str) -> Result<User, String> {
        let Value::Object(object) = serde_json::from_str(text).unwrap() else { panic!("{text}") };
        User::from_members(&Members::Json(object))
    }

    #[test]
    fn names_are_split_at_their_first_space() {
        for (name, first, last) in [
            ("FirstName LastName", "FirstName", "LastName"),
            ("  Ada   Augusta Lovelace ", "Ada", "Augusta Lovelace"),
            ("Plato", "Plato", ""),
            ("李 小龙", "李", "小龙"),
        ] {
            let user = from_json(&format!(r#"{{"name":"{name}","email":"a@b"}}"#)).unwrap();
            assert_eq!(
                (user.first_name.as_str(), user.last_name.as_str()),
                (first, last),
                "{name:?}"
            );
        }
    }

    #[test]
    fn what_is_shown_can_be_sent_back() {
        let user = User { first_name: "A\"".into(), last_name: "B".into(), email: "a@b".into() };
        assert_eq!(from_json(&user.to_json(7)).unwrap(), user);
        assert_eq!(User::from_file(user.to_json(7).as_bytes()).unwrap(), user);
    }

    /// It is read by serde_json, here and at the client.
    #[test]
    fn strings_are_written_as_serde_json_writes_them() {
        for char in ('\0'..='\u{300}').chain(['\u{2028}', '\u{FEFF}', '😀']) {
            let text = format!("a{char}b");
            assert_eq!(quote_json(&text), Value::from(&*text).to_string(), "{char:?}");
        }
    }

    #[test]
    fn which_member_is_wrong() {
        for (text, want) in [
            (r#"{}"#, "name is missing"),
            (r#"{"name":"A"}"#, "email is missing"),
            (r#"{"name":7,"email":"a@b"}"#, "name is not a string"),
            (r#"{"name":null,"email":"a@b"}"#, "name is not a string"),
            (r#"{"name":" ","email":"a@b"}"#, "name is empty"),
            (r#"{"name":"A","email":["a@b"]}"#, "email is not a string"),
            (r#"{"name":"A","email":"ab"}"#, "email is not of the form local@domain"),
            (r#"{"name":"A","email":"@b"}"#, "email is not of the form local@domain"),
            (r#"{"name":"A","email":"a@"}"#, "email is not of the form local@domain"),
            (r#"{"name":"A","email":"a@b@c"}"#, "email is not of the form local@domain"),
            (r#"{"name":"A","email":"a b@c"}"#, "email is not of the form local@domain"),
            (
                r#"{"name":"A\nB","email":"a@b"}"#,
                "name is longer than 200 bytes, or has control characters",
            ),
        ] {
            assert_eq!(from_json(text).unwrap_err(), want, "{text}");
        }
    }
}
