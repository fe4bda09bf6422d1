//! `--pack NAME`: the checks that the usual assignments ask for, and their routes, as of `--expect`.

/// An assignment.
#[derive(Debug, Clone, Copy)]
pub struct Pack {
    /// Its name.
    pub name: &'static str,
    /// The checks, as `--only` names them.
    pub checks: &'static [&'static str],
    /// Routes, as a file of `--expect` has them.
    pub routes: &'static str,
}

/// All packs.
pub const PACKS: &[Pack] = &[
    // Kurose and Ross, Computer Networking, chapter 2: a web server, then one with a thread for each client.
    Pack {
        name: "kurose-ross",
        checks: &[
            "answers",
            "files",
            "missing",
            "requests",
            "empty",
            "line.noise-alive",
            "silent.one",
            "many.at-once",
        ],
        routes: "",
    },
    // The Rust Programming Language, chapter 21: a page, a page that is not there, a pool of threads.
    Pack {
        name: "rust-book",
        checks: &[
            "answers",
            "missing",
            "requests",
            "keep.says-close",
            "empty",
            "silent.one",
            "slow",
            "many.at-once",
        ],
        routes: "GET / 200\nGET /no-such-page 404\n",
    },
    // Codecrafters, Build your own HTTP server. /files/ depends on a folder, and is left to --expect.
    Pack {
        name: "codecrafters",
        checks: &["answers", "missing", "requests", "many.at-once", "keep", "pipeline"],
        routes: "GET / 200\n\
                 GET /abcdefg 404\n\
                 GET /echo/abc 200 Content-Type: text/plain | Content-Length: 3 | @abc\n\
                 GET /user-agent 200 >User-Agent: foobar/1.2.3 | Content-Type: text/plain | @foobar/1.2.3\n\
                 GET /echo/foo 200 >Accept-Encoding: invalid-1, gzip, invalid-2 | Content-Encoding: gzip\n",
    },
    // Bryant and O'Hallaron, Computer Systems (CS:APP), chapter 11: Tiny.
    Pack {
        name: "tiny",
        checks: &[
            "answers",
            "files",
            "missing",
            "methods.head-no-body",
            "requests",
            "hangups.while-answering",
            "paths",
        ],
        routes: "GET /cgi-bin/adder?15000&213 200 ~15213\n",
    },
    // The proxy lab of CS:APP, and that of Kurose and Ross: what comes to an origin server, and to the clients.
    Pack {
        name: "proxy",
        checks: &["proxy", "answers", "missing", "empty", "silent.one", "many.at-once", "hangups"],
        routes: "",
    },
    // The same with a cache.
    Pack {
        name: "proxy-cache",
        checks: &[
            "proxy",
            "cache",
            "answers",
            "missing",
            "empty",
            "silent.one",
            "many.at-once",
            "hangups",
        ],
        routes: "",
    },
    // Arpaci-Dusseau, Operating Systems: Three Easy Pieces: the concurrent web server.
    Pack {
        name: "ostep",
        checks: &[
            "answers", "files", "missing", "requests", "silent", "many", "slow", "hangups", "paths",
        ],
        routes: "GET /spin.cgi?1 200\n",
    },
    // Its policies: with one worker, and --slow.
    Pack { name: "ostep-fifo", checks: &["order.fifo"], routes: "" },
    Pack { name: "ostep-sff", checks: &["order.sff"], routes: "" },
    // A small REST service: --post names its collection; --expect its routes.
    Pack {
        name: "rest",
        checks: &[
            "answers", "missing", "requests", "methods", "host", "keep", "pipeline", "body",
            "expect", "framing", "date", "cycle",
        ],
        routes: "",
    },
];

/// Returns the names of all packs, for errors.
pub fn names() -> String {
    PACKS.iter().map(|pack| pack.name).collect::<Vec<_>>().join(", ")
}
