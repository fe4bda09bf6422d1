#!/bin/sh
# Exercise 7: a cache for names, and the time to live. make lab-7
# shellcheck disable=SC2119,SC2317 # step calls the functions
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=bin/labs/steps.sh
. bin/labs/steps.sh

# start_both TTL: starts a name server whose records have this time to live, and the exercise, which asks it.
start_both() {
    [ -z "${server_pid-}" ] || stop "$server_pid"
    ttl=$1
    write_zone 127.0.0.1
    start_server --dns 127.0.0.1:0 --zone "$scratch/zone"
    authority=$(sed -n 's|.* dns://\([^ ]*\) .*|\1|p' "$scratch/ready")
    start_exercise "$authority"
}

# write_zone ADDRESS: the zone, in which www has this address. It replaces the file in one step.
write_zone() {
    cat >"$scratch/new" <<END
\$ORIGIN lab.example.
\$TTL $ttl
@    SOA  ns hostmaster 1 3600 600 86400 $ttl
@    NS   ns
ns   A    127.0.0.1
www  A    $1
www  TXT  "a text"
END
    mv "$scratch/new" "$scratch/zone"
}

# ask SERVER NAME TYPE: sets $answer to what the server says: a status, and the data of the first record. Sets $left to
# its time to live.
ask() {
    "$client" dns -m 2 "$2" "$3" "@$1" >"$scratch/lines" 2>&1
    answer=$(awk '/status: / { sub(/.*status: /, ""); sub(/,.*/, ""); status = $0 }
        /^[^;]/ && NF > 4 && $3 == "IN" && $4 != "SOA" && !data { data = " " $5 }
        END { print status data }' "$scratch/lines")
    left=$(awk '/^[^;]/ && $3 == "IN" { print $2; exit }' "$scratch/lines")
}

# says NAME TYPE ANSWER: the exercise gives this answer.
says() {
    ask "${url#dns://}" "$1" "$2"
    echo "$1 $2 is answered: ${answer:-nothing}; right: $3"
    [ "$answer" = "$3" ] && return
    cat "$scratch/lines" "$scratch/errors"
    return 1
}

without_server() {
    stop "$server_pid"
    server_pid=
    echo 'the name server was stopped'
}

passed_on() {
    start_both 60 && says www.lab.example A 'NOERROR 127.0.0.1' && says www.lab.example TXT 'NOERROR "a'
}

kept() {
    start_both 60 && says www.lab.example A 'NOERROR 127.0.0.1' && says www.lab.example TXT 'NOERROR "a' &&
        without_server && says www.lab.example A 'NOERROR 127.0.0.1' && says www.lab.example TXT 'NOERROR "a'
}

counts_down() {
    start_both 60 && says www.lab.example A 'NOERROR 127.0.0.1' || return
    sleep 1.2
    says www.lab.example A 'NOERROR 127.0.0.1' || return
    echo "1.2 s after the first answer, which had 60 s to live, the kept one has: $left; right: 59"
    [ "${left:-60}" -lt 60 ] && [ "$left" -gt 55 ]
}

# shellcheck disable=SC2317 # eventually calls it
is_changed() {
    ask "$authority" www.lab.example A
    [ "$answer" = 'NOERROR 127.0.0.2' ]
}

ends() {
    start_both 2 && says www.lab.example A 'NOERROR 127.0.0.1' || return
    begun=$(now)
    write_zone 127.0.0.2
    eventually is_changed || { echo 'the name server has not read its zone again' && return 1; }
    echo 'www has another address now'
    if [ $(($(now) - begun)) -lt 1700 ]; then
        says www.lab.example A 'NOERROR 127.0.0.1' || return
    fi
    sleep 2.1
    echo 'its old one had 2 s to live, which are over'
    says www.lab.example A 'NOERROR 127.0.0.2'
}

case_and_none() {
    start_both 60 && says www.lab.example A 'NOERROR 127.0.0.1' && says nobody.lab.example A NXDOMAIN &&
        without_server && says WWW.Lab.Example A 'NOERROR 127.0.0.1' && says nobody.lab.example A NXDOMAIN
}

step 'a query is passed on, and its answer goes back' 'RFC 1035, 4.1' \
    passed_on
step 'an answer is kept, and given again without the name server' 'RFC 1034, 5.3.3; RFC 1035, 4.1.1 (ID)' \
    kept
step 'the time to live in a kept answer is what is left' 'RFC 1035, 3.2.1 and 7.3; RFC 6891, 6.1.3 (OPT)' \
    counts_down
step 'when the time to live is over, the name server is asked again' 'RFC 1035, 3.2.1' \
    ends
step 'capital letters do not matter; that a name does not exist is kept, too' 'RFC 1035, 2.3.3; RFC 2308, 5' \
    case_and_none
pass
