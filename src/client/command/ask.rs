//! From the flags to a request: who asks, what for, with which fields and body.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::{credentials, form};
use crate::cli::client::data::body as data_of;
use crate::cli::client::{ClientOptions, Field, FormField};
use crate::client::{Request, Version};
use crate::proto::http::server_timing::WANT;

use super::stop::Stop;

/// What is sent with the request, to each URL.
pub struct Content {
    body: Option<Vec<u8>>,
    content_type: Option<String>,
    /// What goes behind the `?` of the URL.
    query: Option<String>,
}

impl Content {
    /// Reads what there is to be read.
    pub fn new(options: &ClientOptions) -> Result<Content, Stop> {
        let data = data_of(&options.data, read_data)?;
        if options.get {
            let data = data.map(|data| {
                String::from_utf8(data).map_err(|_| {
                    Stop::Usage(
                        "-G puts text into the URL; right: --data-urlencode for other bytes"
                            .to_owned(),
                    )
                })
            });
            return Ok(Content { body: None, content_type: None, query: data.transpose()? });
        }
        if options.form.is_empty() {
            let content_type = options.data.first().map(|_| match options.is_json() {
                true => "application/json",
                false => "application/x-www-form-urlencoded",
            });
            let content_type = content_type.map(str::to_owned);
            return Ok(Content { body: data, content_type, query: None });
        }
        let fields = options.form.iter().map(|field| match field {
            FormField::Spelled(typed) => form::Field::spelled(typed),
            FormField::Plain(typed) => form::Field::plain(typed),
        });
        let fields: Vec<_> = fields.collect::<Result<_, _>>().map_err(Stop::Usage)?;
        let unreadable = |path: &Path, error| Stop::ReadData(path.display().to_string(), error);
        let made = form::body(&fields, &form::boundary());
        let (mut form, content_type) = made.map_err(|(path, error)| unreadable(&path, error))?;
        let mut body = Vec::new();
        form.read_to_end(&mut body)
            .map_err(|error| unreadable(Path::new("a file of -F"), error))?;
        Ok(Content { body: Some(body), content_type: Some(content_type), query: None })
    }

    /// A form of another multipart type still has to say where its parts end.
    fn with_boundary(&self, name: &str, value: &[u8]) -> Vec<u8> {
        let ours = self.content_type.as_deref().and_then(|ours| ours.split_once("; boundary="));
        let parts = value.get(..10).is_some_and(|start| start.eq_ignore_ascii_case(b"multipart/"));
        match ours {
            Some((_, boundary)) if parts && name.eq_ignore_ascii_case("content-type") => {
                [value, b"; boundary=", boundary.as_bytes()].concat()
            }
            _ => value.to_vec(),
        }
    }
}

/// The request for this URL.
pub fn request(options: &ClientOptions, url: &str, content: &Content) -> Result<Request, Stop> {
    let mut request = Request::get(&with_query(url, content.query.as_deref()))?;
    let user = options.user.as_deref().map(credentials::basic);
    let range = options.range.as_deref().map(|range| format!("bytes={range}"));
    for (name, value) in [
        ("Authorization", user.as_deref().map(str::as_bytes)),
        ("Range", range.as_deref().map(str::as_bytes)),
        ("User-Agent", options.agent.as_deref()),
        ("Referer", options.referer.as_deref()),
        (WANT.0, options.trace.then_some(WANT.1.as_bytes())),
    ] {
        request = match value {
            Some(b"") => request.without(name),
            Some(value) => request.default_field(name, value)?,
            None => request,
        };
    }
    for field in &options.fields {
        request = match field {
            Field::Add(name, value) => request.field(name, content.with_boundary(name, value))?,
            Field::Remove(name) => request.without(name),
        };
    }
    if let Some(body) = &content.body {
        request = request.method("POST")?.body(body.as_slice());
    }
    let accept = options.is_json().then_some("application/json");
    for (name, value) in [("Content-Type", content.content_type.as_deref()), ("Accept", accept)] {
        if let Some(value) = value
            && !request.has_field(name)
            && !options.removes(name)
        {
            request = request.field(name, value)?;
        }
    }
    if options.head {
        request = request.method("HEAD")?;
    }
    if let Some(method) = &options.method {
        request = request.method(method)?;
    }
    Ok(if options.http10 { request.version(Version::Http10) } else { request })
}

/// The URL with the data of `-G` behind its `?`, and its fragment left away.
fn with_query(url: &str, query: Option<&str>) -> String {
    let Some(query) = query else { return url.to_owned() };
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    match url.split_once('?') {
        None => format!("{url}?{query}"),
        Some((_, "")) => format!("{url}{query}"),
        Some((_, before)) if before.ends_with('&') => format!("{url}{query}"),
        Some(_) => format!("{url}&{query}"),
    }
}

/// Reads a file, or stdin for `-`.
pub fn read_data(path: &Path) -> Result<Vec<u8>, Stop> {
    let mut data = Vec::new();
    let read = match path.to_str() {
        Some("-") => io::stdin().read_to_end(&mut data),
        _ => File::open(path).and_then(|mut file| file.read_to_end(&mut data)),
    };
    match read {
        Ok(_) => Ok(data),
        Err(error) => Err(Stop::ReadData(path.display().to_string(), error)),
    }
}
