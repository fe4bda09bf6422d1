#!/bin/sh
# Two people change one record, without and with If-Match. make watch-3
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=bin/labs/common.sh
. bin/labs/common.sh

start_server --workers 4

# create NAME EMAIL: sets $user, the path of a new user.
create() {
    user=$("$client" -sS -i -m 10 --json "{\"name\":\"$1\",\"email\":\"$2\"}" "$url/users" |
        sed -n 's|^Location: \(/users/[0-9]*\).*|\1|p')
    [ -n "$user" ] || fail "POST /users gave no Location"
}

# put NAME EMAIL FLAG...: the status that a PUT of this whole record is answered with.
put() {
    body="{\"name\":\"$1\",\"email\":\"$2\"}"
    shift 2
    status -X PUT --json "$body" "$@" "$url$user"
}

etag() {
    "$client" -sS -i -m 10 "$url$user" | tr -d '\r' | sed -n 's/^ETag: //p'
}

now_is() {
    "$client" -sS -m 10 "$url$user"
}

echo 'Without If-Match'
create 'Ada Byron' 'ada@example.org'
echo "  A and B read    $(now_is)"
first=$(put 'Ada Lovelace' 'ada@example.org')
echo "  A: a new name   PUT -> $first"
second=$(put 'Ada Byron' 'ada@example.com')
echo "  B: a new email  PUT -> $second"
lost=$(now_is)
echo "  end             $lost"
[ "$first $second" = '200 200' ] || fail "both PUTs must return 200"
case $lost in
    *Byron*example.com*) ;;
    *) fail "A's change was to be lost" ;;
esac

echo 'With If-Match'
create 'Ada Byron' 'ada@example.org'
tag=$(etag)
echo "  A and B read    $(now_is)"
echo "                  ETag: $tag"
first=$(put 'Ada Lovelace' 'ada@example.org' -H "If-Match: $tag")
echo "  A: a new name   PUT -> $first"
second=$(put 'Ada Byron' 'ada@example.com' -H "If-Match: $tag")
echo "  B: a new email  PUT -> $second"
tag=$(etag)
echo "  B reads again   $(now_is)"
echo "                  ETag: $tag"
third=$(put 'Ada Lovelace' 'ada@example.com' -H "If-Match: $tag")
echo "  B: once more    PUT -> $third"
kept=$(now_is)
echo "  end             $kept"
[ "$first $second $third" = '200 412 200' ] || fail "the PUTs must return 200, 412, 200"
case $kept in
    *Lovelace*example.com*) ;;
    *) fail "both changes were to be kept" ;;
esac
pass
