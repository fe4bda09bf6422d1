#!/bin/sh
# Serves www with the given server and looks at it in a real browser: see site.mjs; then at a sound in
# it, and at what the browser has already: see media.mjs; then at folders: see listing.mjs; then uploads
# files by a form: see upload.mjs. Says so, and succeeds, where Node.js, Chromium or what make packages
# installs is missing.
set -eu
server=$(realpath "$1")
cd "$(dirname "$0")"
skip() {
    echo "SKIPPED tests/site: $1" | tee -a "${SKIPPED:-/dev/null}"
    exit 0
}
# url_of FILE: waits until a server has written its ready line to FILE, and prints the URL in it.
url_of() {
    for _ in $(seq 50); do
        grep -qs . "$1" && break
        sleep 0.1
    done
    sed -n 's/^listening on \([^ ]*\) .*/\1/p' "$1"
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
url=$(url_of "$work/ready")
node site.mjs "$url"
node media.mjs "$url" "$work/www" "$work/access.log"
node listing.mjs "$url" "$work/www"

# What a browser may write to is one folder: everything else is read-only.
if ! bwrap --ro-bind / / true 2>/dev/null; then
    skip 'bwrap cannot confine a server to which a browser uploads'
fi
mkdir "$work/written"
bwrap --ro-bind / / --dev-bind /dev /dev --bind "$work/written" "$work/written" --die-with-parent \
    "$server" "$work/written" --write --bind 127.0.0.1:0 --data off --access-log off >"$work/ready2" &
writing=$!
trap 'kill "$pid" "$writing"; wait "$pid" "$writing" || :; rm -r "$work"' EXIT
node upload.mjs "$(url_of "$work/ready2")"
