//! What was typed at the server, as the server takes it.

use threadbare::cli::limits::{self as typed, LimitFlags};
use threadbare::cli::server::ServerTiming as Told;
use threadbare::server::{Limits, Overload, PerAddress, ServerTiming};

/// What was typed, and the usual for what was not.
pub(super) fn limits(typed: LimitFlags) -> Limits {
    let usual = Limits::default();
    Limits {
        request_line: typed.request_line.unwrap_or(usual.request_line),
        field: typed.field.unwrap_or(usual.field),
        head: typed.head.unwrap_or(usual.head),
        fields: typed.fields.unwrap_or(usual.fields),
        body: typed.body.unwrap_or(usual.body),
        chunk_overhead: typed.chunk_overhead.unwrap_or(usual.chunk_overhead),
        ranges: typed.ranges.unwrap_or(usual.ranges),
        body_memory: typed.body_memory.unwrap_or(usual.body_memory),
        bodies_memory: typed.bodies_memory.unwrap_or(usual.bodies_memory),
        bodies_disk: typed.bodies_disk.unwrap_or(usual.bodies_disk),
        unsent_memory: typed.unsent_memory.unwrap_or(usual.unsent_memory),
        body_unread: typed.body_unread.unwrap_or(usual.body_unread),
        head_time: typed.head_time.unwrap_or(usual.head_time),
        idle_time: typed.idle_time.unwrap_or(usual.idle_time),
        transfer_grace: typed.transfer_grace.unwrap_or(usual.transfer_grace),
        transfer_rate: typed.transfer_rate.unwrap_or(usual.transfer_rate),
    }
}

pub(super) fn per_address(typed: &LimitFlags, usual: PerAddress) -> PerAddress {
    match typed.per_address {
        None => usual,
        Some(typed::PerAddress::Off) => PerAddress::Any,
        Some(typed::PerAddress::Most(most)) => PerAddress::Most(most),
    }
}

pub(super) fn overload(typed: &LimitFlags, usual: Overload) -> Overload {
    match typed.overload {
        None => usual,
        Some(typed::Overload::Reject) => Overload::Reject,
        Some(typed::Overload::Block) => Overload::Block,
    }
}

pub(super) fn server_timing(typed: Told) -> ServerTiming {
    match typed {
        Told::Off => ServerTiming::Off,
        Told::Loopback => ServerTiming::Loopback,
        Told::On => ServerTiming::On,
    }
}
