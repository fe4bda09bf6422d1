//! A JSON API: notes in memory.
//!
//! Run `cargo run --example notes [ADDRESS]`, then
//! ```sh
//! curl -i -d '{"text":"buy milk"}' localhost:8080/notes
//! curl -i localhost:8080/notes?limit=10
//! curl -i -X PUT -d '{"text":"buy milk","done":true}' localhost:8080/notes/1
//! curl -i -X DELETE localhost:8080/notes/1
//! ```
//! Try a body that is no JSON, `?limit=many`, or an id that does not exist: the response says what is wrong.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use threadbare::server::{
    ErrorResponse, HandlerError, Next, Request, Response, Router, Server, Status,
};

/// The most notes: the memory has an end.
const MOST: usize = 10_000;

#[derive(Serialize, Deserialize)]
struct Note {
    #[serde(skip_deserializing)]
    id: u64,
    text: String,
    #[serde(default)]
    done: bool,
}

#[derive(Default)]
struct Notes(Mutex<BTreeMap<u64, Note>>);

impl Notes {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Note>> {
        self.0.lock().expect("no handler panics while it holds the lock")
    }
}

fn list(notes: &Notes, request: &mut Request) -> Result<Response, HandlerError> {
    let limit = request.query_as("limit")?.unwrap_or(100);
    Response::json(&notes.lock().values().take(limit).collect::<Vec<_>>())
}

fn create(notes: &Notes, request: &mut Request) -> Result<Response, HandlerError> {
    let note: Note = request.json()?;
    let mut notes = notes.lock();
    if notes.len() == MOST {
        let (status, section) = (Status::INSUFFICIENT_STORAGE, "RFC 4918, 11.5");
        let what = format!("there are {MOST} notes, the most that are kept");
        Err(ErrorResponse::new(status, section, what, "DELETE /notes/1, and the same again"))?;
    }
    let id = notes.last_key_value().map_or(1, |(last, _)| last + 1);
    let note = notes.entry(id).or_insert(Note { id, ..note });
    Ok(Response::json(note)?.status(201).field("Location", format!("/notes/{id}")))
}

fn read(notes: &Notes, request: &mut Request) -> Result<Response, HandlerError> {
    match notes.lock().get(&request.param_as("id")?) {
        Some(note) => Response::json(note),
        None => Err(ErrorResponse::not_found(&request.head).into()),
    }
}

fn replace(notes: &Notes, request: &mut Request) -> Result<Response, HandlerError> {
    let (id, note) = (request.param_as("id")?, request.json()?);
    match notes.lock().get_mut(&id) {
        Some(held) => {
            *held = Note { id, ..note };
            Response::json(held)
        }
        None => Err(ErrorResponse::not_found(&request.head).into()),
    }
}

fn remove(notes: &Notes, request: &mut Request) -> Result<(), HandlerError> {
    let removed = notes.lock().remove(&request.param_as("id")?);
    removed.map(drop).ok_or_else(|| ErrorResponse::not_found(&request.head).into())
}

fn log(request: &mut Request, next: Next<'_>) -> Response {
    let (begun, line) =
        (Instant::now(), format!("{} {}", request.head.method, request.head.target));
    let response = next.run(request);
    println!("{line} {} {:?}", response.status.code(), begun.elapsed());
    response
}

fn main() -> Result<(), Box<dyn Error>> {
    let routes = Router::new()
        .wrap(log)
        .with(Notes::default())
        .get("/notes", list)
        .post("/notes", create)
        .get("/notes/{id:u64}", read)
        .put("/notes/{id:u64}", replace)
        .delete("/notes/{id:u64}", remove)
        .build()?;
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    let running = Server::bind(&address, routes)?.start()?;
    println!("listening on {}", running.url());
    running.wait()?;
    Ok(())
}
