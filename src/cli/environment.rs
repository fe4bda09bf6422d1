//! Flags as environment variables: `THREADBARE_MAX_BODY=1000` is `--max-body 1000`.
//!
//! A flag on the command line wins over its variable. A variable of a flag that may be repeated has one value on each
//! line; that of a flag without a value is `on` or `off`. An empty variable counts as not set.

use std::ffi::{OsStr, OsString};

use super::nearest::nearest_flag;
use super::{Command, Effect, Expected, Flag, UsageError};

/// What the names of the variables begin with.
const PREFIX: &str = "THREADBARE_";

impl<T> Command<T> {
    /// Applies the variables of those flags that are not among the arguments.
    ///
    /// # Errors
    /// A variable that no flag has, as it is probably misspelled, or a value that its flag does not take.
    pub(super) fn apply_environment(
        &self,
        options: &mut T,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        args: &[OsString],
    ) -> Result<(), UsageError> {
        let typed = self.typed(args);
        for (variable, value) in variables {
            let Some(name) = variable.to_str().and_then(|name| name.strip_prefix(PREFIX)) else {
                continue;
            };
            let flag = self
                .flags()
                .find(|flag| flag.is_set_by(name))
                .ok_or_else(|| self.unknown_variable(name))?;
            if !value.is_empty() && !typed.contains(&flag.long) {
                self.apply(flag, options, &value)
                    .map_err(|what| self.wrong(&format!("{PREFIX}{name}: {what}")))?;
            }
        }
        Ok(())
    }

    fn apply(&self, flag: &Flag<T>, options: &mut T, value: &OsStr) -> Result<(), String> {
        match flag.effect {
            Effect::Switch(set) => set(options, is_on(value)?),
            Effect::Choice(set) => {
                if is_on(value)? {
                    set(options);
                }
            }
            Effect::Value(_, set) | Effect::Secret(_, set) => {
                let each = value.to_str().map(|text| text.lines().map(OsStr::new).collect());
                for value in each.unwrap_or(vec![value]) {
                    set(options, value).map_err(|Expected(right)| match flag.effect {
                        Effect::Secret(..) => format!("invalid value; right: {right}"),
                        _ => format!("invalid value {value:?}; right: {right}"),
                    })?;
                }
            }
            Effect::Help
            | Effect::Version
            | Effect::Next(_)
            | Effect::Config(_)
            | Effect::Print(_)
            | Effect::PrintFor(..) => {}
        }
        Ok(())
    }

    fn unknown_variable(&self, name: &str) -> UsageError {
        let names: Vec<&str> = self.flags().map(|flag| flag.long).collect();
        let meant = nearest_flag(&name.to_lowercase().replace('_', "-"), &names);
        let advice = meant.map(|meant| format!("; did you mean {PREFIX}{}?", variable(meant)));
        self.wrong(&format!(
            "{PREFIX}{name} is set, and there is no such flag{}",
            advice.unwrap_or_default()
        ))
    }
}

fn is_on(value: &OsStr) -> Result<bool, String> {
    match value.to_str() {
        Some("on" | "1" | "true" | "yes") => Ok(true),
        Some("off" | "0" | "false" | "no") => Ok(false),
        _ => Err(format!("invalid value {value:?}; right: on or off")),
    }
}

impl<T> Flag<T> {
    /// Returns true if the variable `THREADBARE_` and `name` sets this flag.
    fn is_set_by(&self, name: &str) -> bool {
        let prints = matches!(
            self.effect,
            Effect::Help
                | Effect::Version
                | Effect::Next(_)
                | Effect::Config(_)
                | Effect::Print(_)
                | Effect::PrintFor(..)
        );
        !prints && variable(self.long) == name
    }
}

/// Returns the name of a flag's variable, without the prefix.
fn variable(flag: &str) -> String {
    flag.to_uppercase().replace('-', "_")
}
