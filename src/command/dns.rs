//! `client dns NAME [TYPE] [@SERVER]`: one question to a name server, and the whole answer, in the form that
//! dig prints.

use std::time::{Duration, Instant};

use super::error::{CommandError, print_stdout};
use crate::cli::dns::DnsOptions;
use crate::client::dns::exchange::{Answer, Transport};
use crate::client::dns::{LookupError, LookupStep, ask};
use crate::proto::dns::message::PLAIN_UDP;
use crate::proto::dns::{Name, Question, Type};
use crate::text::dns_sections::sections;
use crate::text::dns_wire::dump;

/// The most steps that are shown: a server may send any number of messages.
const MAX_STEPS: usize = 100;

/// Asks, and prints the answer. Returns 0 for any valid one, also if it says that the name does not exist.
///
/// # Errors
/// Exit code 2 if the question is wrong, 6 without an answer, 28 if the time is over.
pub fn run(options: &DnsOptions) -> Result<u8, CommandError> {
    let question = question(options).map_err(CommandError::Usage)?;
    let transport = if options.tcp { Transport::Tcp } else { Transport::Udp };
    let until = options.max_time.and_then(|limit| Instant::now().checked_add(limit));
    let (mut steps, mut begun, mut took) = (Vec::new(), Instant::now(), Duration::ZERO);
    let answer = ask(&options.resolver, &question, transport, until, &mut |step| {
        match step {
            LookupStep::Asked(..) => begun = Instant::now(),
            _ => took = begun.elapsed(),
        }
        if steps.len() < MAX_STEPS {
            steps.push(told(&step, options.wire));
        }
    });
    // What everybody expects, a query and its answer, is not worth a line.
    let is_usual = !options.wire && steps.len() <= 2 && answer.is_ok();
    let mut text = if is_usual { String::new() } else { steps.concat() };
    if let Ok(Answer { server, message, octets }) = &answer {
        text += &format!(
            "{}\n;; Query time: {} msec\n;; SERVER: {server}\n;; MSG SIZE  rcvd: {}\n",
            sections(message),
            took.as_millis(),
            octets.len()
        );
    }
    print_stdout(text.as_bytes())?;
    answer.map(|_| 0).map_err(|error| {
        let code = if error == LookupError::TimedOut { 28 } else { 6 };
        CommandError::Failed(code, format!("no answer about {}: {error}", question.name))
    })
}

/// Returns the question that the words on the command line ask.
fn question(options: &DnsOptions) -> Result<Question, String> {
    let typed = &options.name;
    let (name, usual) = match options.reverse {
        true => {
            let address = typed.parse().map_err(|_| format!("{typed:?} is not an address"))?;
            (Name::reverse(address), Type::PTR)
        }
        false if !typed.is_ascii() => {
            return Err(format!(
                "the name {typed:?} is not ASCII; right: its form that begins with xn--"
            ));
        }
        false => {
            let invalid = |error| format!("the name {typed:?} is not valid: {error}");
            (Name::parse(typed).map_err(invalid)?, Type::A)
        }
    };
    let mut question = Question::new(name, usual);
    for word in &options.words {
        let wrong = || format!("unknown type {word:?}; right: one such as AAAA, MX or TYPE65");
        question.record_type = Type::parse(word).ok_or_else(wrong)?;
    }
    Ok(question)
}

/// Returns the lines about a step; with `wire`, each byte of a message.
fn told(step: &LookupStep, wire: bool) -> String {
    let bytes = match step {
        LookupStep::Asked(_, query) if wire => dump(&query.encode(PLAIN_UDP)) + "\n",
        LookupStep::Answered(answer) if wire => dump(&answer.octets) + "\n",
        _ => String::new(),
    };
    format!(";; {step}\n{bytes}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &str, words: &[&str], reverse: bool) -> Result<String, String> {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let options = DnsOptions { name: name.to_owned(), words, reverse, ..DnsOptions::default() };
        question(&options).map(|question| question.to_string())
    }

    #[test]
    fn questions_as_typed() {
        for (name, words, reverse, want) in [
            ("a.example", &[][..], false, "a.example. IN A"),
            (".", &["ns"], false, ". IN NS"),
            ("a", &["any"], false, "a. IN ANY"),
            ("a", &["TYPE65280"], false, "a. IN TYPE65280"),
            ("192.0.2.1", &[], true, "1.2.0.192.in-addr.arpa. IN PTR"),
            (
                "2001:db8::1",
                &[],
                true,
                "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. IN PTR",
            ),
        ] {
            assert_eq!(asked(name, words, reverse).as_deref(), Ok(want), "{name} {words:?}");
        }
        for (name, words, reverse) in [
            ("é.example", &[][..], false),
            ("a..b", &[], false),
            ("a", &["X"], false),
            ("a", &[], true),
        ] {
            assert!(asked(name, words, reverse).is_err(), "{name} {words:?}");
        }
    }
}
