#!/bin/sh
# A server on a free port, and the client walking through the classic exchanges: make demo
# $1 is the folder with the two programs. Exits with 1 when a step does not show what it should.
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=bin/labs/common.sh
. bin/labs/common.sh

bold=''
dim=''
plain=''
if [ -t 1 ] && [ -z "${NO_COLOR-}" ] && [ "${TERM-dumb}" != dumb ]; then
    bold=$(printf '\033[1m')
    dim=$(printf '\033[2m')
    plain=$(printf '\033[0m')
fi
number=0

# step TITLE LOOK: a heading, and in one line what to look at.
step() {
    number=$((number + 1))
    printf '%s%d. %s%s %s\n' "$bold" "$number" "$1" "$plain" "$2"
}

# run ARGUMENT...: runs the client, and shows its command line and what it printed.
run() {
    shown=
    for word in "$@"; do
        case $word in
            *[\ \{]*) shown="$shown '$word'" ;;
            *) shown="$shown $word" ;;
        esac
    done
    "$client" -sS -m 10 "$@" >"$scratch/output" 2>&1
    show "client$shown"
}

# Shows a command, and $scratch/output: of a head what matters here, of a body the first line (or
# $2 of them), each cut to fit.
show() {
    printf '   %s$ %s%s\n' "$dim" "$1" "$plain"
    tr -d '\r' <"$scratch/output" | awk -v most="${2-1}" '
        /^HTTP\// { head = 1; body = 0 }
        head && /^(Date|Server|Server-Timing|Vary|Content-Type|Last-Modified|Accept-Ranges|X-Content-Type-Options):/ { next }
        head && /^$/ { head = 0; next }
        !head && ++body > most { next }
        { print "   " (length($0) > 90 ? substr($0, 1, 87) "..." : $0) }'
}

# expect TEXT...: fails unless the output has each of them.
expect() {
    for text in "$@"; do
        tr -d '\r' <"$scratch/output" | grep -q -e "$text" || fail "step $number does not show: $text"
    done
}

start_server --workers 4
echo "A server with 4 workers listens on $url/ and keeps its users in a temporary folder."
echo "Left out here: most of each body; of heads Date, Server, Server-Timing, Vary, Content-Type, Last-Modified, Accept-Ranges, X-Content-Type-Options."

step 'A page.' 'Look at the status, and at Content-Length: it says where the body ends.'
run -i "127.0.0.1:$port/"
expect '^HTTP/1.1 200 OK' '^Content-Length: [1-9]' '^<!DOCTYPE html>'

step 'A page that is not there.' 'Look at the status: 404 is an answer, the connection is in order.'
run -I "127.0.0.1:$port/no/such/page"
expect '^HTTP/1.1 404 Not Found'

step 'POST makes a user.' 'Look at 201, and at Location: the name of what was made.'
run -i --json '{"name":"Ada Byron","email":"ada@example.org"}' "127.0.0.1:$port/users"
expect '^HTTP/1.1 201 Created' '^Location: /users/1$'

step 'GET reads it.' 'Look at ETag: it stands for this state of the user.'
run -i "127.0.0.1:$port/users/1"
expect '^HTTP/1.1 200 OK' '^ETag: "' '"lastName":"Byron"'
tag=$(tr -d '\r' <"$scratch/output" | sed -n 's/^ETag: //p')

step 'PUT replaces it, if it is as it was read.' 'Look at If-Match: it has the ETag from above.'
run -i -X PUT -H "If-Match: $tag" --json '{"name":"Ada Lovelace","email":"ada@example.org"}' "127.0.0.1:$port/users/1"
expect '^HTTP/1.1 200 OK' '"lastName":"Lovelace"'

step 'DELETE removes it.' 'Look at 204, an answer without a body; and at the 404 of the GET behind it.'
run -i -X DELETE "127.0.0.1:$port/users/1"
expect '^HTTP/1.1 204 No Content'
run -I "127.0.0.1:$port/users/1"
expect '^HTTP/1.1 404 Not Found'

step 'Three requests in HTTP/1.0, three in HTTP/1.1.' 'Look at the connections: three, and one.'
for version in --http1.0 ''; do
    set -- "127.0.0.1:$port/-/health" "127.0.0.1:$port/-/health" "127.0.0.1:$port/-/health"
    expected=1
    if [ -n "$version" ]; then
        set -- "$version" "$@"
        expected=3
    fi
    "$client" -v -m 10 "$@" 2>&1 >/dev/null |
        grep -e '^\* Connected' -e '^\* Re-using' -e '^\* Closing' >"$scratch/output"
    show "client -v $*" 9
    connections=$(grep -c Connected "$scratch/output")
    [ "$connections" -eq $expected ] || fail "step $number shows $connections connections"
done

step 'Three requests in one segment.' 'Look at the order: it is kept, though the first is slow.'
nc=$(command -v nc || command -v ncat)
if [ -n "$nc" ]; then
    requests='GET /sleep/200 HTTP/1.1\r\nHost: a\r\n\r\n'
    requests=$requests'GET /-/health HTTP/1.1\r\nHost: a\r\n\r\n'
    requests=$requests'GET /sleep/0 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
    # shellcheck disable=SC2059
    printf "$requests" | "$nc" 127.0.0.1 "$port" |
        grep -e '^HTTP' -e '^slept' -e '^ok' >"$scratch/output"
    show "printf 'GET /sleep/200 …GET /-/health …GET /sleep/0 …' | nc 127.0.0.1 $port" 9
    order=$(grep -e '^slept' -e '^ok' "$scratch/output" | paste -s -d , -)
    [ "$order" = 'slept 200 ms,ok,slept 0 ms' ] || fail "step $number shows the answers: $order"
else
    echo '   Skipped: neither nc nor ncat is installed; Debian has them in netcat-openbsd and ncat.'
fi

step 'SIGTERM.' 'Look at the exit code: 0, with nobody cut off.'
kill "$server_pid"
wait "$server_pid"
code=$?
pids=
sed 's/^/   /' "$scratch/server.log"
echo "   exit code $code"
[ "$code" -eq 0 ] || fail "step $number: the server ended with $code"
