#!/bin/sh
# Exercise 7: a name whose address changes, and a cache that notices when the time to live is over. make lab-7
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=bin/labs/common.sh
. bin/labs/common.sh

PATH=$PATH:/usr/sbin
command -v dnsmasq >/dev/null || fail "dnsmasq is not installed; Debian has it in dnsmasq-base"
ttl=6

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

# The cache: another program, which asks our server, and keeps what it hears. It has no port 0.
start_cache() {
    for attempt in 1 2 3 4 5; do
        cache=127.0.0.1:$((20000 + ($$ * 7 + attempt * 101) % 10000))
        : >"$scratch/cache.log"
        dnsmasq --no-daemon --conf-file=/dev/null --pid-file= --user="$(id -un)" --no-hosts --no-resolv \
            --listen-address=127.0.0.1 --bind-interfaces --port="${cache##*:}" \
            --server="${authority%:*}#${authority##*:}" >"$scratch/cache.log" 2>&1 &
        cache_pid=$!
        pids="$pids $cache_pid"
        tenths=0
        while kill -0 "$cache_pid" 2>/dev/null; do
            grep -q 'started' "$scratch/cache.log" && return
            [ "$tenths" -lt "$patience" ] || break
            tenths=$((tenths + 1))
            sleep 0.1
        done
    done
    fail "the cache did not start: $(cat "$scratch/cache.log")"
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
start_cache

row after 'the name server' 'a cache that asks it'
begun=$(now)
look
[ "$address" = 127.0.0.1 ] || fail "the cache does not know www.lab.example"
sleep 2
look
kept=$left
{ [ "$kept" -lt "$ttl" ] && [ "$kept" -gt 0 ]; } || fail "after 2 s the cache was to have less than $ttl s left, not $kept"
write_zone 2 127.0.0.2
eventually is_changed || fail "the name server has not read its changed zone: $(cat "$scratch/server.log")"
echo '           www gets another address'
look
[ "$authority_address" = 127.0.0.2 ] || fail "the name server was to say 127.0.0.2, not $authority_address"
[ $(($(now) - begun)) -gt $((ttl * 1000 - 500)) ] || [ "$address" = 127.0.0.1 ] ||
    fail "the cache was to keep 127.0.0.1 for $ttl s, not to say $address"
sleep "$ttl"
look
[ "$address" = 127.0.0.2 ] || fail "after its time to live, the old address was to be forgotten, not $address"
pass
