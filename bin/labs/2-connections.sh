#!/bin/sh
# Exercise 2: several requests on one connection. make lab-2
# shellcheck disable=SC2119,SC2317 # step calls the functions
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=bin/labs/steps.sh
. bin/labs/steps.sh
arguments=
page=/

# connections EXPECTED FLAG...: ten requests in one run of the client take so many connections.
connections() {
    expected=$1
    shift
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        set -- "$@" "$url/"
    done
    "$client" -v -m 10 "$@" >"$scratch/bodies" 2>"$scratch/told"
    opened=$(grep -c '^\* Connected to ' "$scratch/told")
    answers=$(grep -c '^hello$' "$scratch/bodies")
    echo "$answers answers to 10 requests, on $opened connections; right: 10, on $expected"
    [ "$answers" -eq 10 ] && [ "$opened" -eq "$expected" ]
}

echoed() {
    checks --post / --only body.post-is-read --only body.post --only body.post-empty --only body.post-large &&
        routes 'POST / 200 >@abc | Content-Length: 3 | @abc'
}

refused() {
    checks --only body.chunks-are-read && routes 'POST / 501 >Transfer-Encoding: chunked | Connection: close'
}

# counted: the figures of ten requests, in each of the four ways.
counted() {
    start_exercise && connections 1 && connections 10 --http1.0 && connections 10 -H 'Connection: close' &&
        connections 1 --http1.0 -H 'Connection: keep-alive'
}

step 'Content-Length says where an answer ends, and the connection stays for the next request' 'RFC 9112, 6.3 and 9.3' \
    checks --only answers --only keep.two
step 'Connection: close and HTTP/1.0 end the connection, and the answer says so before' 'RFC 9112, 9.3 and 9.6' \
    checks --only close --only keep.says-close --only keep.close --only keep.close-in-list --only keep.close-said \
    --only keep.close-ends
step 'the answer to HEAD is that to GET without its body' 'RFC 9110, 9.3.2' \
    checks --only methods.head-no-body --only methods.head-status --only methods.head-length
step 'the body of a POST is read, and sent back' 'RFC 9112, 6.3 and 9.3' \
    echoed
step 'a client of HTTP/1.0 that says keep-alive keeps its connection' 'RFC 9112, 9.3 and C.2.2' \
    checks --only keep --only pipeline
step 'a request with Transfer-Encoding is answered 501, and the connection ends' 'RFC 9112, 6.1 and 6.3' \
    refused
step 'ten requests take one connection or ten, as both sides agree' 'src/manual/coursework.md, Exercise 2' \
    counted
pass
