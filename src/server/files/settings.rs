//! What a program can set for the files of a folder.

use std::path::Path;
use std::sync::Arc;

use super::Files;
use super::charset::Charset;
use super::document_root::{DocumentRoot, Links};
use super::listing::Listing;
use super::mime::MediaTypes;
use super::own_pages::ServerErrorPage;
use super::path::Dotfiles;
use super::precompressed::Precompressed;
use crate::proto::http::headers::InvalidField;
use crate::server::respond::custom_error_page::ErrorPage;
use crate::server::response::Response;

impl Files {
    /// Lists folders that have no `index.html`, as it is unless this is called, or not.
    ///
    /// ```
    /// use threadbare::server::{Files, Listing};
    ///
    /// let files = Files::new("www")?.listing(Listing::Off);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// A listing is a page, or JSON for a client that prefers it. Its order is in the query, `?sort=size&order=desc`;
    /// with `?download=tar` it is an archive of the folder. No name is in it that is not served.
    pub fn listing(mut self, listing: Listing) -> Files {
        self.listing = listing;
        self
    }

    /// Limits the memory that names take while listings and archives are sent, of all clients together: 64 MB unless
    /// this is called. A listing that would need more gets a 503. 100,000 names of 24 bytes take 4 MB.
    pub fn listings_memory(mut self, bytes: u64) -> Files {
        self.listings.limit_memory(bytes);
        self
    }

    /// Says which symbolic links are followed: those that stay inside the folder, unless this is called. A refusal is
    /// in the log, at level info.
    ///
    /// ```
    /// use threadbare::server::{Dotfiles, Files, Links, Precompressed};
    ///
    /// let files = Files::new("www")?
    ///     .links(Links::Off)
    ///     .dotfiles(Dotfiles::Show)
    ///     .precompressed(Precompressed::Off);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn links(self, links: Links) -> Files {
        let root = self.root.with(links, self.root.dotfiles);
        self.with_root(root)
    }

    /// Says whether names that begin with a dot are served: they are not, unless this is called, except `/.well-known`.
    pub fn dotfiles(self, dotfiles: Dotfiles) -> Files {
        let root = self.root.with(self.root.links, dotfiles);
        self.with_root(root)
    }

    fn with_root(mut self, root: DocumentRoot) -> Files {
        self.root = Arc::new(root);
        self.listings.set_root(Arc::clone(&self.root));
        self
    }

    /// Says whether `style.css.br`, `.zst` or `.gz` is sent instead of `style.css` to a client that prefers it: it is,
    /// unless this is called.
    pub fn precompressed(mut self, precompressed: Precompressed) -> Files {
        self.precompressed = precompressed;
        self
    }

    /// Adds media types to those that are built in.
    pub fn types(mut self, types: MediaTypes) -> Files {
        self.types = types;
        self
    }

    /// Says which `charset` a text has: `utf-8` if it is that, unless this is called.
    ///
    /// ```
    /// use threadbare::server::{Charset, Files};
    ///
    /// let files = Files::new("www")?.charset(Charset::Named("iso-8859-1".into()));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn charset(mut self, charset: Charset) -> Files {
        self.charset = charset;
        self
    }

    /// Sets `Cache-Control` of every file that is sent, and of each 304 for one; errors and listings have their own.
    ///
    /// ```
    /// use threadbare::server::Files;
    ///
    /// let files = Files::new("www")?.cache_control("public, max-age=3600")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the value has a control byte in it.
    pub fn cache_control(mut self, value: &str) -> Result<Files, InvalidField> {
        Response::empty(200).headers.append("Cache-Control", value)?;
        self.cache_control = Some(value.to_owned());
        Ok(self)
    }

    /// Serves an application of a single page: a navigation to a path where nothing exists gets this file of the folder,
    /// with the status 200. A navigation is a GET or HEAD whose `Accept` has `text/html`, as browsers send it, for a
    /// path whose last name has no extension: a picture or a script that is missing stays a 404.
    ///
    /// ```
    /// use threadbare::server::Files;
    ///
    /// let files = Files::new("www")?.spa("index.html");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn spa(mut self, page: impl AsRef<Path>) -> Files {
        self.spa = Some(page.as_ref().to_owned());
        self
    }

    /// Returns the page of the folder for errors of the server itself (5xx), if it has one: `50x.html`, of at most 64 KB,
    /// as it was when the folder was opened. The files have it without this; a server that is given it has it for all
    /// routes, and when a handler panics.
    ///
    /// ```
    /// use threadbare::server::{Config, Files, Method, Router, Server};
    ///
    /// let files = Files::new("www")?;
    /// let config = Config { error_page: files.error_page(), ..Config::default() };
    /// let routes = Router::new().route(Method::Get, "/{...}", files).build()?;
    /// let server = Server::with_config(["127.0.0.1:0"], routes, config)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn error_page(&self) -> Option<ErrorPage> {
        self.error_page.clone().map(ServerErrorPage::for_all)
    }
}
