#!/bin/bash
# Builds dist/octaskly_VERSION_ARCH.deb and dist/octaskly-VERSION-1.ARCH.rpm. The
# same inputs give the same bytes, on any machine with the same Go. From the
# environment:
#
#	VERSION            what git describe says, or a version; see version.sh
#	SOURCE_DATE_EPOCH  the time of all files, by default that of the last commit
#	ARCH               in Go's words, by default this machine's
#	DIST               where the packages go, by default dist
#	PROGRAMS           a directory with octasklyd, octasklyctl and octaskly-init for
#	                   this machine, which are packaged instead of being built
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022
export LC_ALL=C

# What the packages are made of must not depend on whose machine it is.
export CGO_ENABLED=0 GOOS=linux GOAMD64=v1 GOARM64=v8.0
ARCH=${ARCH:-$(go env GOHOSTARCH)}
VERSION=$(packaging/version.sh ${VERSION:+"$VERSION"})
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -c safe.directory="$PWD" log -1 --format=%ct)}
mkdir -p "${DIST:=dist}"
DIST=$(realpath "$DIST")
STAGE=$(mktemp -d)
trap 'rm -rf "$STAGE"' EXIT
export ARCH VERSION SOURCE_DATE_EPOCH STAGE

fail() {
	echo "build.sh: error: $1" >&2
	exit 1
}

# build DIRECTORY puts the programs there. The daemon is position independent:
# it reads from the network, and its SQLite is C in Go's clothes, with pointers
# to match. For the command line tool that would only cost a third of its start,
# and octaskly-init starts with every command.
build() {
	local flags=(-trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=$VERSION")
	go build "${flags[@]}" -buildmode=pie -o "$1/octasklyd" ./daemon
	go build "${flags[@]}" -buildmode=exe -o "$1/octasklyctl" ./ctl
	go build "${flags[@]}" -buildmode=exe -o "$1/octaskly-init" ./daemon/init
}

# programs puts what is packaged into bin/ and libexec/, and into native/ what can
# run here.
programs() {
	local native=$STAGE/native
	if [ -n "${PROGRAMS:-}" ]; then
		install -D -m 755 -t "$native" "$PROGRAMS"/{octasklyd,octasklyctl,octaskly-init}
	else
		GOARCH=$(go env GOHOSTARCH) build "$native"
	fi
	if [ "$ARCH" = "$(go env GOHOSTARCH)" ]; then
		cp -R "$native" "$STAGE/bin"
	else
		[ -z "${PROGRAMS:-}" ] || fail "PROGRAMS are for this machine, not for $ARCH"
		GOARCH=$ARCH build "$STAGE/bin"
	fi
	install -D -m 755 -t "$STAGE/libexec" "$STAGE/bin/octaskly-init"
	rm "$STAGE/bin/octaskly-init"
}

# generate FILE PROGRAM WORD... keeps what the program prints.
generate() {
	local file=$STAGE/$1
	shift
	mkdir -p "${file%/*}"
	"$STAGE/native/$1" "${@:2}" >"$file" || fail "cannot generate ${file#"$STAGE"/}: $* failed"
	[ -s "$file" ] || fail "cannot generate ${file#"$STAGE"/}: $* printed nothing"
}

documents() {
	generate man/octasklyctl.1 octasklyctl manual
	generate man/octaskly.toml.5 octasklyd manual octaskly.toml.5
	generate man/octasklyd.8 octasklyd manual octasklyd.8
	gzip -9n "$STAGE"/man/*
	for shell in bash fish zsh; do
		generate completions/$shell octasklyctl completion $shell
	done
}

# third_party prints the licences of all that is linked into the programs.
third_party() {
	printf '== The Go standard library and runtime, %s\n\n' "$(go env GOVERSION)"
	cat "$(go env GOROOT)/LICENSE"
	GOARCH=$ARCH go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./daemon ./ctl ./daemon/init |
		sort -u | while read -r module version dir; do
		find "$dir" -maxdepth 1 -type f -regextype egrep -iregex '.*/(licen[cs]e|copying|notice)([-.][a-z.-]+)?' >"$STAGE/licences"
		[ -s "$STAGE/licences" ] || fail "cannot find the licence of $module in $dir"
		printf '\n\n== %s %s\n\n' "$module" "$version"
		sort "$STAGE/licences" | xargs -d '\n' cat
	done
}

changelog() {
	cat <<-END
		- semver: "$VERSION"
		  date: $(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
		  packager: The octaskly authors <octaskly@users.noreply.github.com>
		  deb: {urgency: medium, distributions: [stable]}
		  changes:
		    - note: "See the history of the source."
	END
}

stage() {
	install -D -m 644 -t "$STAGE/units" packaging/systemd/octaskly*
	install -D -m 644 -t "$STAGE/etc" packaging/etc/*.toml
	install -m 644 -t "$STAGE" packaging/systemd/{90-octaskly.preset,sysusers.conf,tmpfiles.conf,sysctl.conf} \
		packaging/firewall/{octaskly.xml,ufw} packaging/deb/{copyright,lintian-overrides}
	install -D -m 755 -t "$STAGE/deb" packaging/deb/{postinst,prerm,postrm}
	install -D -m 755 -t "$STAGE/rpm" packaging/rpm/{post,posttrans,preun,postun}
	(cd contrib && find . -type f -exec install -D -m 644 {} "$STAGE/contrib/{}" \;)
	chmod 755 "$STAGE"/contrib/scripts/*.sh
	third_party | gzip -9n >"$STAGE/third-party.gz"
	changelog >"$STAGE/changelog.yaml"
	find "$STAGE" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

programs
documents
stage
nfpm=$(go tool -modfile=packaging/tools/go.mod -n nfpm)
config=$PWD/nfpm.yaml
cd "$STAGE"
for kind in deb rpm; do
	"$nfpm" package --config "$config" --packager $kind --target "$DIST/"
done
