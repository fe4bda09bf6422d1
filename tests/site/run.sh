#!/bin/sh
# Serves www with the given server and looks at it in a real browser: see site.mjs; then at a sound in
# it, and at what the browser has already: see media.mjs. Says so, and succeeds, where Node.js, Chromium or
# what make packages installs is missing.
set -eu
server=$(realpath "$1")
cd "$(dirname "$0")"
skip() {
    echo "SKIPPED tests/site: $1" | tee -a "${SKIPPED:-/dev/null}"
    exit 0
}
for program in node chromium; do
    command -v "$program" >/dev/null 2>&1 || skip "$program is not installed"
done
[ -d node_modules ] || skip 'the packages of tests/site/package.json are not installed'
work=$(mktemp -d)
cp -R ../../www "$work/www"
"$server" "$work/www" --bind 127.0.0.1:0 --data "$work/data" --access-log "$work/access.log" >"$work/ready" &
pid=$!
trap 'kill "$pid"; wait "$pid"; rm -r "$work"' EXIT
for _ in $(seq 50); do
    grep -q . "$work/ready" && break
    sleep 0.1
done
url=$(sed -n 's/^listening on \([^ ]*\) .*/\1/p' "$work/ready")
node site.mjs "$url"
node media.mjs "$url" "$work/www" "$work/access.log"
