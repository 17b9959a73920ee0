#!/bin/sh
# Runs a script once for each index, says every second how far that is, and prints
# what they wrote. Ctrl-C cancels what is left.
#
#	array-progress.sh 0-999%50 'exec /opt/simulate --seed "$OCTASKLY_ARRAY_INDEX"'
set -eu

[ $# -eq 2 ] || { echo "usage: ${0##*/} RANGES[%N] SCRIPT" >&2; exit 2; }
id=$(octasklyctl submit --array "$1" --shell "$2")
trap 'octasklyctl cancel --reason interrupted "$id" >&2; exit 130' INT TERM

await() {
	code=0
	octasklyctl wait "$@" "$id" || code=$?
}

await --timeout 1s 2>/dev/null
while [ "$code" -eq 124 ]; do # the second is over, and the job is not
	octasklyctl show "$id" | sed -n "s/^tasks: */$id: /p" >&2
	await --timeout 1s 2>/dev/null
done
await # at once; it says what failed
octasklyctl logs --stdout "$id"
exit "$code"
