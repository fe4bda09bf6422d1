#!/bin/sh
# Exercise 1: a web server for one request after the other. make lab-1
# shellcheck disable=SC2119,SC2317 # step calls the functions
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=bin/labs/steps.sh
. bin/labs/steps.sh

step 'each request is answered with a status line and an empty line' 'RFC 9112, 2.1 and 4' \
    checks --only answers.comes --only answers.status-line --only answers.line-ends --only answers.empty-line
step 'the answer to GET /hello.html is 200, with the bytes of the file, and says how many' 'RFC 9110, 8.6 and 9.3.1' \
    checks --only answers.status-200 --only files.page --only answers.length --only files.empty --only files.large \
    --only files.picture
step 'a file that is not there is answered 404' 'RFC 9110, 15.5.5' \
    checks --only missing
step 'Content-Type says what the file is' 'RFC 9110, 8.3' \
    checks --only answers --only files
step 'a head may come in pieces, and a target may have a query' 'RFC 9112, 2.2; RFC 9110, 4.2.1' \
    checks --only requests
step 'no path leads out of the folder' 'RFC 9110, 17.3' \
    checks --only paths.dots --only paths.dots-below --only paths.percent-dots --only paths.percent-slash \
    --only paths.backslash --only paths.absolute --only paths.link
step 'a client that leaves, or sends noise, does not end the server' 'RFC 9112, 9.5' \
    checks --only hangups --only noise.random --only noise.endless-head --only empty --only alive
pass
