//! The flags of `client` that say which files answers are written to, and what is done about those that are there.

use std::path::{Path, PathBuf};

use super::{ClientOptions, Output, Resume};
use crate::cli::Effect::{Choice, Switch, Value};
use crate::cli::client::output::number;
use crate::cli::{Expected, Flag};

/// The options for the files of answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileOptions {
    /// The folder that the names of `-o` and `-O` are in.
    pub folder: Option<PathBuf>,
    /// Whether folders are made that are missing.
    pub makes_folders: bool,
    /// What a URL without `-o` and `-O` of its own does: `-O`, or stdout.
    pub all_by_name: bool,
    /// Whether `-O` takes the name that the server suggests.
    pub by_server: bool,
    /// What is done about a file that is there, if a flag says it.
    pub existing: Option<Existing>,
    /// Whether no request is made for a file that is there.
    pub skips_existing: bool,
    /// Whether files get the time of Last-Modified.
    pub keeps_time: bool,
    /// Whether nothing is kept of a transfer that fails.
    pub removes_part: bool,
    /// The file that gets the heads; `-` is stdout, `%` is stderr.
    pub heads: Option<PathBuf>,
}

/// What is done about a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It is replaced.
    Replace,
    /// It stays, and the transfer fails.
    Refuse,
    /// It stays, and a number is added to the name.
    Number,
}

impl FileOptions {
    /// Returns where the body of URL `number` goes, counted from 0; `None`: nothing says it.
    pub fn output(&self, outputs: &[Output], number: usize) -> Option<Output> {
        let default = || self.all_by_name.then_some(Output::RemoteName);
        outputs.get(number).cloned().or_else(default)
    }

    /// Returns the flag that cannot be combined with `-C`, if there is one.
    pub(super) fn not_with_resume(&self) -> Option<&'static str> {
        [
            (self.by_server, "-J"),
            (self.existing == Some(Existing::Number), "--no-clobber"),
            (self.removes_part, "--remove-on-error"),
        ]
        .into_iter()
        .find_map(|(is_set, flag)| is_set.then_some(flag))
    }

    /// Returns the path of a file: in the folder of `--output-dir`, even if it begins with a slash.
    pub fn path(&self, name: &Path) -> PathBuf {
        let Some(folder) = &self.folder else { return name.to_owned() };
        let mut path = folder.clone().into_os_string();
        path.push("/");
        path.push(name);
        path.into()
    }
}

/// The table.
pub(super) const FLAGS: &[Flag<ClientOptions>] = &[
    Flag::new(
        Some('o'),
        "output",
        Value("FILE", |options, value| {
            if value.is_empty() {
                return Err(Expected("a file, or - for stdout"));
            }
            options.outputs.push(match value.to_str() {
                Some("-") => Output::Stdout,
                _ => Output::File(PathBuf::from(value)),
            });
            Ok(())
        }),
        "write the body to FILE; an incomplete body is kept in FILE.part; the second -o is for the \
         second URL",
    ),
    Flag::new(
        Some('O'),
        "remote-name",
        Switch(|options, on| {
            options.outputs.push(if on { Output::RemoteName } else { Output::Stdout });
        }),
        "write the body to a file named after the last part of the URL's path",
    ),
    Flag::new(
        None,
        "remote-name-all",
        Switch(|options, on| options.files.all_by_name = on),
        "use -O for each URL that has no -o",
    ),
    Flag::new(
        Some('J'),
        "remote-header-name",
        Switch(|options, on| options.files.by_server = on),
        "with -O, use the name that the server suggests (Content-Disposition); a file that is there \
         is not replaced",
    ),
    Flag::new(
        None,
        "output-dir",
        Value("DIR", |options, value| {
            let is_there = Some(value).filter(|value| !value.is_empty());
            options.files.folder = Some(is_there.ok_or(Expected("a folder"))?.into());
            Ok(())
        }),
        "write the files of -o and -O to the folder DIR",
    ),
    Flag::new(
        None,
        "create-dirs",
        Switch(|options, on| options.files.makes_folders = on),
        "make the folders of -o, -D and --output-dir that are missing",
    ),
    Flag::new(
        None,
        "no-clobber",
        Choice(|options| options.files.existing = Some(Existing::Number)),
        "replace no file: write to FILE.1 if FILE is there, and so on, up to FILE.100",
    ),
    Flag::new(
        None,
        "clobber",
        Choice(|options| options.files.existing = Some(Existing::Replace)),
        "replace a file that is there, even with -J",
    ),
    Flag::new(
        None,
        "skip-existing",
        Switch(|options, on| options.files.skips_existing = on),
        "do not transfer what is to be written to a file that is there",
    ),
    Flag::new(
        Some('C'),
        "continue-at",
        Value("OFFSET", |options, value| {
            options.resume = Some(match value.to_str() {
                Some("-") => Resume::AtHand,
                text => {
                    Resume::From(text.and_then(number).ok_or(Expected("- or a number of bytes"))?)
                }
            });
            Ok(())
        }),
        "continue an earlier download: - takes the offset from the local file, if the server still \
         has the same version; a number skips this number of bytes",
    ),
    Flag::new(
        None,
        "remove-on-error",
        Switch(|options, on| options.files.removes_part = on),
        "keep nothing of a transfer that fails, not even FILE.part",
    ),
    Flag::new(
        Some('R'),
        "remote-time",
        Switch(|options, on| options.files.keeps_time = on),
        "give the file the time that the server says in Last-Modified",
    ),
    Flag::new(
        Some('D'),
        "dump-header",
        Value("FILE", |options, value| {
            let file = Some(value).filter(|value| !value.is_empty());
            let file = file.ok_or(Expected("a file, - for stdout, or % for stderr"))?;
            options.files.heads = Some(file.into());
            Ok(())
        }),
        "write the heads of all responses to FILE; - is stdout, % is stderr",
    ),
];
