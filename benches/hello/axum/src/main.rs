//! `GET /hello/{name}` on axum; the argument is the address.

use std::error::Error;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use tokio::net::TcpListener;

async fn hello(Path(name): Path<String>) -> String {
    format!("hello, {name}\n")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let routes = Router::new().route("/hello/{name}", get(hello));
    let address = std::env::args().nth(1).ok_or("usage: hello ADDRESS")?;
    axum::serve(TcpListener::bind(address).await?, routes).await?;
    Ok(())
}
