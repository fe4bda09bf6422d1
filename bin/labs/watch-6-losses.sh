#!/bin/sh
# A hundred datagrams to an echo that loses 30 % of them, and the same to TCP. make watch-6
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=bin/labs/common.sh
. bin/labs/common.sh

# start_echo FLAG...: starts a server with a UDP echo. Sets $udp, its host and port.
start_echo() {
    start_server --udp 127.0.0.1:0 "$@"
    udp=$(sed -n 's|.* udp://\([^ ]*\) .*|\1|p' "$scratch/ready")
    [ -n "$udp" ] || fail "the ready line names no UDP address: $(cat "$scratch/ready")"
}

# probe NAME FLAG... TARGET: pings, and shows its figures in a row. Sets $received and $reordered.
probe() {
    name=$1
    shift
    "$client" ping "$@" >"$scratch/lines" 2>&1
    figures=$(grep ' sent, ' "$scratch/lines") || fail "$name: $(cat "$scratch/lines")"
    received=$(figure received)
    reordered=$(figure reordered)
    row "$name" "$(figure sent)" "$received" "$(figure lost)" "$reordered"
}

# figure NAME: the number before this word.
figure() {
    echo "$figures" | tr ';' ',' | tr ',' '\n' | awk -v name="$1" '$2 == name { print $1 }'
}

row() {
    printf '%-28s %5s %9s %7s %10s\n' "$@"
}

# The numbers of the probes that were not answered.
lost() {
    sed -n 's/^no answer .*seq=\([0-9]*\) .*/\1/p' "$scratch/lines" | sort -n | paste -s -d ' ' -
}

row '' sent received lost reordered
start_echo
probe 'UDP, nothing lost' --udp -n 100 -i 0.01 "$udp"
[ "$received" -eq 100 ] || fail "the echo loses nothing, but $received of 100 probes were answered"
stop "$server_pid"

start_echo --loss 30% --seed 7
probe 'UDP, 30% lost' --udp -n 100 -i 0.01 "$udp"
{ [ "$received" -gt 50 ] && [ "$received" -lt 90 ]; } || fail "about 70 of 100 were to be answered, not $received"
first=$(lost)
probe 'TCP, the same server' --tcp -n 100 -i 0.01 "127.0.0.1:$port"
[ "$received" -eq 100 ] || fail "only the UDP echo loses anything, but $received of 100 connections were made"
stop "$server_pid"

start_echo --loss 30% --seed 7
probe 'UDP, the same seed' --udp -n 100 -i 0.01 "$udp"
[ "$(lost)" = "$first" ] || fail "the same seed was to lose the same probes: $first, and now $(lost)"
stop "$server_pid"

start_echo --loss 30% --seed 8
probe 'UDP, another seed' --udp -n 100 -i 0.01 "$udp"
[ "$(lost)" != "$first" ] || fail "another seed was to lose other probes than $first"
stop "$server_pid"

start_echo --delay 30ms --jitter 25ms --seed 7
probe 'UDP, from 5 to 55 ms late' --udp -n 100 -i 0.01 "$udp"
[ "$reordered" -gt 0 ] || fail "with a delay that varies by 50 ms, some answers were to be reordered"
stop "$server_pid"

pass
