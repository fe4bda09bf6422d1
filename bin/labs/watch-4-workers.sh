#!/bin/sh
# Eight requests to a handler that sleeps, and 1, 2, 4 and 8 workers. make watch-4
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=bin/labs/common.sh
. bin/labs/common.sh

requests=8
sleeps=200

# One client in the background: how long it took goes to a file of its own.
ask() {
    begun=$(now)
    body=$("$client" -sS -m 30 "$url/sleep/$sleeps" 2>&1)
    ended=$(now)
    [ "$body" = "slept $sleeps ms" ] || ended=$begun
    echo $((ended - begun)) >"$scratch/took.$1"
}

printf '%7s %10s %12s %12s %14s %14s\n' workers 'all took' 'at least' 'requests/s' 'first response' 'last response'
for workers in 1 2 4 8; do
    rm -f "$scratch"/took.*
    start_server --workers "$workers" --pool fixed
    begun=$(now)
    asking=
    for number in 1 2 3 4 5 6 7 8; do
        ask "$number" &
        asking="$asking $!"
    done
    pids="$pids$asking"
    # shellcheck disable=SC2086
    wait $asking
    took=$(($(now) - begun))
    stop "$server_pid"
    pids=

    least=$((requests * sleeps / workers))
    first=$(cat "$scratch"/took.* | sort -n | sed -n 1p)
    last=$(cat "$scratch"/took.* | sort -n | sed -n '$p')
    printf '%7s %10s %12s %9s.%02d %14s %14s\n' "$workers" "$(seconds $took)" "$(seconds $least)" \
        $((requests * 1000 / took)) $((requests * 100000 / took % 100)) \
        "$(seconds "$first")" "$(seconds "$last")"
    [ "$first" -gt 0 ] || fail "a request got no response: slept $sleeps ms"
    [ "$took" -ge "$least" ] || fail "$workers workers cannot be done before $(seconds $least)"
    [ "$workers" -gt 1 ] || alone=$took
done
[ $((took * 3)) -le "$alone" ] || fail "8 workers were not even 3 times as fast as 1"
pass
