//! HTML pages in the style of the site, for browsers without scripts: of users, and the frame of all. All names
//! are escaped.

use super::user::User;
use crate::server::Response;
use crate::text::escape_html;

/// Returns the page for a user that was created.
pub(super) fn created(id: u64, user: &User) -> Response {
    let list = items(&[(id, user.clone())]);
    page(
        "New user created",
        &format!("<p>This is user {id}.</p>\n{list}<p><a href=\"/users\">All users</a></p>\n"),
    )
}

/// Returns a page of users, with a link to the next page.
pub(super) fn list(users: &[(u64, User)], next: Option<&str>) -> Response {
    let list =
        if users.is_empty() { "<p>There are no users yet.</p>\n".to_owned() } else { items(users) };
    let next = next.map(|next| format!("<p><a href=\"{}\">More</a></p>\n", escape_html(next)));
    page("Users", &format!("{list}{}", next.unwrap_or_default()))
}

fn items(users: &[(u64, User)]) -> String {
    let item = |(id, user): &(u64, User)| {
        let User { first_name, last_name, email } = user;
        let [name, email] = [format!("{first_name} {last_name}"), email.clone()]
            .map(|text| escape_html(text.trim()));
        format!(
            "<li><a href=\"/users/{id}\">/users/{id}</a> <span>{name}<small>{email}</small></span></li>\n"
        )
    };
    format!("<ul class=\"users\">\n{}</ul>\n", users.iter().map(item).collect::<String>())
}

/// Returns a page with this content.
pub(super) fn page(title: &str, content: &str) -> Response {
    Response::html(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} – threadbare</title>\n\
         <link rel=\"icon\" href=\"/favicon.svg\" type=\"image/svg+xml\">\n\
         <link rel=\"stylesheet\" href=\"/style.css\">\n</head>\n<body class=\"plain\">\n<main class=\"wrap\">\n\
         <h1>{title}</h1>\n{content}<p><a href=\"/\" target=\"_top\">First page</a></p>\n</main>\n</body>\n</html>\n"
    ))
}
