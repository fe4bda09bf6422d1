//! What the tables of flags give besides parsing: flags as environment variables, the manual page, completions.

use std::process::{Command, Stdio};

use crate::support::{Program, Server, needs, run};

const SERVER: &str = env!("CARGO_BIN_EXE_server");
const CLIENT: &str = env!("CARGO_BIN_EXE_client");

fn stdout_of(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().expect("it runs");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).expect("it is UTF-8")
}

/// Starts the server with these variables, which are wrong; it says so.
fn refused(variables: &[(&str, &str)], words: &[&str]) {
    let mut command = Command::new(SERVER);
    command.args(["--bind", "127.0.0.1:0"]).envs(variables.iter().copied());
    let finished = run(&mut command, b"");
    assert_eq!(finished.code, Some(2), "{variables:?}: {}", finished.stderr);
    for word in words {
        assert!(finished.stderr.contains(word), "{variables:?}: {}", finished.stderr);
    }
    assert_eq!(finished.stderr.lines().count(), 1, "{}", finished.stderr);
}

#[test]
fn a_flag_is_a_variable_and_what_is_typed_wins() {
    let start = |args: &[&str]| {
        let mut command = Command::new(SERVER);
        command
            .env("THREADBARE_SERVER_NAME", "variable/1")
            .env("THREADBARE_STAT_FIELDS", "on")
            .env("THREADBARE_BIND", "127.0.0.1:0\n[::1]:0")
            .env("THREADBARE_DATA", "")
            .args(args);
        let program = Program::start(&mut command);
        let ready = program.stdout.until(|text| text.contains('\n'));
        let urls = ready.split(' ').filter(|word| word.starts_with("http://")).map(str::to_owned);
        (program, urls.collect::<Vec<_>>())
    };
    let fields = |url: &str| stdout_of(CLIENT, &["-s", "-I", url]);
    let (_program, urls) = start(&[]);
    assert_eq!(urls.len(), 2, "{urls:?}");
    let head = fields(&urls[0]);
    assert!(
        head.contains("\nServer: variable/1\r\n") && head.contains("\nStat-Thread-Id: "),
        "{head}"
    );
    let (_program, urls) = start(&["--server-name", "typed/1", "--bind", "127.0.0.1:0"]);
    assert_eq!(urls.len(), 1, "{urls:?}");
    let head = fields(&urls[0]);
    assert!(head.contains("\nServer: typed/1\r\n"), "{head}");
}

#[test]
fn a_variable_that_is_wrong_is_refused() {
    let teaches = "THREADBARE_WORKERS: invalid value \"0\"; right: a number from 1 to 10000";
    refused(&[("THREADBARE_WORKERS", "0")], &[teaches]);
    refused(
        &[("THREADBARE_WIRE", "maybe")],
        &["THREADBARE_WIRE: invalid value", "right: on or off"],
    );
    let misspelled = ["no such flag", "did you mean THREADBARE_WORKERS?"];
    refused(&[("THREADBARE_WORKRES", "4")], &misspelled);
    refused(&[("THREADBARE_HELP", "on")], &["THREADBARE_HELP is set"]);
}

#[test]
fn the_handover_does_not_take_its_own_variable_for_a_flag() {
    let folder = crate::support::Folder::new();
    let path = folder.join("control").display().to_string();
    let first = Server::start(&["--handover", &path]);
    let address = first.address().to_string();
    let mut command = Command::new(SERVER);
    command.args(["--bind", &address, "--access-log", "off"]);
    command.env("THREADBARE_HANDOVER", &path);
    let program = Program::start(&mut command);
    let ready = program.stdout.until(|text| text.contains('\n'));
    assert!(ready.contains(&address), "{ready}");
}

#[test]
fn the_manual_page_is_clean_and_has_every_flag() {
    for program in [SERVER, CLIENT] {
        let page = stdout_of(program, &["--man"]);
        let help = stdout_of(program, &["--help", "all"]);
        for line in help.lines().filter_map(|line| line.strip_prefix("      --")) {
            let flag = line.split(' ').next().unwrap();
            assert!(page.contains(&format!("\\-\\-{}\\fR", flag.replace('-', "\\-"))), "{flag}");
        }
        if needs("groff") {
            let mut command = Command::new("groff");
            let finished = run(command.args(["-man", "-ww", "-z", "-Tutf8"]), page.as_bytes());
            assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
        }
    }
}

#[test]
fn the_completions_are_right_for_each_shell() {
    for shell in ["bash", "zsh", "fish"] {
        for program in [SERVER, CLIENT] {
            let script = stdout_of(program, &["--completions", shell]);
            assert!(script.contains("max-time") || script.contains("max-body"), "{script}");
            if needs(shell) {
                let finished =
                    run(Command::new(shell).args(["-n", "/dev/stdin"]), script.as_bytes());
                assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{shell}");
            }
        }
    }
    let wrong = Command::new(SERVER).args(["--completions", "tcsh"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("right: bash, zsh or fish"));
}

/// What bash offers for the last of these words.
fn offered(program: &str, words: &[&str]) -> Vec<String> {
    let name = program.rsplit('/').next().unwrap();
    let script = format!(
        "source <({program} --completions bash)\nCOMP_WORDS=({name} {})\nCOMP_CWORD={}\n_{name}\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "),
        words.len()
    );
    let finished = run(Command::new("bash").arg("-c").arg(script).stdin(Stdio::null()), b"");
    let text = String::from_utf8_lossy(&finished.stdout).into_owned();
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn bash_completes_flags_values_and_commands() {
    if !needs("bash") {
        return;
    }
    assert_eq!(offered(SERVER, &["--max-body-u"]), ["--max-body-unread"]);
    assert_eq!(offered(SERVER, &["--lobby", "o"]), ["on", "off"]);
    assert_eq!(offered(SERVER, &["--workers", ""]), [""; 0]);
    assert_eq!(offered(CLIENT, &["w"]), ["watch", "where"]);
    assert_eq!(offered(CLIENT, &["ping", "--ud"]), ["--udp"]);
    assert_eq!(offered(CLIENT, &["check", "--forma"]), ["--format"]);
}
