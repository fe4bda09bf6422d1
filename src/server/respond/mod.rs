//! From what a handler returns to what is sent: ranges, conditional requests, error responses.
//!
//! | file | what it does |
//! |---|---|
//! | `range_response` | 304 and 412, 206 and 416 |
//! | `multipart_ranges` | several ranges as one body |
//! | [`error_response`] | the response to a request that is refused |
//! | [`error_page`] | the same as text, HTML and JSON |
//! | [`custom_error_page`] | the same in a form of the program |
//! | [`failure`] | responses to errors of the operating system |

pub mod custom_error_page;
pub mod error_page;
pub mod error_response;
pub mod failure;
pub(crate) mod multipart_ranges;
pub(crate) mod range_response;
