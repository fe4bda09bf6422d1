#!/bin/sh
# Exercise 3: entity tags and If-Match. make lab-3
# shellcheck disable=SC2119,SC2317 # step calls the functions
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=bin/labs/steps.sh
. bin/labs/steps.sh

# read_tag: sets $tag to the record's.
read_tag() {
    tag=$("$client" -sS -i -m 5 "$url/" 2>&1 | tr -d '\r' | sed -n 's/^[Ee][Tt][Aa][Gg]: //p')
}

# put STATUS TEXT FLAG...: a PUT of this text is answered with this status.
put() {
    wanted=$1
    text=$2
    shift 2
    got=$(status -X PUT -d "$text" "$@" "$url/")
    echo "PUT $text, $*: ${got:-no answer}; right: $wanted"
    [ "$got" = "$wanted" ]
}

# is_now TEXT: the record is this text.
is_now() {
    got=$("$client" -sS -m 5 "$url/" 2>&1)
    echo "the record is: $got; right: $1"
    [ "$got" = "$1" ]
}

tagged() {
    start_exercise && read_tag || return
    first=$tag
    echo "GET / was answered with the ETag: ${first:-none}; right: a text in quotes"
    case $first in
        '""' | '"'*[!\"\ ]*'"' | 'W/"'*'"') ;;
        *) return 1 ;;
    esac
    status -X PUT -d 'Ada Lovelace' -H "If-Match: $first" "$url/" >/dev/null
    read_tag
    echo "after a PUT the ETag is: ${tag:-none}; right: another one"
    [ "$tag" != "$first" ] && is_now 'Ada Lovelace'
}

compared() {
    start_exercise && read_tag || return
    old=$tag
    put 204 'Ada Lovelace' -H "If-Match: $old" && put 412 'Ada Byron' -H "If-Match: $old" &&
        is_now 'Ada Lovelace' && read_tag && put 204 'Ada King' -H "If-Match: $tag" && is_now 'Ada King'
}

listed() {
    start_exercise && read_tag || return
    put 204 A -H "If-Match: \"other\", $tag" && put 204 B -H 'If-Match: *' && read_tag &&
        put 412 C -H "If-Match: W/$tag" && is_now B
}

required() {
    start_exercise && put 428 'Ada Lovelace' && is_now 'Ada Byron'
}

# The eight PUTs run in one client, which prints the status of each.
at_once() {
    start_exercise && read_tag || return
    set --
    for _ in 1 2 3 4 5 6 7 8; do
        set -- "$@" "$url/"
    done
    performed=$("$client" -sS -Z -m 5 -X PUT -d 'Ada Lovelace' -H "If-Match: $tag" -w '%{http_code}\n' "$@" | grep -c '^2')
    echo "of 8 PUTs with the same tag, $performed were performed; right: 1"
    [ "$performed" -eq 1 ]
}

step 'the answer to GET has an ETag, another one after each change' 'RFC 9110, 8.8.3' \
    tagged
step 'a PUT whose If-Match is not the tag of the record is answered 412, and changes nothing' 'RFC 9110, 13.1.1' \
    compared
step 'If-Match may be a list or *; a weak tag does not match' 'RFC 9110, 8.8.3.2 and 13.1.1' \
    listed
step 'a PUT without If-Match is answered 428' 'RFC 6585, 3' \
    required
step 'of eight PUTs at once with the same tag, one is performed' \
    'src/app/store.rs, where one lock is held from the comparison to the write' \
    at_once
pass
