//! `GET /hello/{name}` on threadbare; the argument is the address.

use std::error::Error;

use threadbare::server::{Router, Server};

fn main() -> Result<(), Box<dyn Error>> {
    let routes = Router::new()
        .get("/hello/{name}", |request| format!("hello, {}\n", request.param("name")))
        .build()?;
    let address = std::env::args().nth(1).ok_or("usage: hello ADDRESS")?;
    Server::bind(&address, routes)?.run()?;
    Ok(())
}
