//! Scenes about rooms: the time of a message to a hundred and to ten thousand subscribers, and subscribers
//! and publishers that do harm.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::crowd::{Crowd, Habit};
use super::machine;
use super::probe::{Measured, measure};
use super::rows::{Setting, Shown, compare};
use super::subject::Subject;
use super::subscribers::{Numbers, Subscribers, Tally};

/// The subscribers, and how many of them are in each room. `FEWER`: as many as the textbook has workers for.
const SUBSCRIBERS: usize = 10_000;
const FEWER: usize = 1_000;
const IN_EACH_ROOM: usize = 100;
pub const ROOMS: usize = SUBSCRIBERS / IN_EACH_ROOM;

/// How many messages are timed: to one of a hundred rooms, and to all subscribers in one.
const TO_ONE_ROOM: usize = 500;
const TO_ALL: usize = 20;

/// How long the subscribers wait first, without a message: the processor time of waiting.
const WITHOUT_MESSAGES: Duration = Duration::from_secs(3);

/// The pause between two messages beside the well-behaved client: each second 1,000 subscribers get one.
const PAUSE: Duration = Duration::from_millis(100);

/// What is promised: the memory, and the times until all members of a room of a hundred, or of all, have a
/// message.
const MEMORY: u64 = 40 << 20;
const ONE_ROOM_WITHIN: Duration = Duration::from_millis(5);
const ALL_WITHIN: Duration = Duration::from_millis(200);

/// Beside the hostile crowds: members that check each number, those that do not read, publish and leave.
const HONEST: usize = 1_000;
const CROWDS: [(Habit, usize); 3] =
    [(Habit::Subscribe, 300), (Habit::Publish, 2_000), (Habit::Leave, 5_000)];

/// Ten thousand subscribers in a hundred rooms, and then in one.
pub fn messages(subject: Subject, setting: &Setting) -> io::Result<Shown> {
    let count = SUBSCRIBERS.min(setting.descriptors);
    let (mut shown, [one_room, all]) = messages_to(count, subject, setting)?;
    if let (Some(alone), Some(measured)) = (shown.alone.take(), shown.measured.take()) {
        compare(&mut shown, &alone, &measured, Habit::Subscribe);
        (shown.alone, shown.measured) = (Some(alone), Some(measured));
    }
    let memory = shown.memory.map_or(0, |(server, _)| server);
    shown.promise(memory <= MEMORY, format!("{} MB of memory", memory >> 20));
    shown.promise(one_room <= ONE_ROOM_WITHIN, "a message to a room took too long");
    shown.promise(all <= ALL_WITHIN, "a message to all took too long");
    Ok(shown)
}

/// A thousand subscribers in ten rooms, and then in one: the lobby beside the textbook. Nothing is promised of the
/// times.
pub fn fewer_messages(subject: Subject, setting: &Setting) -> io::Result<Shown> {
    messages_to(FEWER, subject, setting).map(|(shown, _)| shown)
}

/// Returns what was measured, and the times until all members of a room, and all subscribers, have a message.
fn messages_to(
    count: usize,
    subject: Subject,
    setting: &Setting,
) -> io::Result<(Shown, [Duration; 2])> {
    let server = subject.start_with_rooms(&setting.server, &setting.folder, count)?;
    let alone = measure(server.address, setting.time);
    let (before, rooms) = (machine::socket_memory(), count.div_ceil(IN_EACH_ROOM));
    let mut members = Subscribers::enter(server.address, count, rooms, Numbers::InText)?;
    let begun = machine::cpu(server.pid());
    thread::sleep(WITHOUT_MESSAGES);
    let waiting = machine::cpu(server.pid()).saturating_sub(begun).as_secs_f64();
    let one_room = median((0..TO_ONE_ROOM).map(|number| members.say(number % rooms)))?;
    let measured = beside(
        &mut members,
        |members| members.chat(PAUSE, setting.time),
        || measure(server.address, setting.time),
    )?;
    let memory = machine::memory(server.pid());
    let kernel = machine::socket_memory().saturating_sub(before);
    let in_rooms = members.tally();
    drop(members);

    let mut members = Subscribers::enter(server.address, count, 1, Numbers::InText)?;
    let cpu = machine::cpu(server.pid());
    let all = median((0..TO_ALL).map(|_| members.say(0)))?;
    let cpu =
        machine::cpu(server.pid()).saturating_sub(cpu) / u32::try_from(TO_ALL * count).unwrap_or(1);
    let notes = vec![
        format!("waiting: {:.1} % of a core", 100.0 * waiting / WITHOUT_MESSAGES.as_secs_f64()),
        format!("to {IN_EACH_ROOM}: {one_room:.2?}"),
        format!("to {count}: {all:.0?}, {:.1} µs of CPU each", cpu.as_secs_f64() * 1e6),
    ];
    let mut shown = Shown {
        notes,
        memory: Some((memory, kernel)),
        hostile: Some((count, 0)),
        alone: Some(alone),
        measured: Some(measured),
        ..Shown::default()
    };
    for tally in [in_rooms, members.tally()] {
        check(&mut shown, tally);
    }
    Ok((shown, [one_room, all]))
}

/// Members that check each number, beside subscribers that never read or leave, and 2,000 publishers.
pub fn hostile(subject: Subject, setting: &Setting) -> io::Result<Shown> {
    let server = subject.start_with_rooms(&setting.server, &setting.folder, HONEST)?;
    let alone = measure(server.address, setting.time);
    let before = machine::socket_memory();
    let mut members = Subscribers::enter(server.address, HONEST, ROOMS, Numbers::InId)?;
    let mut memory = 0;
    let leave = AtomicBool::new(false);
    let measured = beside(
        &mut members,
        |members| members.listen(&leave),
        || {
            let crowds = CROWDS.map(|(habit, count)| Crowd::gather(server.address, habit, count));
            let measured = measure(server.address, setting.time);
            memory = machine::memory(server.pid());
            drop(crowds);
            leave.store(true, Ordering::Relaxed);
            measured
        },
    )?;
    let kernel = machine::socket_memory().saturating_sub(before);
    let tally = members.tally();
    let notes = vec![format!("{} messages received by {HONEST} members", tally.received)];
    let mut shown = Shown { notes, memory: Some((memory, kernel)), ..Shown::default() };
    check(&mut shown, tally);
    shown.promise(tally.received > 0, "no message was received");
    shown.promise(memory <= 2 * MEMORY, format!("{} MB of memory", memory >> 20));
    // Publishers and members use both cores: the limit is that beside clients that request what they can.
    compare(&mut shown, &alone, &measured, Habit::Greedy);
    (shown.alone, shown.measured) = (Some(alone), Some(measured));
    Ok(shown)
}

/// Lets the members act on a thread of their own while something is measured.
fn beside(
    members: &mut Subscribers,
    act: impl FnOnce(&mut Subscribers) -> io::Result<()> + Send,
    measure: impl FnOnce() -> Measured,
) -> io::Result<Measured> {
    thread::scope(|scope| {
        let acting = scope.spawn(|| act(members));
        let measured = measure();
        acting.join().map_err(|_| io::Error::other("a member panicked"))??;
        Ok(measured)
    })
}

fn check(shown: &mut Shown, tally: Tally) {
    let Tally { lost, doubled, ended, .. } = tally;
    let is_right = (lost, doubled, ended) == (0, 0, 0);
    shown.promise(is_right, format!("{lost} lost, {doubled} doubled, {ended} members ended"));
}

fn median(times: impl Iterator<Item = io::Result<Duration>>) -> io::Result<Duration> {
    let mut times = times.collect::<io::Result<Vec<Duration>>>()?;
    times.sort_unstable();
    Ok(times[times.len() / 2])
}
