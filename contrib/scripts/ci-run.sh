#!/bin/sh
# For a CI job: sends what is committed here to a worker (256 MiB at most), runs a
# script there, and fetches what it leaves in out/ (64 MiB at most). What the script
# says goes to stderr as it comes, and its exit code becomes the CI job's. A CI job
# that is stopped cancels it.
#
#	OCTASKLY_URL=https://queue.example:3000 OCTASKLY_TOKEN_FILE=token OCTASKLY_CA=ca.pem \
#		ci-run.sh 'make test && cp report.xml out/' --timeout 30m --memory 4G
set -eu

[ $# -ge 1 ] || { echo "usage: ${0##*/} SCRIPT [FLAG of octasklyctl run]..." >&2; exit 2; }
script=$1
shift
results=$(mktemp)
trap 'rm -f "$results"' EXIT

# Its stdout is an archive and nothing else, so the script's own goes to stderr.
code=0
git archive HEAD | octasklyctl run --stdin - --env "SCRIPT=$script" "$@" -- sh -c '
	mkdir tree && tar -xf - -C tree && cd tree && mkdir -p out || exit 125
	sh -c "$SCRIPT" </dev/null >&2
	code=$?
	tar -cf - out || exit 125
	exit "$code"
' >"$results" || code=$?
[ ! -s "$results" ] || tar -xf "$results" || [ "$code" -ne 0 ] # cut short, if it has failed
exit "$code"
