#!/bin/sh
# For cron: runs each line of a file as a script of its own, wherever there is room,
# and writes about nothing but what went wrong, which cron then sends by mail. Started
# twice on a day, as after a crash, it goes on with the batch that is there.
#
#	MAILTO=ops@example.org
#	30 2 * * *  /usr/local/bin/nightly.sh /etc/octaskly/nightly.list
set -eu

[ $# -eq 1 ] || { echo "usage: ${0##*/} LIST" >&2; exit 2; }
name=${1##*/}-$(date +%F)
id=$(grep -v -e '^[[:space:]]*#' -e '^[[:space:]]*$' "$1" |
	octasklyctl submit --name "$name" --idempotency-key "$name" --each-line - \
		--retries 1 --timeout 2h --shell 'eval "$OCTASKLY_ITEM"')

code=0
octasklyctl wait --timeout 6h "$id" || code=$?
octasklyctl show "$id" | sed -n 's/^failed: *\([0-9.]*\).*/\1/p' | while read -r task; do
	printf '\n%s:\n' "$task"
	octasklyctl logs --stderr --tail 10 "$task" 2>&1
done
exit "$code"
