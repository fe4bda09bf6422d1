#!/bin/sh
# Exercise 5: routes and a method of one's own, on the library. make lab-5
# shellcheck disable=SC2119,SC2317 # step calls the functions
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=bin/labs/steps.sh
. bin/labs/steps.sh
arguments=
page=/

# Twenty requests at once, in one client.
poured_at_once() {
    start_exercise || return
    set --
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        set -- "$@" "$url/cups"
    done
    "$client" -sS -Z -m 10 -d 3 "$@" >"$scratch/bodies" 2>&1
    got=$("$client" -sS -m 5 "$url/cups" 2>&1)
    echo "after twenty times POST /cups with 3, GET /cups is answered: $got; right: 60"
    [ "$got" = 60 ]
}

poured() {
    routes 'GET /cups 200 @0\n' 'POST /cups 200 >@2' 'GET /cups 200 @2\n' 'POST /cups 200 >@3' 'GET /cups 200 @5\n' &&
        poured_at_once
}

step 'GET /hello/NAME greets' 'Router::get and Request::param, in cargo doc; RFC 3986, 2.1' \
    routes 'GET /hello/Ada 200 @hello, Ada\n' 'GET /hello/Ada%20Lovelace 200 @hello, Ada Lovelace\n' 'GET /hello/ 404'
step 'BREW /pot is answered 418, and another method 405' 'Router::route and Method, in cargo doc; RFC 9110, 9.1 and 15.5.19' \
    routes 'BREW /pot 418' 'DELETE /pot 405 Allow: *' 'BREW /hello/Ada 405'
step 'POST /cups adds, GET /cups says how many' 'Router::with, in cargo doc' \
    poured
step 'a body that is not a number is answered 400, with a right one' 'ErrorResponse, in cargo doc; RFC 9110, 15.5.1' \
    routes 'POST /cups 400 >@two | ~Right' 'POST /cups 400 >@-1' 'GET /cups 200 @0\n'
pass
