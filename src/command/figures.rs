//! The figures of a transfer, under the names that curl's manual gives them. What does not exist in HTTP/1.x without TLS is
//! 0, or empty: a phase that did not happen took no time, and a format that prints it works here, too.

use std::net::SocketAddr;
use std::time::Duration;

use super::transfer::{RequestSummary, Transfer};
use super::url_part::{UrlPart, url_part};
use crate::client::Endpoints;
use crate::proto::http::status::Status;
use crate::proto::http::url::{Url, without_user};

/// A figure.
#[derive(Debug, Clone, PartialEq)]
pub enum Figure {
    /// A text; `None` is empty for `-w`, and `null` in JSON.
    Text(Option<String>),
    /// A number.
    Count(u64),
    /// The number of something, or -1 if there was none.
    Id(Option<u64>),
    /// A status: three digits for `-w`.
    Code(Option<Status>),
    /// A time: in seconds, with six decimal places.
    Seconds(Duration),
}

/// Reads a figure from a transfer.
pub type FigureOf = fn(&Transfer) -> Figure;

/// All figures by name, in the order of [`line`](super::write_out::line).
pub const FIGURES: &[(&str, FigureOf)] = &[
    ("url", |of| Figure::Text(Some(without_user(&of.url).into_owned()))),
    ("url_effective", |of| Figure::Text(of.effective_url().map(str::to_owned))),
    ("urlnum", |of| Figure::Count(of.id())),
    ("xfer_id", |of| Figure::Count(of.id())),
    ("conn_id", |of| Figure::Id(of.recorded.connection.map(|id| id as u64))),
    ("method", |of| {
        of.request(|request| Some(of.recorded.method.clone().unwrap_or(request.method.clone())))
    }),
    ("referer", |of| of.request(|request| request.fields.text("referer").map(str::to_owned))),
    ("scheme", |of| Figure::Text(of.response.as_ref().map(|_| "HTTP".to_owned()))),
    ("http_version", |of| {
        let version = of.response.as_ref().map(|head| head.version.as_str());
        Figure::Text(Some(
            version.map_or("0", |version| version.trim_start_matches("HTTP/")).to_owned(),
        ))
    }),
    ("url.scheme", |of| of.typed(UrlPart::Scheme)),
    ("url.user", |_| Figure::Text(None)),
    ("url.password", |_| Figure::Text(None)),
    ("url.options", |_| Figure::Text(None)),
    ("url.host", |of| of.typed(UrlPart::Host)),
    ("url.port", |of| of.typed(UrlPart::Port)),
    ("url.path", |of| of.typed(UrlPart::Path)),
    ("url.query", |of| of.typed(UrlPart::Query)),
    ("url.fragment", |of| of.typed(UrlPart::Fragment)),
    ("url.zoneid", |of| of.typed(UrlPart::Zone)),
    ("urle.scheme", |of| of.effective(UrlPart::Scheme)),
    ("urle.user", |_| Figure::Text(None)),
    ("urle.password", |_| Figure::Text(None)),
    ("urle.options", |_| Figure::Text(None)),
    ("urle.host", |of| of.effective(UrlPart::Host)),
    ("urle.port", |of| of.effective(UrlPart::Port)),
    ("urle.path", |of| of.effective(UrlPart::Path)),
    ("urle.query", |of| of.effective(UrlPart::Query)),
    ("urle.fragment", |of| of.effective(UrlPart::Fragment)),
    ("urle.zoneid", |of| of.effective(UrlPart::Zone)),
    ("http_code", |of| Figure::Code(of.response.as_ref().map(|head| head.status))),
    ("response_code", |of| Figure::Code(of.response.as_ref().map(|head| head.status))),
    ("http_connect", |_| Figure::Code(None)),
    ("content_type", |of| of.field("content-type")),
    ("redirect_url", |of| of.redirect()),
    ("num_redirects", |of| Figure::Count(of.recorded.redirects)),
    ("num_retries", |of| Figure::Count(of.retries.into())),
    ("num_headers", |of| {
        Figure::Count(of.response.as_ref().map_or(0, |head| head.headers.len()) as u64)
    }),
    ("num_connects", |of| Figure::Count(of.recorded.connects)),
    ("proxy_used", |of| Figure::Count(of.by_proxy.into())),
    ("local_ip", |of| Figure::Text(of.local().map(|local| local.ip().to_string()))),
    ("local_port", |of| Figure::Count(of.local().map_or(0, |local| local.port()).into())),
    ("remote_ip", |of| {
        Figure::Text(of.recorded.endpoints.as_ref().map(|endpoints| match endpoints {
            Endpoints::Tcp { remote, .. } => remote.ip().to_string(),
            Endpoints::Unix(path) => path.display().to_string(),
        }))
    }),
    ("remote_port", |of| {
        let remote = of.recorded.endpoints.as_ref().and_then(Endpoints::remote);
        Figure::Count(remote.map_or(0, |remote| remote.port()).into())
    }),
    ("size_request", |of| Figure::Count(of.recorded.request_heads)),
    ("size_upload", |of| Figure::Count(of.recorded.uploaded)),
    ("size_header", |of| Figure::Count(of.recorded.response_heads)),
    ("size_download", |of| Figure::Count(of.downloaded)),
    ("size_delivered", |of| Figure::Count(of.delivered)),
    ("speed_upload", |of| of.per_second(of.recorded.uploaded)),
    ("speed_download", |of| of.per_second(of.downloaded)),
    ("time_queue", |_| Figure::Seconds(Duration::ZERO)),
    ("time_namelookup", |of| Figure::Seconds(of.recorded.resolved)),
    ("time_connect", |of| Figure::Seconds(of.recorded.connected)),
    ("time_appconnect", |_| Figure::Seconds(Duration::ZERO)),
    ("time_redirect", |of| Figure::Seconds(of.recorded.redirected)),
    ("time_pretransfer", |of| Figure::Seconds(of.recorded.sending)),
    ("time_posttransfer", |of| Figure::Seconds(of.recorded.sent)),
    ("time_starttransfer", |of| Figure::Seconds(of.recorded.first_byte)),
    ("time_total", |of| Figure::Seconds(of.total)),
    ("ssl_verify_result", |_| Figure::Count(0)),
    ("proxy_ssl_verify_result", |_| Figure::Count(0)),
    ("num_certs", |_| Figure::Count(0)),
    ("certs", |_| Figure::Text(None)),
    ("tls_earlydata", |_| Figure::Count(0)),
    ("ftp_entry_path", |_| Figure::Text(None)),
    ("filename_effective", |of| Figure::Text(of.output.clone())),
    ("exitcode", |of| Figure::Count(of.end.as_ref().err().map_or(0, |(code, _)| (*code).into()))),
    ("errormsg", |of| Figure::Text(of.end.as_ref().err().map(|(_, what)| what.clone()))),
];

impl Transfer {
    /// Returns the number of the URL on the command line, from 0.
    fn id(&self) -> u64 {
        (self.urls_before + self.number) as u64
    }

    /// Returns the URL that was requested last, as it was understood.
    fn effective_url(&self) -> Option<&str> {
        let first = self.request.as_ref().map(|request| request.url.as_str());
        self.recorded.url.as_deref().or(first)
    }

    fn typed(&self, part: UrlPart) -> Figure {
        Figure::Text(url_part(&without_user(&self.url), part))
    }

    fn effective(&self, part: UrlPart) -> Figure {
        Figure::Text(self.effective_url().and_then(|url| url_part(url, part)))
    }

    fn request(&self, what: impl Fn(&RequestSummary) -> Option<String>) -> Figure {
        Figure::Text(self.request.as_ref().and_then(what))
    }

    /// Returns the local address and port, if the connection has them.
    fn local(&self) -> Option<SocketAddr> {
        match self.recorded.endpoints {
            Some(Endpoints::Tcp { local, .. }) => Some(local),
            Some(Endpoints::Unix(_)) | None => None,
        }
    }

    fn field(&self, name: &str) -> Figure {
        let value = self.response.as_ref().and_then(|head| head.headers.first(name));
        Figure::Text(value.map(|value| String::from_utf8_lossy(value).into_owned()))
    }

    /// Returns the target of a redirect that was not followed (RFC 9110, 10.2.2); as received, if it is
    /// not a valid reference.
    fn redirect(&self) -> Figure {
        let (Some(head), Some(request)) = (&self.response, &self.request) else {
            return Figure::Text(None);
        };
        let places = head.headers.all("location").filter(|_| head.status.code() / 100 == 3);
        let place = places.filter_map(|place| str::from_utf8(place).ok()).find(|it| !it.is_empty());
        Figure::Text(place.map(|place| {
            let at = self.recorded.url.as_deref().unwrap_or(&request.url);
            let led = Url::parse(at).and_then(|url| url.resolve(place.as_bytes()));
            led.map_or_else(|_| without_user(place).into_owned(), |url| url.to_string())
        }))
    }

    fn per_second(&self, bytes: u64) -> Figure {
        let seconds = self.total.as_secs_f64();
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is finite, and not below 0"
        )]
        Figure::Count(if seconds > 0.0 { (bytes as f64 / seconds) as u64 } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_has_every_figure_in_its_order() {
        let manual = include_str!("../manual/downloads.md");
        let (_, table) = manual.split_once("| figure | meaning |").unwrap();
        let table = table.split("\n\n").next().unwrap();
        let documented = table.lines().filter_map(|line| line.split('|').nth(1));
        let documented: Vec<&str> =
            documented.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        let names: Vec<&str> = FIGURES.iter().map(|(name, _)| *name).collect();
        assert_eq!(documented, names);
    }
}
