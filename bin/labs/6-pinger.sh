#!/bin/sh
# Exercise 6: a pinger, and an echo that loses datagrams. make lab-6
# shellcheck disable=SC2119,SC2317 # step calls the functions
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=bin/labs/steps.sh
. bin/labs/steps.sh

# start_echo FLAG...: starts a server with a UDP echo. Sets $udp, its host and port.
start_echo() {
    [ -z "${server_pid-}" ] || stop "$server_pid"
    start_server --udp 127.0.0.1:0 "$@"
    udp=$(sed -n 's|.* udp://\([^ ]*\) .*|\1|p' "$scratch/ready")
}

# ping LIMIT: the exercise sends ten probes, with a limit in milliseconds for each.
ping() {
    run_exercise "$udp" 10 "$1" && return
    echo 'the program did not end'
    return 1
}

# answered: the numbers of the probes that a line in this form calls answered; lost: those it calls lost.
answered() {
    sed -n 's/^seq=\([0-9]*\) time=[0-9]*\.[0-9]* ms$/\1/p' "$scratch/printed" | paste -s -d ' ' -
}

lost() {
    sed -n 's/^seq=\([0-9]*\) lost$/\1/p' "$scratch/printed" | paste -s -d ' ' -
}

# is TEXT WANTED WHAT
is() {
    echo "$3: ${1:-none}; right: ${2:-none}"
    [ "$1" = "$2" ] && return
    echo 'The program printed:'
    cat "$scratch/printed"
    return 1
}

all_answered() {
    start_echo
    ping 1000 && is "$(answered)" '1 2 3 4 5 6 7 8 9 10' 'lines with seq and time'
}

some_lost() {
    start_echo --loss 30% --seed 7
    "$client" ping --udp -n 10 -i 0.01 -W 0.3 "$udp" >"$scratch/lines" 2>&1
    theirs=$(sed -n 's/^no answer .*seq=\([0-9]*\) .*/\1/p' "$scratch/lines" | paste -s -d ' ' -)
    start_echo --loss 30% --seed 7
    ping 300 && is "$(lost)" "$theirs" 'of ten probes, those that are called lost, with 30 % loss'
}

late() {
    start_echo --delay 150ms
    ping 100 && is "$(answered)" '' 'answered probes, when each answer takes 150 ms and the limit is 100 ms'
}

counted() {
    start_echo --loss 30% --seed 7
    ping 300 || return
    right=$(answered | wc -w | awk '{ printf "10 sent, %d received, %d%% lost", $1, 100 - 10 * $1 }')
    is "$(grep '^10 sent' "$scratch/printed")" "$right" 'the counts'
}

# The times in the lines give those that are told. The mean may differ by what the lines round.
timed() {
    start_echo --delay 5ms --jitter 5ms --seed 7
    ping 1000 || return
    sed -n 's/^seq=.* time=\([0-9.]*\) ms$/\1/p' "$scratch/printed" | sort -n >"$scratch/times"
    told=$(sed -n 's|^rtt min/mean/max = \([0-9.]*\)/\([0-9.]*\)/\([0-9.]*\) ms$|\1 \2 \3|p' "$scratch/printed")
    echo "min, mean and max: ${told:-none}; right:"
    awk -v told="$told" '
        NR == 1 { min = $1 }
        { sum += $1; max = $1 }
        END {
            printf "rtt min/mean/max = %.3f/%.3f/%.3f ms\n", min, sum / NR, max
            off = split(told, seen, " ") == 3 ? seen[2] - sum / NR : 1
            exit !(seen[1] == min && seen[3] == max && off < 0.002 && off > -0.002)
        }' "$scratch/times"
}

step 'each answer is a line with its number and its time' 'std::net::UdpSocket, in the documentation of Rust' \
    all_answered
step 'a probe whose answer does not come in time is lost' 'UdpSocket::set_read_timeout' \
    some_lost
step 'an answer that comes too late is not taken for that of the next probe' 'src/command/ping/udp.rs' \
    late
step 'the probes are counted' 'src/manual/coursework.md, Exercise 6' \
    counted
step 'the least, mean and greatest time are told' 'src/manual/coursework.md, Exercise 6' \
    timed
pass
