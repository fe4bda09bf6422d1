//! One round: the generator measures one server.

use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::figures::Figure;
use super::machine;
use super::rows::{Beside, Load};
use super::subject::Running;

/// The time until the last of many connections has been accepted, or closed.
const SETTLE: Duration = Duration::from_millis(300);

/// The arguments of the generator.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub path: &'a str,
    pub flags: &'a [&'a str],
}

pub fn measure(load: &Load, server: &Running, seconds: &str) -> Result<Vec<(Figure, f64)>, String> {
    let asked = &Asked { path: load.path, flags: load.flags };
    match load.beside {
        Beside::Nothing => generate(asked, server, seconds, &[]),
        Beside::OneCore => {
            let all = machine::cores();
            let one = all.split([',', '-']).next().unwrap_or_default();
            pin(server, one)?;
            let samples = generate(asked, server, seconds, &["taskset", "-c", one]);
            pin(server, &all)?;
            samples
        }
        Beside::Idle(number) => {
            let alone = generate(asked, server, seconds, &[])?;
            let connect = |_| TcpStream::connect(server.address);
            let idle: Vec<TcpStream> = (0..number)
                .map(connect)
                .collect::<Result<_, _>>()
                .map_err(|error| format!("{number} idle connections: {error}"))?;
            thread::sleep(SETTLE);
            let mut samples = generate(asked, server, seconds, &[])?;
            let still = idle.iter().filter(|stream| is_open(stream)).count();
            if still < number {
                return Err(format!("it closed {} of {number} idle connections", number - still));
            }
            drop(idle);
            thread::sleep(SETTLE);
            let rate = |samples: &[(Figure, f64)]| {
                samples.iter().find(|(figure, _)| *figure == Figure::Rate).map(|&(_, rate)| rate)
            };
            if let (Some(rate), Some(alone)) = (rate(&samples), rate(&alone)) {
                samples.push((Figure::OfNoneIdle, rate / alone));
            }
            Ok(samples)
        }
    }
}

fn is_open(stream: &TcpStream) -> bool {
    let waits = |error: std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
    stream.set_nonblocking(true).is_ok() && stream.peek(&mut [0]).is_err_and(waits)
}

/// Returns all threads of a server and its children.
fn pin(server: &Running, cores: &str) -> Result<(), String> {
    for pid in machine::family(server.pid()) {
        let pid = pid.to_string();
        let output = Command::new("taskset").args(["-a", "-c", "-p", cores, &pid]).output();
        let output = output.map_err(|error| format!("taskset: {error}"))?;
        if !output.status.success() {
            return Err(format!("taskset: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
    }
    Ok(())
}

/// Runs the generator, with `prefix` before its command line if there is one.
pub fn generate(
    asked: &Asked<'_>,
    server: &Running,
    seconds: &str,
    prefix: &[&str],
) -> Result<Vec<(Figure, f64)>, String> {
    let (cpu, memory) = (machine::cpu(server.pid()), machine::resident(server.pid()));
    let client = env!("CARGO_BIN_EXE_client");
    let mut command = match prefix {
        [] => Command::new(client),
        [program, flags @ ..] => {
            let mut command = Command::new(program);
            command.args(flags).arg(client);
            command
        }
    };
    let output = command
        // A response that takes 3 s is an error here.
        .args(["bench", "--threads", "1", "--json-out", "-", "-m", "3", "-t", seconds])
        .args(asked.flags)
        .arg(format!("http://{}{}", server.address, asked.path))
        .output()
        .map_err(|error| format!("client bench: {error}"))?;
    let cpu = machine::cpu(server.pid()).saturating_sub(cpu);
    let figures: Value = serde_json::from_slice(&output.stdout).map_err(|_| {
        format!("client bench said: {}", String::from_utf8_lossy(&output.stderr).trim())
    })?;
    let figure = |path: &str| figures.pointer(path).and_then(Value::as_f64).unwrap_or_default();
    Ok(vec![
        (Figure::Rate, figure("/requests_per_s")),
        (Figure::Cpu, cpu.as_secs_f64() * 1e6 / figure("/answers").max(1.0)),
        (Figure::P50, figure("/latency_us/p50")),
        (Figure::P99, figure("/latency_us/p99")),
        (Figure::Memory, memory as f64 / 1e6),
        (Figure::Errors, figure("/errors")),
    ])
}
