#!/bin/sh
# Four workers, four silent connections, and a client that waits. make watch-4
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=bin/labs/common.sh
. bin/labs/common.sh

nc=$(command -v nc || command -v ncat) || fail "nc is not installed; Debian has it in netcat-openbsd"

# Connects and says nothing: the pipe it reads from is open and stays empty.
mkfifo "$scratch/silence" || fail "no named pipe can be made"
exec 3<>"$scratch/silence"
say_nothing() {
    "$nc" 127.0.0.1 "$port" <"$scratch/silence" >/dev/null 2>&1 3>&- &
    silent=$!
    pids="$silent $pids"
    sleep 0.2
}

# Asks in the background, and notes when the answer has come.
ask() {
    rm -f "$scratch/answer" "$scratch/answered"
    begun=$(now)
    {
        "$client" -sS -m 30 "$url/-/health" >"$scratch/answer" 2>&1
        now >"$scratch/now" && mv "$scratch/now" "$scratch/answered"
    } 3>&- &
    asking=$!
    pids="$asking $pids"
}

is_answered() {
    [ -e "$scratch/answered" ]
}

is_ok() {
    [ "$(cat "$scratch/answer")" = ok ]
}

start_server --workers 4 --pool fixed
echo "server: 4 workers, no lobby"
for _ in 1 2 3; do
    say_nothing
done
ask
eventually is_answered || fail "with 3 silent connections a worker is free, but no response came"
is_ok || fail "with 3 silent connections: $(cat "$scratch/answer")"
echo "3 silent connections: response after $(seconds $(($(cat "$scratch/answered") - begun)))"
stop "$asking"

say_nothing
ask
sleep 2
is_answered && fail "4 silent connections hold 4 workers, but a response came: $(cat "$scratch/answer")"
echo "4 silent connections: no response after $(seconds $(($(now) - begun)))"

leaving=$(now)
stop "$silent"
eventually is_answered || fail "a silent connection has left, but still no response came"
is_ok || fail "after a silent connection had left: $(cat "$scratch/answer")"
answered=$(cat "$scratch/answered")
later=$((answered - leaving))
echo "one of them leaves:   response $(seconds $later) later, after $(seconds $((answered - begun))) in all"
[ $later -lt 2000 ] || fail "the worker that became free took longer than 2 s to serve"
pass
