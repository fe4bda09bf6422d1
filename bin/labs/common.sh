# shellcheck shell=sh
# What the labs share: a server of their own on a free port, a clock, and an end that stops what was
# started here and nothing else. To be sourced from the root of the repository; $1 is the folder
# with the two programs.

set -u
programs=${1:-${CARGO_TARGET_DIR:-target}/lab}
client=$programs/client
scratch=$(mktemp -d) || exit 1
pids=

# How long anything may take, in tenths of a second, before it has failed.
patience=100

for program in server client; do
    if [ ! -x "$programs/$program" ]; then
        echo "FAIL: there is no $programs/$program; make demo builds it"
        exit 1
    fi
done

finish() {
    for pid in $pids; do
        kill "$pid" 2>/dev/null
    done
    for pid in $pids; do
        tenths=0
        while kill -0 "$pid" 2>/dev/null; do
            [ "$tenths" -lt 30 ] || kill -9 "$pid" 2>/dev/null
            tenths=$((tenths + 1))
            sleep 0.1
        done
        wait "$pid" 2>/dev/null
    done
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

pass() {
    echo PASS
    exit 0
}

fail() {
    echo "FAIL: $*"
    exit 1
}

# Waits until a command succeeds; fails when patience is at its end.
eventually() {
    tenths=0
    until "$@"; do
        [ "$tenths" -lt "$patience" ] || return 1
        tenths=$((tenths + 1))
        sleep 0.1
    done
}

# Starts a server with these arguments. Sets $url, $port and $server_pid; the access log is
# $scratch/access.log, what it says on stderr $scratch/server.log.
start_server() {
    : >"$scratch/ready"
    "$programs/server" --bind 127.0.0.1:0 --data "$scratch/data" \
        --access-log "$scratch/access.log" "$@" www \
        >"$scratch/ready" 2>"$scratch/server.log" &
    server_pid=$!
    pids="$pids $server_pid"
    eventually is_ready || fail "the server did not start: $(cat "$scratch/server.log")"
    url=$(sed -n 's|^listening on \(http://[^/ ]*\)/.*|\1|p' "$scratch/ready")
    port=${url##*:}
    [ -n "$port" ] || fail "the ready line names no address: $(cat "$scratch/ready")"
}

is_ready() {
    grep -q '^listening on ' "$scratch/ready" || ! kill -0 "$server_pid" 2>/dev/null
}

# Stops a process that was started here, and waits for its end.
stop() {
    kill "$1" 2>/dev/null
    wait "$1" 2>/dev/null
    rest=
    for pid in $pids; do
        [ "$pid" = "$1" ] || rest="$rest $pid"
    done
    pids=$rest
}

# Milliseconds since some moment. POSIX has no such clock; GNU date has one, and so has perl.
now() {
    clock=$(date +%s%3N)
    case $clock in
        *[!0-9]*) perl -MTime::HiRes=time -e 'printf "%d\n", 1000 * time' ;;
        *) echo "$clock" ;;
    esac
}

# Milliseconds as seconds.
seconds() {
    printf '%d.%03d s' $(($1 / 1000)) $(($1 % 1000))
}

# The status that the client got for this request.
status() {
    "$client" -sS -m 10 -i "$@" 2>&1 | sed -n '1s|^HTTP/[0-9.]* \([0-9]*\).*|\1|p'
}
