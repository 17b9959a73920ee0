#!/bin/sh
# version.sh [TEXT] prints the version of the packages for what `git describe
# --tags --always --dirty` says, which it asks for when there is no TEXT:
#
#	v1.2.3               1.2.3
#	v1.2.3-rc1           1.2.3~rc1
#	v1.2.3-5-g0e11d8e    1.2.3+5.g0e11d8e
#	0e11d8e              0.1.0~git93.20261124.0e11d8e    no tag yet: 93rd commit
#	...-dirty            the same and .dirty
#	1.2.3+anything       as it stands
#
# Later commits sort after earlier ones, for dpkg and for rpm, and a release
# between those before it and those after it.
set -eu
cd "$(dirname "$0")/.."

next=0.1.0 # what the first tag will be called

ask() { git -c safe.directory="$PWD" "$@"; }

fail() {
	echo "version.sh: error: $1" >&2
	exit 1
}

# untagged prints the version of commit $1. Its place in history makes it sort;
# dates may run backwards.
untagged() {
	[ "$(ask rev-parse --is-shallow-repository)" = false ] ||
		fail "cannot count the commits of a shallow clone: git fetch --unshallow, or give VERSION"
	number=$(ask rev-list --count "$1")
	day=$(TZ=UTC0 ask log -1 --format=%cd --date=format-local:%Y%m%d "$1")
	echo "$next~git$number.$day.$1"
}

text=${1:-$(ask describe --tags --always --dirty)}
base=${text%-dirty}
case $text in
*[!0-9A-Za-z.+~-]*) version= ;;
*)
	if echo "$base" | grep -qxE '[0-9a-f]{7,40}'; then
		version=$(untagged "$base")
	else
		version=$(echo "${base#v}" | sed -E 's/-([0-9]+)-(g[0-9a-f]+)$/+\1.\2/; s/-/~/; s/-/./g')
	fi
	[ "$base" = "$text" ] || version=$version.dirty
	;;
esac
echo "$version" | grep -xE '[0-9]+(\.[0-9]+)+([.+~][0-9A-Za-z]+)*' ||
	fail "cannot make a version of \"$text\": want v1.2.3, 1.2.3 or what git describe says"
