//! One question to several servers, until one of them answers it.

use std::time::Instant;

use super::exchange::{Answer, NoAnswer, Server, Transport, exchange};
use super::resolv_conf::ResolvConf;
use super::resolve::configuration;
use super::{LookupError, LookupStep, Resolver};
use crate::proto::dns::{Flags, Query, Question, ResponseCode};

/// Asks name servers one question, as `resolver` says; `/etc/hosts` is not read, and no domain is added to the
/// name. The answer is the first one that comes, whatever it says.
///
/// # Errors
/// [`LookupError::TimedOut`] after `until`, and [`LookupError::NoAnswer`].
pub fn ask(
    resolver: &Resolver,
    question: &Question,
    transport: Transport,
    until: Option<Instant>,
    observe: &mut dyn FnMut(LookupStep),
) -> Result<Answer, LookupError> {
    let mut conf = configuration(resolver);
    conf.tcp |= transport == Transport::Tcp;
    conf.ask(question, |_| true, until, observe)
}

/// Returns true if no other server can know more: the name has such a record or not, or it does not exist.
pub(super) fn is_definite(code: ResponseCode) -> bool {
    [ResponseCode::NO_ERROR, ResponseCode::NO_SUCH_NAME].contains(&code)
}

impl ResolvConf {
    /// Asks the servers in turn, each of them up to `attempts` times, until an answer `is_final`; or else
    /// the last answer is returned.
    ///
    /// # Errors
    /// [`LookupError::TimedOut`] after `until`; [`LookupError::NoAnswer`] if none came.
    pub(super) fn ask(
        &self,
        question: &Question,
        is_final: fn(ResponseCode) -> bool,
        until: Option<Instant>,
        observe: &mut dyn FnMut(LookupStep),
    ) -> Result<Answer, LookupError> {
        let (mut last, mut silent) = (None, Vec::new());
        let transport = if self.tcp { Transport::Tcp } else { Transport::Udp };
        for &address in (0..self.attempts).flat_map(|_| &self.servers) {
            let server = Server { address, transport };
            match self.ask_server(server, question, until, observe) {
                Ok(answer) if is_final(answer.message.code()) => return Ok(answer),
                Ok(answer) => last = Some(answer),
                Err(_) if until.is_some_and(|until| Instant::now() >= until) => {
                    return Err(LookupError::TimedOut);
                }
                Err(why) => {
                    observe(LookupStep::Failed(why.clone()));
                    silent.push(why);
                }
            }
        }
        silent.truncate(self.servers.len());
        last.ok_or(LookupError::NoAnswer(silent))
    }

    /// Asks one server: without EDNS if it does not know it (RFC 6891, 7), over TCP if its answer does not
    /// fit into a datagram (RFC 1035, 4.2.1; RFC 7766, 5).
    fn ask_server(
        &self,
        mut server: Server,
        question: &Question,
        until: Option<Instant>,
        observe: &mut dyn FnMut(LookupStep),
    ) -> Result<Answer, NoAnswer> {
        let mut query = Query::new(0, question.name.clone(), question.record_type);
        query.question.class = question.class;
        loop {
            let end = Instant::now() + self.timeout;
            let end = until.map_or(end, |until| end.min(until));
            let answer = exchange(server, &mut query, end, observe)?;
            let is_truncated = answer.message.flags.has(Flags::TRUNCATED);
            match answer.message.code() {
                ResponseCode::FORMAT_ERROR
                | ResponseCode::NOT_IMPLEMENTED
                | ResponseCode::BAD_VERSION
                    if query.edns.is_some() =>
                {
                    query.edns = None;
                }
                _ if is_truncated && server.transport == Transport::Udp => {
                    server.transport = Transport::Tcp;
                }
                _ => return Ok(answer),
            }
        }
    }
}
