//! Builds requests from the flags: method, URL, fields and body.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::conditional::Condition;
use super::decoding;
use super::field_file::{self, removes};
use super::form;
use super::login::{authorization, read_netrc};
use crate::cli::client::data::body as data_of;
use crate::cli::client::{ClientOptions, Field, FormField, Resume, UploadFrom};

use crate::client::{BodySize, Request, Route, Version};
use crate::proto::http::chars::{UNRESERVED, percent_encode};
use crate::proto::http::head::ResponseHead;
use crate::proto::http::netrc::Netrc;
use crate::proto::http::url::{split_scheme, userinfo};

use super::error::CommandError;
use super::fetch_list::FetchItem;
use super::standard_stream::stdin;
use super::upload::{Recipe, Upload};

/// What all requests of an operation send, and what the flags that say so have in files.
pub struct Content {
    body: Body,
    content_type: Option<String>,
    /// The query, after the `?` of the URL.
    query: Option<String>,
    /// The changes to the fields.
    fields: Vec<Field>,
    netrc: Option<Arc<Netrc>>,
    condition: Condition,
}

/// Returns the text that goes into a URL.
fn as_text(flag: &'static str) -> impl Fn(Vec<u8>) -> Result<String, CommandError> {
    move |data| {
        String::from_utf8(data).map_err(|_| {
            CommandError::Usage(format!(
                "{flag} puts text into the URL; right: --data-urlencode for other bytes"
            ))
        })
    }
}

/// Returns the body, and its type.
fn body(
    options: &ClientOptions,
    data: Option<Vec<u8>>,
) -> Result<(Body, Option<String>), CommandError> {
    if options.form.is_empty() {
        let content_type = options.data.first().map(|_| match options.is_json() {
            true => "application/json",
            false => "application/x-www-form-urlencoded",
        });
        return Ok((data.map_or(Body::None, Body::Bytes), content_type.map(str::to_owned)));
    }
    let fields = options.form.iter().map(|field| match field {
        FormField::Spelled(typed) => form::Typed::Spelled(typed),
        FormField::Plain(typed) => form::Typed::Plain(typed),
    });
    let parts = form::parts(fields).map_err(CommandError::Usage)?;
    let read = |path: &Path| fs::read(path);
    let (form, content_type) = form::body(&parts, &form::boundary(), &read).map_err(unreadable)?;
    Ok((Body::Form(form), Some(content_type)))
}

enum Body {
    None,
    Bytes(Vec<u8>),
    Form(Recipe),
}

/// A request, with a body that is read as it is sent, if it has one.
pub struct OutgoingRequest {
    /// The request, with its body if that is in memory.
    pub request: Request,
    /// The body, if it is not in memory.
    pub upload: Option<Upload>,
}

impl Content {
    /// Reads the data that the flags name.
    ///
    /// # Errors
    /// When a file cannot be read, or a form is not valid.
    pub fn new(options: &ClientOptions) -> Result<Content, CommandError> {
        let fields = field_file::with_files(&options.fields)?;
        let netrc =
            read_netrc(options)?.filter(|_| !removes(&fields, "authorization")).map(Arc::new);
        let condition = Condition::read(options)?;
        let added =
            data_of(&options.url_query, read_data)?.map(as_text("--url-query")).transpose()?;
        let data = data_of(&options.data, read_data)?;
        let of_data = data.clone().filter(|_| options.get).map(as_text("-G")).transpose()?;
        let query: Vec<String> = added.into_iter().chain(of_data).collect();
        let query = (!query.is_empty()).then(|| query.join("&"));
        let (body, content_type) =
            if options.get { (Body::None, None) } else { body(options, data)? };
        Ok(Content { body, content_type, query, fields, netrc, condition })
    }

    /// Returns the logins of the file that the options name.
    pub(super) fn netrc(&self) -> Option<Arc<Netrc>> {
        self.netrc.clone()
    }

    /// As [`Condition::is_unmet`].
    pub(super) fn is_unmet(&self, head: &ResponseHead) -> bool {
        self.condition.is_unmet(head)
    }

    /// Adds the boundary of the parts to another multipart type that the user gave.
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

/// Builds the request of a transfer.
///
/// # Errors
/// When the request is not valid, or a file cannot be read.
pub(super) fn build_request(
    options: &ClientOptions,
    item: &FetchItem,
    content: &Content,
) -> Result<OutgoingRequest, CommandError> {
    let url = item.url.as_str();
    let (upload, url) = match &item.upload {
        Some(UploadFrom::File(path)) => {
            let upload = Upload::of(path, offset(options))
                .map_err(|error| unreadable((path.clone(), error)))?;
            (Some(("PUT", upload)), with_name(url, path))
        }
        Some(UploadFrom::Stdin) => {
            let upload = Upload::stdin().map_err(|error| unreadable(("stdin".into(), error)))?;
            (Some(("PUT", upload)), url.to_owned())
        }
        None => match &content.body {
            Body::Form(form) => (Some(("POST", form.open().map_err(unreadable)?)), url.to_owned()),
            Body::None | Body::Bytes(_) => (None, url.to_owned()),
        },
    };
    let (method, upload) = upload.unzip();
    let mut request = request(options, (&url, item.user.as_deref()), content)?;
    if options.method.is_none()
        && let Some(method) = method
    {
        request = request.with_method(method)?;
    }
    let request = match &upload {
        Some(upload) => rest_of(request, upload, offset(options))?,
        None => request,
    };
    Ok(OutgoingRequest { request, upload })
}

/// Returns the offset of `-C OFFSET`.
fn offset(options: &ClientOptions) -> u64 {
    match options.resume {
        Some(Resume::From(from)) => from,
        Some(Resume::AtHand) | None => 0,
    }
}

/// `-C OFFSET -T FILE`: says which part of the file the body is (RFC 9110, 14.5).
fn rest_of(request: Request, upload: &Upload, from: u64) -> Result<Request, CommandError> {
    match upload.length() {
        _ if from == 0 => Ok(request),
        Some(rest @ 1..) => {
            let whole = from + rest;
            Ok(request
                .with_default("Content-Range", format!("bytes {from}-{}/{whole}", whole - 1))?)
        }
        _ => {
            let what = format!(
                "-C {from}: the file has no bytes after {from}, so nothing is left to send"
            );
            Err(CommandError::Failed(18, what))
        }
    }
}

impl OutgoingRequest {
    /// Returns the request with its body in memory, to be shown or to be sent many times.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn in_memory(self) -> Result<Request, CommandError> {
        let Some(mut upload) = self.upload else { return Ok(self.request) };
        let has_length = upload.length().is_some();
        let mut body = Vec::new();
        let read = upload.read_to_end(&mut body);
        read.map_err(|error| unreadable(("what is to be sent".into(), error)))?;
        let mut request = self.request;
        if !has_length {
            let head = request.head(Route::direct(request.url()), BodySize::Unknown)?;
            for (name, value) in [("Expect", "100-continue"), ("Transfer-Encoding", "chunked")] {
                if head.headers.list_has(name, value) && !request.has_header(name) {
                    request = request.with_header(name, value)?;
                }
            }
        }
        Ok(request.with_body(body))
    }
}

fn unreadable((path, error): (PathBuf, io::Error)) -> CommandError {
    CommandError::ReadData(path.display().to_string(), error)
}

/// Builds the request for this URL, without a body that is read as it is sent.
fn request(
    options: &ClientOptions,
    (url, user): (&str, Option<&str>),
    content: &Content,
) -> Result<Request, CommandError> {
    let mut request = Request::get(&with_query(url, content.query.as_deref()))?;
    let user = authorization(options, user, request.url().host(), content.netrc.as_deref())?;
    let range = options.range.as_deref().map(|range| format!("bytes={range}"));
    let cookies = options.cookies.typed.join(&b"; "[..]);
    let cookies = Some(cookies).filter(|typed| !typed.is_empty());
    let referer = options.referer.as_deref().map(without_secrets);
    for (name, value) in [
        ("Authorization", user.as_deref()),
        ("Cookie", cookies.as_deref()),
        ("Range", range.as_deref().map(str::as_bytes)),
        ("User-Agent", options.agent.as_deref()),
        ("Accept-Encoding", decoding::accepted(options).map(str::as_bytes)),
        ("Referer", referer.as_deref()),
        // As curl does, though RFC 9112, C.2.2 advises against it.
        ("Proxy-Connection", Some(b"Keep-Alive")),
    ] {
        request = match value {
            Some(b"") => request.without_default(name),
            Some(value) => request.with_default(name, value)?,
            None => request,
        };
    }
    for (name, value) in content.condition.fields() {
        request = request.with_default(name, value)?;
    }
    for field in &content.fields {
        request = match field {
            Field::Add(name, value) => {
                request.with_header(name, content.with_boundary(name, value))?
            }
            Field::Remove(name) => request.without_default(name),
            Field::File(_) => request, // its fields are in its place
        };
    }
    if let Body::Bytes(body) = &content.body {
        request = request.with_method("POST")?.with_body(body.as_slice());
    }
    let accept = options.is_json().then_some("application/json");
    for (name, value) in [("Content-Type", content.content_type.as_deref()), ("Accept", accept)] {
        if let Some(value) = value
            && !request.has_header(name)
            && !removes(&content.fields, name)
        {
            request = request.with_header(name, value)?;
        }
    }
    if options.head {
        request = request.with_method("HEAD")?;
    }
    if let Some(method) = &options.method {
        request = request.with_method(method)?;
    }
    if let Some(target) = &options.request_target {
        request = request.with_target(target).map_err(|_| {
            let right = "* with -X OPTIONS, /path?query, or http://host/path; percent-encoded";
            CommandError::Failed(
                3,
                format!("--request-target {target:?} is no target; right: {right}"),
            )
        })?;
    }
    Ok(if options.http10 { request.with_version(Version::Http10) } else { request })
}

/// Returns a Referer without its user and password, and without its fragment (RFC 9110, 10.1.3: "MUST NOT
/// include the fragment and userinfo components").
fn without_secrets(referer: &[u8]) -> Vec<u8> {
    let mut referer = referer.split(|&byte| byte == b'#').next().unwrap_or_default().to_vec();
    if referer.windows(2).any(|bytes| bytes == b":/")
        && let Some(at) = userinfo(&referer)
    {
        referer.drain(at.start..=at.end);
    }
    referer
}

/// Returns the URL with the data of `-G` after its `?`, and without its fragment.
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

/// `-T`: adds the name of the file to a URL whose path is empty or ends in `/`.
fn with_name(url: &str, file: &Path) -> String {
    let (path, behind) = url.split_at(url.find(['?', '#']).unwrap_or(url.len()));
    let has_path = split_scheme(path).map_or(path, |(_, rest)| rest).contains('/');
    let slash = match (path.ends_with('/'), has_path) {
        (true, _) => "",
        (false, false) => "/",
        (false, true) => return url.to_owned(),
    };
    let name = file.file_name().map(|name| percent_encode(name.as_encoded_bytes(), &UNRESERVED));
    format!("{path}{slash}{}{behind}", name.unwrap_or_default())
}

/// Reads a file, or stdin for `-`.
pub fn read_data(path: &Path) -> Result<Vec<u8>, CommandError> {
    let mut data = Vec::new();
    let read = match path.to_str() {
        Some("-") => stdin().and_then(|mut stdin| stdin.read_to_end(&mut data)),
        _ => File::open(path).and_then(|mut file| file.read_to_end(&mut data)),
    };
    match read {
        Ok(_) => Ok(data),
        Err(error) => Err(CommandError::ReadData(path.display().to_string(), error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_referer_tells() {
        for (typed, want) in [
            ("http://ada:secret@h:80/x?y#z", "http://h:80/x?y"),
            ("http://h/a@b", "http://h/a@b"),
            ("HTTPS://ada@h", "HTTPS://h"),
            ("x@y", "x@y"),
            ("", ""),
        ] {
            assert_eq!(without_secrets(typed.as_bytes()), want.as_bytes(), "{typed}");
        }
    }

    #[test]
    fn names_for_uploads() {
        for (url, want) in [
            ("http://a", "http://a/f%20%C3%BC"),
            ("http://a/", "http://a/f%20%C3%BC"),
            ("http:/a", "http:/a/f%20%C3%BC"),
            (":80/d/", ":80/d/f%20%C3%BC"),
            ("a?q", "a/f%20%C3%BC?q"),
            ("a/?q/#f/", "a/f%20%C3%BC?q/#f/"),
            ("a/x", "a/x"),
            ("http://a/x?/", "http://a/x?/"),
        ] {
            assert_eq!(with_name(url, Path::new("d/f \u{fc}")), want);
        }
    }
}
