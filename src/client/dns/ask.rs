//! One question to several servers, until one of them answers it.

use std::time::Instant;

use super::exchange::{Answer, NoAnswer, Server, Transport, exchange, random};
use super::resolv_conf::ResolvConf;
use super::{LookupError, LookupStep};
use crate::proto::dns::{Flags, Query, Question, ResponseCode};

/// Which answers end the search for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// One that says what the name has, or that it does not exist; another server may know more.
    Definite,
    /// Any.
    First,
}

impl ResolvConf {
    /// Asks the servers in turn, each of them up to `attempts` times, until `until`.
    ///
    /// # Errors
    /// [`LookupError::TimedOut`], [`LookupError::NoAnswer`] or, if only a definite answer is wanted,
    /// [`LookupError::Refused`].
    pub(crate) fn ask(
        &self,
        question: &Question,
        wanted: Wanted,
        until: Option<Instant>,
        observe: &mut dyn FnMut(LookupStep),
    ) -> Result<Answer, LookupError> {
        let (mut refused, mut silent) = (None, Vec::new());
        let mut servers = self.servers.clone();
        if self.rotate {
            servers.rotate_left(usize::from(random()) % self.servers.len());
        }
        for attempt in 0..self.attempts {
            for address in &servers {
                let transport = if self.tcp { Transport::Tcp } else { Transport::Udp };
                let server = Server { address: *address, transport };
                match self.ask_server(server, question, until, observe) {
                    Ok(answer) => {
                        let code = answer.message.code();
                        let is_definite =
                            [ResponseCode::NO_ERROR, ResponseCode::NO_SUCH_NAME].contains(&code);
                        if is_definite || wanted == Wanted::First {
                            return Ok(answer);
                        }
                        refused = Some(LookupError::Refused(answer.server, code));
                    }
                    Err(_) if until.is_some_and(|until| Instant::now() >= until) => {
                        return Err(LookupError::TimedOut);
                    }
                    Err((server, why)) => {
                        observe(LookupStep::Failed(server, why.clone()));
                        if attempt == 0 {
                            silent.push((server, why));
                        }
                    }
                }
            }
        }
        Err(refused.unwrap_or(LookupError::NoAnswer(silent)))
    }

    /// Asks one server: without EDNS if it does not know it (RFC 6891, 7), over TCP if its answer does not
    /// fit into a datagram (RFC 1035, 4.2.1; RFC 7766, 5).
    fn ask_server(
        &self,
        mut server: Server,
        question: &Question,
        until: Option<Instant>,
        observe: &mut dyn FnMut(LookupStep),
    ) -> Result<Answer, (Server, NoAnswer)> {
        let mut query = Query::new(0, question.name.clone(), question.record_type);
        loop {
            query.id = random();
            let end = Instant::now() + self.timeout;
            let end = until.map_or(end, |until| end.min(until));
            let answer = exchange(server, &query, end, observe).map_err(|why| (server, why))?;
            observe(LookupStep::Answered(answer.clone()));
            let is_old = [
                ResponseCode::FORMAT_ERROR,
                ResponseCode::NOT_IMPLEMENTED,
                ResponseCode::BAD_VERSION,
            ];
            if query.edns.is_some() && is_old.contains(&answer.message.code()) {
                query.edns = None;
            } else if answer.message.flags.has(Flags::TRUNCATED)
                && server.transport == Transport::Udp
            {
                server.transport = Transport::Tcp;
            } else {
                return Ok(answer);
            }
        }
    }
}
