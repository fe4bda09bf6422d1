# shellcheck shell=sh
# The steps of an exercise, one at a time: the first one that is missing ends the check. To be sourced from the root of
# the repository. $1 is the folder with the two programs, $2 the command that starts the exercise: without it, the
# program in that folder with the number of this script.

# shellcheck source=bin/labs/common.sh
. bin/labs/common.sh

script=$(basename "$0" .sh)
exercise=${2:-"'$programs/lab-${script%%-*}'"}
steps=$(grep -c '^step ' "$0")
number=0

# What the command gets after the port, and the page that `checks` asks for.
arguments='{root}'
page=/hello.html

# step WORDS READ COMMAND...: a step is done when the command succeeds. Otherwise what the command says is shown, and
# where to read more.
step() {
    number=$((number + 1))
    words=$1
    read_more=$2
    shift 2
    if "$@" >"$scratch/said" 2>&1; then
        echo "step $number of $steps: done: $words"
        return
    fi
    sed 's/^ *$//; s/^/    /' "$scratch/said"
    echo "Read: $read_more"
    fail "step $number of $steps: $words"
}

# checks FLAG...: starts the exercise, and lets `client check` ask it. Shows the first check that failed.
checks() {
    "$client" check --fail-if 'failed>0' --server "$exercise {port} $arguments" "$@" ":{port}$page" \
        >"$scratch/checks" 2>&1 && return
    awk '/^[a-z0-9]+ +(PASS|FAIL|SKIP) / { shown = $2 == "FAIL" && !seen++ }
        /^(server: at most|[0-9]+ checks: )/ { shown = 0 }
        /^client: / { shown = !seen }
        shown' "$scratch/checks"
    return 1
}

# routes LINE...: the exercise answers these routes, which are written as for `client check --expect`.
routes() {
    printf '%s\n' "$@" >"$scratch/routes"
    checks --expect "$scratch/routes" --only routes --post /
}

# start_exercise [ARGUMENT]...: starts the exercise on a free port. Sets $url and $exercise_pid.
start_exercise() {
    [ -z "${exercise_pid-}" ] || stop "$exercise_pid"
    : >"$scratch/started"
    eval "exec $exercise 0 $*" >"$scratch/started" 2>"$scratch/errors" &
    exercise_pid=$!
    pids="$pids $exercise_pid"
    eventually is_started || { echo 'the program did not say where it listens' && return 1; }
    url=$(sed -n 's|^listening on \([a-z]*://[^/ ]*\).*|\1|p' "$scratch/started")
    [ -n "$url" ] || { cat "$scratch/errors" && return 1; }
}

is_started() {
    grep -q '^listening on ' "$scratch/started" || ! kill -0 "$exercise_pid" 2>/dev/null
}

# run_exercise [ARGUMENT]...: runs the exercise to its end, with a bound. What it prints is in $scratch/printed.
run_exercise() {
    eval "exec $exercise $*" >"$scratch/printed" 2>&1 &
    exercise_pid=$!
    pids="$pids $exercise_pid"
    eventually is_over || return
    wait "$exercise_pid"
    true
}

is_over() {
    ! kill -0 "$exercise_pid" 2>/dev/null
}
