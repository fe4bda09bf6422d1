#!/bin/sh
# Exercise 4: a pool of workers, and a queue with an end. make lab-4
# shellcheck disable=SC2119,SC2317 # step calls the functions
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=bin/labs/steps.sh
. bin/labs/steps.sh
page=/

# is_served: another client gets its page.
is_served() {
    got=$(status "$url/")
    echo "GET / after that: ${got:-no answer}; right: 200"
    [ "$got" = 200 ]
}

silent() {
    arguments='4 8'
    checks --only silent.one
}

# Two rounds of four take 600 ms. Eight threads would take 300 ms, one 2400 ms.
in_two_rounds() {
    start_exercise 4 8 || return
    set --
    for _ in 1 2 3 4 5 6 7 8; do
        set -- "$@" "$url/sleep/300"
    done
    begun=$(now)
    "$client" -sS -Z -m 10 "$@" >"$scratch/bodies" 2>&1
    took=$(($(now) - begun))
    echo "4 workers answered $(grep -c '^done$' "$scratch/bodies") of 8 requests of 300 ms in $(seconds "$took");" \
        "right: 8 in 0.6 s"
    [ "$(grep -c '^done$' "$scratch/bodies")" -eq 8 ] && [ "$took" -ge 590 ] && [ "$took" -lt 1700 ]
}

panics() {
    start_exercise 4 8 || return
    for _ in 1 2 3 4; do
        "$client" -s -m 5 "$url/panic"
    done
    echo 'GET /panic was sent four times, to four workers'
    is_served
}

# One request is served, one waits, and the third is too many.
refused() {
    start_exercise 1 1 || return
    status "$url/sleep/1500" >"$scratch/first" &
    first=$!
    sleep 0.3
    status "$url/sleep/1" >"$scratch/second" &
    second=$!
    sleep 0.3
    begun=$(now)
    got=$(status -m 5 "$url/")
    took=$(($(now) - begun))
    echo "1 worker serves /sleep/1500, 1 connection waits, and the next gets: ${got:-no answer}, after $(seconds "$took");" \
        "right: 503 at once"
    [ "$got" = 503 ] && [ "$took" -lt 800 ] || return
    wait "$first" "$second"
    got=$(cat "$scratch/first" "$scratch/second" | paste -s -d ' ' -)
    echo "the two others got: $got; right: 200 200"
    [ "$got" = '200 200' ]
}

given_up() {
    arguments='1 8'
    checks --only silent.one
}

step 'a client that says nothing holds up no other client' 'src/pool.rs; RFC 9112, 9' \
    silent
step 'four workers serve eight requests of 300 ms in two rounds' 'src/pool.rs, ThreadPool::start' \
    in_two_rounds
step 'a panic costs its own request, and not the worker' 'src/pool.rs, worker_loop' \
    panics
step 'when the queue is full, the next connection gets 503 at once' 'src/pool.rs, Queue::try_send; RFC 9110, 15.6.4' \
    refused
step 'a client that says nothing holds its worker for a second at most' 'src/server/blocking.rs' \
    given_up
pass
