#!/bin/sh
# A name whose address changes, and a cache that notices when the time to live is over: that of exercise 7, which must
# be done before. make watch-7
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=bin/labs/steps.sh
. bin/labs/steps.sh

ttl=4

# write_zone SERIAL ADDRESS: the zone, in which www has this address. It replaces the file in one step, so that
# the server never reads half of it.
write_zone() {
    cat >"$scratch/new" <<END
\$ORIGIN lab.example.
\$TTL $ttl
@    SOA  ns hostmaster $1 3600 600 86400 $ttl
@    NS   ns
ns   A    127.0.0.1
www  A    $2
END
    mv "$scratch/new" "$scratch/zone"
}

# ask HOST:PORT: sets $left and $address, what this name server says about www, or nothing.
ask() {
    # shellcheck disable=SC2046 # a number and an address
    set -- $("$client" dns www.lab.example A "@$1" 2>&1 |
        awk '$1 == "www.lab.example." && $4 == "A" { print $2, $5; exit }')
    left=${1:-none}
    address=${2:-}
}

row() {
    printf '%8s   %-18s %s\n' "$@"
}

# look: asks both, and shows what they say.
look() {
    ask "$authority"
    authority_says="$left s $address"
    authority_left=$left
    authority_address=$address
    ask "$cache"
    row "$(seconds $(($(now) - begun)))" "$authority_says" "$left s $address"
    [ "$authority_left" = "$ttl" ] || fail "the name server was to say $ttl s every time, not $authority_left"
}

# shellcheck disable=SC2317 # eventually calls it
is_changed() {
    ask "$authority"
    [ "$address" = 127.0.0.2 ]
}

write_zone 1 127.0.0.1
start_server --dns 127.0.0.1:0 --zone "$scratch/zone"
authority=$(sed -n 's|.* dns://\([^ ]*\) .*|\1|p' "$scratch/ready")
[ -n "$authority" ] || fail "the ready line names no name server: $(cat "$scratch/ready")"
start_exercise "$authority" || fail "the cache did not start: $(cat "$scratch/errors")"
cache=${url#dns://}

row after 'the name server' 'a cache that asks it'
begun=$(now)
look
[ "$address" = 127.0.0.1 ] || fail "the cache does not know www.lab.example"
sleep 1.2
look
kept=$left
{ [ "$kept" -lt "$ttl" ] && [ "$kept" -gt 0 ]; } || fail "after 1 s the cache was to have less than $ttl s left, not $kept"
write_zone 2 127.0.0.2
eventually is_changed || fail "the name server has not read its changed zone: $(cat "$scratch/server.log")"
echo '           www gets another address'
look
[ "$authority_address" = 127.0.0.2 ] || fail "the name server was to say 127.0.0.2, not $authority_address"
[ $(($(now) - begun)) -gt $((ttl * 1000 - 500)) ] || [ "$address" = 127.0.0.1 ] ||
    fail "the cache was to keep 127.0.0.1 for $ttl s, not to say $address"
sleep 3
look
[ "$address" = 127.0.0.2 ] || fail "after its time to live, the old address was to be forgotten, not $address"
pass
