//! `--auth FILE`, which needs the feature `auth`. Without it the program has the flag, and says so.

use std::path::Path;
use std::sync::Arc;

use threadbare::app::App;
#[cfg(feature = "auth")]
use threadbare::server::Passwords;
use threadbare::server::{AccessLog, Routes};

/// There are none in this program.
#[cfg(not(feature = "auth"))]
pub(crate) enum Passwords {}

/// Opens the file of passwords.
#[cfg(feature = "auth")]
pub(crate) fn open(path: Option<&Path>) -> Result<Option<Arc<Passwords>>, String> {
    let opened = path.map(Passwords::open).transpose();
    Ok(opened.map_err(|error| format!("--auth: {error}"))?.map(Arc::new))
}

#[cfg(not(feature = "auth"))]
pub(crate) fn open(path: Option<&Path>) -> Result<Option<Arc<Passwords>>, String> {
    match path {
        None => Ok(None),
        Some(_) => Err("--auth: this program was built without passwords; right: make run FEATURES=auth, or cargo \
                        build --release --features auth"
            .to_owned()),
    }
}

/// Returns the routes, behind the passwords if there are any, and a log that shows whose password was right.
pub(crate) fn guard(
    app: App,
    log: AccessLog,
    passwords: Option<Arc<Passwords>>,
) -> Result<(Routes, AccessLog), String> {
    let (routes, log) = match passwords {
        None => (app.routes(), log),
        #[cfg(feature = "auth")]
        Some(passwords) => {
            let known = Arc::clone(&passwords);
            let log = log.users(move |head| known.user_of(head));
            (app.routes_behind(move |head| passwords.check(head)), log)
        }
        #[cfg(not(feature = "auth"))]
        Some(none) => match *none {},
    };
    Ok((routes.map_err(|errors| errors.to_string())?, log))
}
