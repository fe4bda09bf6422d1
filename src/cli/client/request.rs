//! The flags that say what is asked, for every command that asks: `client`, `client bench`.

use std::ffi::OsStr;
use std::marker::PhantomData;

use super::data::{Data, source, this, to_encode};
use super::{ClientOptions, Field, FormField, UploadFrom};
use crate::cli::Effect::{Secret, Switch, Value};
use crate::cli::{Expected, Flag};

/// The table, for options that have those of `client` among them.
pub(in crate::cli) struct RequestFlags<T>(PhantomData<T>);

impl<T: AsMut<ClientOptions> + 'static> RequestFlags<T> {
    pub(in crate::cli) const FLAGS: &'static [Flag<T>] = &[
        Flag::new(
            Some('X'),
            "request",
            Value("METHOD", |options, value| {
                // Which words are methods is the protocol's to say, and it does, before anything is sent.
                let method = value.to_str().filter(|name| !name.is_empty());
                options.as_mut().method =
                    Some(method.ok_or(Expected("a word, such as GET"))?.to_owned());
                Ok(())
            }),
            "use this method (default GET, or POST with a body)",
        ),
        Flag::new(
            Some('H'),
            "header",
            Secret("FIELD", |options, value| {
                options.as_mut().fields.push(field(value)?);
                Ok(())
            }),
            "'Name: value' adds a field, 'Name;' adds an empty field, 'Name:' removes a default \
         field; @FILE reads such lines from a file, @- from stdin",
        ),
        Flag::new(
            Some('A'),
            "user-agent",
            Value("NAME", |options, value| {
                options.as_mut().agent = Some(value.as_encoded_bytes().to_vec());
                Ok(())
            }),
            "value of the User-Agent field; '' removes it",
        ),
        Flag::new(
            Some('e'),
            "referer",
            Secret("URL", |options, value| {
                let (referer, is_auto) = without_auto(value.as_encoded_bytes());
                options.as_mut().referer =
                    Some(referer.to_vec()).filter(|it| !is_auto || !it.is_empty());
                options.as_mut().auto_referer = is_auto;
                Ok(())
            }),
            "value of the Referer field: the page that contains the link; sent without user, password \
             and fragment; after ;auto, a request that a redirect leads to names the page before it",
        ),
        Flag::new(
            Some('u'),
            "user",
            Secret("USER:PASSWORD", |options, value| {
                let user = value.as_encoded_bytes();
                let user = Some(user).filter(|user| user.contains(&b':'));
                let user = user.ok_or(Expected("user:password (there is no prompt)"))?;
                options.as_mut().user = Some(user.to_vec());
                Ok(())
            }),
            "user name and password for the server (Basic, RFC 7617), which are sent unencrypted",
        ),
        Flag::new(
            Some('r'),
            "range",
            Value("RANGE", |options, value| {
                let right = Expected("0-99, 100- or -100, or several with commas");
                options.as_mut().range = Some(value.to_str().and_then(range).ok_or(right)?);
                Ok(())
            }),
            "request these bytes only, such as 0-99, 100- or -100; 100 alone is 100-",
        ),
        Flag::new(
            Some('d'),
            "data",
            Secret("DATA", |options, value| {
                options.as_mut().data.push(Data::Form(source(value)?));
                Ok(())
            }),
            "send DATA as the body; @FILE sends a file without its line ends, @- sends stdin; several \
         -d are joined with &",
        ),
        Flag::new(
            None,
            "data-binary",
            Secret("DATA", |options, value| {
                options.as_mut().data.push(Data::Binary(source(value)?));
                Ok(())
            }),
            "like -d, but @FILE is sent unchanged",
        ),
        Flag::new(
            None,
            "data-raw",
            Secret("DATA", |options, value| {
                options.as_mut().data.push(Data::Binary(this(value)));
                Ok(())
            }),
            "like -d, but @ has no meaning",
        ),
        Flag::new(
            None,
            "data-urlencode",
            Secret("DATA", |options, value| {
                options.as_mut().data.push(to_encode(value)?);
                Ok(())
            }),
            "like -d, but percent-encoded: content, =content, name=content, @FILE or name@FILE",
        ),
        Flag::new(
            None,
            "json",
            Secret("DATA", |options, value| {
                options.as_mut().data.push(Data::Json(source(value)?));
                Ok(())
            }),
            "send DATA as JSON, and accept JSON; @FILE and @- are sent unchanged",
        ),
        Flag::new(
            Some('G'),
            "get",
            Switch(|options, on| options.as_mut().get = on),
            "append the data to the URL as its query",
        ),
        Flag::new(
            Some('F'),
            "form",
            Secret("NAME=CONTENT", |options, value| {
                options.as_mut().form.push(FormField::Spelled(form(value)?));
                Ok(())
            }),
            "send a form with files (multipart/form-data): name=text, name=@FILE for a file, \
         name=<FILE for the text of a file; optionally followed by ;type=TYPE and ;filename=NAME",
        ),
        Flag::new(
            None,
            "form-string",
            Secret("NAME=TEXT", |options, value| {
                options.as_mut().form.push(FormField::Plain(form(value)?));
                Ok(())
            }),
            "like -F, but @, < and ; have no meaning",
        ),
        Flag::new(
            Some('T'),
            "upload-file",
            Value("FILE", |options, value| {
                options.as_mut().uploads.push(match value.to_str() {
                    Some("") => None,
                    Some("-" | ".") => Some(UploadFrom::Stdin),
                    _ => Some(UploadFrom::File(value.into())),
                });
                Ok(())
            }),
            "send FILE with PUT; - is stdin; if the URL ends in /, the name of the file is appended; the \
         second -T is for the second URL",
        ),
        Flag::new(
            Some('I'),
            "head",
            Switch(|options, on| options.as_mut().head = on),
            "request the head only",
        ),
        Flag::new(
            Some('0'),
            "http1.0",
            Switch(|options, on| options.as_mut().http10 = on),
            "use HTTP/1.0",
        ),
    ];
}

/// Reads the bytes that are requested. A number alone is where they begin, as with curl. What a server would
/// ignore, and send everything, is refused.
fn range(typed: &str) -> Option<String> {
    let number = |text: &str| -> Option<u64> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| digits)
    };
    if number(typed).is_some() {
        return Some(format!("{typed}-"));
    }
    let is_range = |item: &str| match item.trim_matches([' ', '\t']).split_once('-') {
        Some(("", length)) => number(length).is_some(),
        Some((first, "")) => number(first).is_some(),
        Some((first, last)) => number(first).zip(number(last)).is_some_and(|(a, b)| a <= b),
        None => false,
    };
    typed.split(',').all(is_range).then(|| typed.to_owned())
}

/// Checks that a form field has a name before `=`.
fn form(typed: &OsStr) -> Result<String, Expected> {
    let text = typed.to_str().filter(|text| text.contains('='));
    Ok(text.ok_or(Expected("name=text, name=@FILE or name=<FILE, in UTF-8"))?.to_owned())
}

/// Splits the value of `-e` at its `;auto`, if it has one; what is behind is left out, as by curl.
fn without_auto(value: &[u8]) -> (&[u8], bool) {
    match value.windows(5).position(|window| window == b";auto") {
        Some(at) => (value.get(..at).unwrap_or_default(), true),
        None => (value, false),
    }
}

/// Reads the value of `-H`.
pub(super) fn field(typed: &OsStr) -> Result<Field, Expected> {
    if let Some(path) = typed.as_encoded_bytes().strip_prefix(b"@") {
        let path = str::from_utf8(path).ok().filter(|path| !path.is_empty());
        return Ok(Field::File(path.ok_or(Expected("@ and the name of a file, in UTF-8"))?.into()));
    }
    parse_field(typed.as_encoded_bytes()).ok_or(Expected(
        "'Name: value', 'Name;' for an empty value, 'Name:' to remove a field, or @FILE",
    ))
}

/// Reads `Name: value`, `Name;` or `Name:`. What may stand in a name and in a value is the
/// protocol's to say, and it does, before anything is sent.
pub(crate) fn parse_field(typed: &[u8]) -> Option<Field> {
    let (name, value) = match typed.iter().position(|&byte| byte == b':') {
        Some(colon) => (typed.get(..colon)?, typed.get(colon + 1..).map(trim_blanks)),
        None => (typed.strip_suffix(b";")?, None),
    };
    let name = str::from_utf8(name).ok()?.to_owned();
    Some(match value {
        Some(b"") => Field::Remove(name),
        Some(value) => Field::Add(name, value.to_vec()),
        None => Field::Add(name, Vec::new()),
    })
}

/// Spaces and tabs go. A line end stays, to be refused: it is more than was meant.
fn trim_blanks(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}
