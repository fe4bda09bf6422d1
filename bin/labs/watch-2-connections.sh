#!/bin/sh
# Ten requests, and the connections they cost. make watch-2
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=bin/labs/common.sh
. bin/labs/common.sh

# ten NAME CONNECTIONS FLAG...: fetches ten times in one run of the client, counts the connections
# at both ends, and fails when there are not so many.
ten() {
    name=$1
    expected=$2
    shift 2
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        set -- "$@" "$url/-/health"
    done
    seen=$(wc -l <"$scratch/server.log")
    "$client" -v -m 10 "$@" >"$scratch/bodies" 2>"$scratch/told"
    answers=$(grep -c '^ok$' "$scratch/bodies")
    opened=$(grep -c '^\* Connected to ' "$scratch/told")
    eventually all_closed || fail "$name: the server's log does not show the end of all connections"
    ended=$(answers_of_each | wc -l | tr -d ' ')
    row "$name" "$answers" "$opened" "$ended" "$(answers_of_each | paste -s -d ' ' -)"
    [ "$answers" -eq 10 ] || fail "$name: $answers responses to 10 requests"
    [ "$opened" -eq "$ended" ] || fail "$name: the client counts $opened connections, the server $ended"
    [ "$ended" -eq "$expected" ] || fail "$name: $ended connections, not $expected"
}

row() {
    printf '%-21s %9s %11s %11s   %s\n' "$@"
}

# The server says at the end of each connection how many answers it carried.
answers_of_each() {
    tail -n "+$((seen + 1))" "$scratch/server.log" |
        sed -n 's/.*: closed after \([1-9][0-9]*\) response.*/\1/p'
}

# shellcheck disable=SC2317 # eventually calls it
all_closed() {
    carried=$(answers_of_each | awk '{ sum += $1 } END { print sum + 0 }')
    [ "$carried" -ge 10 ]
}

RUST_LOG=debug
export RUST_LOG
start_server --workers 4

row '10 requests' responses connections connections 'responses on each'
row '' '' '(client)' '(server)' '(server)'
ten 'HTTP/1.0' 10 --http1.0
ten 'HTTP/1.0, keep-alive' 1 --http1.0 -H 'Connection: keep-alive'
ten 'HTTP/1.1' 1
ten 'HTTP/1.1, close' 10 -H 'Connection: close'
pass
