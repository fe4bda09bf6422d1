//! What became of each probe, and the figures of all of them. Pure: times are passed in, and count from the
//! start of the run.
//!
//! A probe waits for its answer for at most the time of `-W`. A later answer does not undo its loss, but is
//! counted. An answer in time is reordered if a probe that was sent later has had its answer before (RFC 4737,
//! 3.2). A further answer to the same probe is a duplicate.

use std::net::SocketAddr;
use std::time::Duration;

use crate::proto::http::status::Status;

/// A probe, and what became of it.
#[derive(Debug)]
pub(super) struct Probe {
    /// The address that it was sent to.
    pub(super) peer: SocketAddr,
    /// When it was sent.
    pub(super) sent: Duration,
    pub(super) outcome: Outcome,
    /// The status of its answer, for `--http`.
    pub(super) status: Option<Status>,
    /// How many answers came after the first one.
    pub(super) duplicates: u64,
}

/// What became of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Its answer may still come in time.
    Waiting,
    /// Answered in time, after this time.
    Answered { after: Duration, is_reordered: bool },
    /// No answer came in time.
    Lost,
    /// An answer came after this time, which is too late.
    Late(Duration),
    /// The peer's system says that nothing listens on the port.
    Refused,
    /// Another error.
    Failed(String),
}

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    InTime { is_reordered: bool },
    Late,
    Duplicate,
}

/// All probes of a run. A probe has the number of its place, from 0.
#[derive(Debug)]
pub(super) struct Record {
    patience: Duration,
    probes: Vec<Probe>,
    /// Every probe before this one has an outcome.
    settled: usize,
    /// The last probe that was answered in time.
    highest: Option<usize>,
}

/// The figures of a run.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Summary {
    pub(super) sent: u64,
    /// Answered in time.
    pub(super) received: u64,
    /// Still waiting for an answer when the run was stopped.
    pub(super) waiting: u64,
    /// Sent, and not answered in time: the late, refused and failed ones are among them.
    pub(super) lost: u64,
    pub(super) late: u64,
    pub(super) refused: u64,
    pub(super) failed: u64,
    /// Answers after the first one, to all probes together.
    pub(super) duplicates: u64,
    pub(super) reordered: u64,
    /// The times of the answers that came in time; `None` if there are none.
    pub(super) times: Option<Times>,
}

/// The distribution of the times of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) min: Duration,
    pub(super) mean: Duration,
    pub(super) max: Duration,
    /// The standard deviation, which ping(8) calls mdev.
    pub(super) deviation: Duration,
}

impl Record {
    /// Returns an empty record. Answers after `patience` or more are late.
    pub(super) fn new(patience: Duration) -> Record {
        Record { patience, probes: Vec::new(), settled: 0, highest: None }
    }

    pub(super) fn probes(&self) -> &[Probe] {
        &self.probes
    }

    /// Returns true if an answer has come in time.
    pub(super) fn has_answer(&self) -> bool {
        self.highest.is_some()
    }

    /// Adds a probe that is sent now, and returns its number.
    pub(super) fn send(&mut self, peer: SocketAddr, now: Duration) -> usize {
        let outcome = Outcome::Waiting;
        self.probes.push(Probe { peer, sent: now, outcome, status: None, duplicates: 0 });
        self.probes.len() - 1
    }

    /// Takes note that a probe is sent to another address instead.
    pub(super) fn send_again(&mut self, number: usize, peer: SocketAddr, now: Duration) {
        if let Some(probe) = self.probes.get_mut(number) {
            (probe.peer, probe.sent) = (peer, now);
        }
    }

    /// Takes an answer to a probe, and says what it is; `None` if no such probe was sent.
    pub(super) fn answer(
        &mut self,
        number: usize,
        status: Option<Status>,
        now: Duration,
    ) -> Option<(Arrival, Duration)> {
        let probe = self.probes.get_mut(number)?;
        let after = now.saturating_sub(probe.sent);
        if matches!(probe.outcome, Outcome::Answered { .. } | Outcome::Late(_)) {
            probe.duplicates += 1;
            return Some((Arrival::Duplicate, after));
        }
        probe.status = status;
        if after >= self.patience {
            probe.outcome = Outcome::Late(after);
            return Some((Arrival::Late, after));
        }
        let is_reordered = self.highest.is_some_and(|highest| number < highest);
        probe.outcome = Outcome::Answered { after, is_reordered };
        self.highest = self.highest.max(Some(number));
        Some((Arrival::InTime { is_reordered }, after))
    }

    /// Takes note of an error in place of an answer.
    pub(super) fn fail(&mut self, number: usize, outcome: Outcome) {
        if let Some(probe) = self.probes.get_mut(number) {
            probe.outcome = outcome;
        }
    }

    /// Returns the first probe for `peer` that waits for its answer.
    pub(super) fn first_waiting(&self, peer: SocketAddr) -> Option<usize> {
        self.waiting().find(|(_, probe)| probe.peer == peer).map(|(number, _)| number)
    }

    /// Counts the probes that have waited for too long as lost, and returns them.
    pub(super) fn expire(&mut self, now: Duration) -> Vec<usize> {
        let is_over = |probe: &Probe| now.saturating_sub(probe.sent) >= self.patience;
        let over = self.waiting().filter(|(_, probe)| is_over(probe));
        let over: Vec<usize> = over.map(|(number, _)| number).collect();
        over.iter().for_each(|&number| self.fail(number, Outcome::Lost));
        let unsettled = self.waiting().next().map(|(number, _)| number);
        self.settled = unsettled.unwrap_or(self.probes.len());
        over
    }

    /// Returns the next time at which a probe has waited for too long; `None` if none is waiting.
    pub(super) fn next_expiry(&self) -> Option<Duration> {
        self.waiting().map(|(_, probe)| probe.sent.saturating_add(self.patience)).min()
    }

    fn waiting(&self) -> impl Iterator<Item = (usize, &Probe)> {
        let open = self.probes.iter().enumerate().skip(self.settled);
        open.filter(|(_, probe)| probe.outcome == Outcome::Waiting)
    }

    /// Returns the figures so far.
    pub(super) fn summary(&self) -> Summary {
        let mut summary = Summary { sent: self.probes.len() as u64, ..Summary::default() };
        let mut times = Vec::new();
        for probe in &self.probes {
            summary.duplicates += probe.duplicates;
            match &probe.outcome {
                Outcome::Answered { after, is_reordered } => {
                    times.push(*after);
                    summary.reordered += u64::from(*is_reordered);
                }
                Outcome::Waiting => summary.waiting += 1,
                Outcome::Lost => {}
                Outcome::Late(_) => summary.late += 1,
                Outcome::Refused => summary.refused += 1,
                Outcome::Failed(_) => summary.failed += 1,
            }
        }
        summary.received = times.len() as u64;
        summary.lost = summary.sent - summary.received - summary.waiting;
        summary.times = Times::of(&times);
        summary
    }
}

impl Summary {
    /// Returns the share of lost probes, from 0 to 1; those that are still waiting are left out.
    pub(super) fn loss(&self) -> f64 {
        self.lost as f64 / (self.sent - self.waiting).max(1) as f64
    }
}

impl Times {
    fn of(times: &[Duration]) -> Option<Times> {
        let (min, max) = (times.iter().min()?, times.iter().max()?);
        let count = times.len() as f64;
        let mean = times.iter().map(Duration::as_secs_f64).sum::<f64>() / count;
        let squares = times.iter().map(|time| (time.as_secs_f64() - mean).powi(2));
        let deviation = (squares.sum::<f64>() / count).sqrt();
        let [mean, deviation] = [mean, deviation].map(Duration::from_secs_f64);
        Some(Times { min: *min, mean, max: *max, deviation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn peer() -> SocketAddr {
        "127.0.0.1:7".parse().unwrap()
    }

    /// A record of probes that were sent every 10 ms, with 100 ms to answer each.
    fn sent(count: u64) -> Record {
        let mut record = Record::new(ms(100));
        for number in 0..count {
            record.send(peer(), ms(10 * number));
        }
        record
    }

    fn answer(record: &mut Record, number: usize, at: u64) -> Option<(Arrival, Duration)> {
        record.answer(number, None, ms(at))
    }

    #[test]
    fn figures_of_answers_in_time() {
        let mut record = sent(4);
        for (number, at) in [(0, 2), (1, 14), (2, 24), (3, 36)] {
            let (arrival, after) = answer(&mut record, number, at).unwrap();
            assert_eq!(arrival, Arrival::InTime { is_reordered: false });
            assert_eq!(after, ms(at - 10 * number as u64));
        }
        let summary = record.summary();
        assert_eq!((summary.sent, summary.received, summary.lost), (4, 4, 0));
        let times = summary.times.unwrap();
        assert_eq!((times.min, times.mean, times.max), (ms(2), ms(4), ms(6)));
        // The square root of (4 + 0 + 0 + 4) / 4.
        let off = times.deviation.abs_diff(Duration::from_nanos(1_414_214));
        assert!(off < Duration::from_nanos(10), "{:?}", times.deviation);
        assert_eq!(record.next_expiry(), None);
    }

    #[test]
    fn an_answer_before_the_one_to_an_earlier_probe_makes_that_one_reordered() {
        let mut record = sent(4);
        let mut in_time = |number, at| match answer(&mut record, number, at) {
            Some((Arrival::InTime { is_reordered }, _)) => is_reordered,
            other => panic!("{other:?}"),
        };
        assert!(!in_time(1, 31));
        assert!(in_time(0, 32));
        assert!(!in_time(3, 33));
        assert!(in_time(2, 34));
        assert_eq!(record.summary().reordered, 2);
    }

    #[test]
    fn duplicates_do_not_count_as_answers() {
        let mut record = sent(2);
        assert!(matches!(answer(&mut record, 0, 1), Some((Arrival::InTime { .. }, _))));
        assert_eq!(answer(&mut record, 0, 3), Some((Arrival::Duplicate, ms(3))));
        assert_eq!(answer(&mut record, 0, 500), Some((Arrival::Duplicate, ms(500))));
        assert_eq!(answer(&mut record, 2, 3), None, "it was never sent");
        let summary = record.summary();
        assert_eq!((summary.received, summary.duplicates, summary.waiting), (1, 2, 1));
        assert_eq!(summary.times.unwrap().max, ms(1));
    }

    #[test]
    fn a_late_answer_stays_lost() {
        let mut record = sent(3);
        assert_eq!(record.expire(ms(99)), [0; 0]);
        assert_eq!(record.next_expiry(), Some(ms(100)));
        assert_eq!(record.expire(ms(111)), [0, 1]);
        assert_eq!(record.expire(ms(112)), [0; 0], "each is said once");
        assert_eq!(answer(&mut record, 0, 130), Some((Arrival::Late, ms(130))));
        assert_eq!(answer(&mut record, 0, 131), Some((Arrival::Duplicate, ms(131))));
        // It is late though nothing has looked at the clock since.
        assert_eq!(answer(&mut record, 2, 121), Some((Arrival::Late, ms(101))));
        let summary = record.summary();
        assert_eq!((summary.received, summary.lost, summary.late), (0, 3, 2));
        assert_eq!((summary.loss(), summary.times), (1.0, None));
    }

    #[test]
    fn errors_are_lost_and_named() {
        let mut record = sent(4);
        assert_eq!(record.first_waiting(peer()), Some(0));
        assert_eq!(record.first_waiting("127.0.0.1:8".parse().unwrap()), None);
        record.fail(0, Outcome::Refused);
        record.fail(1, Outcome::Failed("no route".to_owned()));
        assert_eq!(record.first_waiting(peer()), Some(2));
        assert!(matches!(answer(&mut record, 2, 21), Some((Arrival::InTime { .. }, _))));
        let summary = record.summary();
        assert_eq!((summary.refused, summary.failed, summary.lost), (1, 1, 2));
        assert_eq!((summary.waiting, summary.loss()), (1, 2.0 / 3.0));
    }

    #[test]
    fn a_probe_that_is_sent_again_waits_anew() {
        let mut record = sent(1);
        let other = "[::1]:7".parse().unwrap();
        record.send_again(0, other, ms(90));
        assert_eq!((record.first_waiting(other), record.first_waiting(peer())), (Some(0), None));
        assert_eq!(record.expire(ms(150)), [0; 0]);
        assert!(matches!(answer(&mut record, 0, 92), Some((Arrival::InTime { .. }, _))));
        assert_eq!(record.summary().times.unwrap().max, ms(2));
    }

    #[test]
    fn nothing_sent_is_nothing_lost() {
        let summary = sent(0).summary();
        assert_eq!((summary.loss(), summary), (0.0, Summary::default()));
    }
}
