#!/bin/sh
# Has two linters from PyPI judge the given server: REDbot, which revalidates and asks for ranges, and
# httplint, which reads single responses. Says so, and succeeds, where they are not installed.
set -eu
server=$(realpath "$1")
cd "$(dirname "$0")"
skip() {
    echo "SKIPPED tests/linter: $1" | tee -a "${SKIPPED:-/dev/null}"
    exit 0
}
command -v curl >/dev/null 2>&1 || skip 'curl is not installed'
[ -x venv/bin/redbot ] || skip 'REDbot and httplint are not installed'
work=$(mktemp -d)
cp -R ../../www "$work/www"
head -c 300000 /dev/zero >"$work/www/large.bin"
"$server" "$work/www" --bind 127.0.0.1:0 --data "$work/data" --access-log off >"$work/ready" &
pid=$!
trap 'kill "$pid"; wait "$pid"; rm -r "$work"' EXIT
for _ in $(seq 50); do
    grep -q . "$work/ready" && break
    sleep 0.1
done
url=$(sed -n 's/^listening on \([^ ]*\) .*/\1/p' "$work/ready")
failed=0
fail() {
    failed=$((failed + 1))
    echo "FAIL  $1"
    sed 's/^/      /' "$work/said"
}

# What a browser, a cache or a player would do with files.
for target in '' style.css large.bin; do
    timeout 60 venv/bin/redbot -o text "$url$target" >"$work/said" 2>&1 || true
    for note in 'The Content-Length header is correct' 'If-None-Match conditional requests are supported' \
        'If-Modified-Since conditional requests are supported' \
        'A ranged request returned the correct partial content'; do
        grep -q "$note" "$work/said" || fail "REDbot on /$target does not say: $note"
    done
done

# lint STATUS TARGET CURL-ARGUMENT...: the answer has this status and nothing bad in it. One note is
# wrong: an answer of several parts must not have a Content-Range (RFC 9110, 15.3.7.2).
lint() {
    status=$1
    target=$2
    shift 2
    curl -sS -m 10 -i "$@" "$url$target" >"$work/answer"
    venv/bin/httplint -n <"$work/answer" >"$work/said"
    head -n 1 "$work/answer" | grep -q " $status " || fail "/$target $*: not $status: $(head -n 1 "$work/answer")"
    if grep -F '[BAD]' "$work/said" | grep -q -v "partial, but doesn't have a Content-Range"; then
        fail "httplint on /$target $*"
    fi
}
tag=$(curl -sS -I "${url}large.bin" | tr -d '\r' | sed -n 's/^ETag: //p')
lint 200 ''
lint 200 large.bin
lint 206 large.bin -r 0-9
lint 206 large.bin -r 0-9,200000-200009
lint 304 large.bin -H "If-None-Match: $tag"
lint 301 about
lint 400 '' -H 'Host: a b'
lint 404 nowhere
lint 405 nowhere -X POST
lint 412 large.bin -H 'If-Match: "x"'
lint 416 large.bin -r 300000-
lint 201 users --json '{"name":"Ada Byron","email":"ada@example.org"}'
lint 200 users/1
lint 204 users/1 -X DELETE
lint 204 '' -X OPTIONS
lint 501 '' -X BREW

[ "$failed" -eq 0 ] && echo 'the linters have nothing against it'
exit "$((failed > 0))"
