//! Uploads by form, as a browser sends them.

use std::process::Command;
use std::time::Instant;

use super::figures::Figure;
use super::machine;
use super::subject::{Folder, Running, Subject};

/// How many uploads are one sample: processor time is known to a hundredth of a second.
const UPLOADS: u32 = 8;

/// Stores a file of 100 MB, time after time, in place of the one before.
pub fn measure(
    subject: Subject,
    server: &Running,
    folder: &Folder,
) -> Result<[(Figure, f64); 3], String> {
    let (path, fields): (&str, &[&str]) = match subject {
        Subject::Miniserve => ("/upload?path=/", &["path=@"]),
        _ => ("/", &["replace=on", "file=@"]),
    };
    let file = format!("{};filename=stored", folder.path().join("www/100m").display());
    let (cpu, begun) = (machine::cpu(server.pid()), Instant::now());
    for _ in 0..UPLOADS {
        let mut command = Command::new("curl");
        command.args(["-q", "-s", "-f", "--noproxy", "*", "-o", "/dev/null", "-H", "Expect:"]);
        for field in fields {
            command.args(["-F", &field.replace('@', &format!("@{file}"))]);
        }
        let output = command.arg(format!("http://{}{path}", server.address)).output();
        let output = output.map_err(|error| format!("curl: {error}"))?;
        if !output.status.success() {
            return Err(format!("{}: an upload failed: {}", subject.name(), output.status));
        }
    }
    let (seconds, uploads) = (begun.elapsed().as_secs_f64(), f64::from(UPLOADS));
    let cpu = machine::cpu(server.pid()).saturating_sub(cpu).as_secs_f64();
    Ok([
        (Figure::Rate, uploads / seconds),
        (Figure::Cpu, cpu * 1e6 / uploads),
        (Figure::Memory, machine::resident(server.pid()) as f64 / 1e6),
    ])
}
