#!/bin/sh
# Exercise 5: a route and a method of one's own. make lab-5
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=bin/labs/common.sh
. bin/labs/common.sh

start_server --workers 4

# wants STATUS BODY [-X METHOD] URL: fails unless that is the answer; an empty BODY is any.
wants() {
    want=$1
    body=$2
    shift 2
    case $1 in
        -X) shown="$2 ${3#"$url"}" ;;
        *) shown="GET ${1#"$url"}" ;;
    esac
    got=$(status "$@")
    echo "$shown -> $got"
    [ "$got" = "$want" ] || fail "$shown returned $got, not $want"
    [ -n "$body" ] || return 0
    got=$("$client" -sS -m 10 "$@" 2>&1)
    [ "$got" = "$body" ] || fail "$shown returned '$got', not '$body'"
}

wants 200 'hello, Ada' "$url/hello/Ada"
wants 200 'hello, Ada Lovelace' "$url/hello/Ada%20Lovelace"
wants 404 '' "$url/hello/"
wants 418 '' -X BREW "$url/pot"
wants 405 '' -X DELETE "$url/pot"
wants 405 '' -X BREW "$url/-/health"
pass
