#!/bin/sh
# The OPC UA library, open62541, in a private prefix: built from Debian's own source package, the same way on every
# release, since Debian 12 has no package of it and Debian 13's is cut differently from what we have proven.
#
#   etc/open62541.sh build      there already: quick, silent and offline; else fetch, check, build (1 to 2 minutes)
#   etc/open62541.sh prefix     print the folder that holds include/ and lib/; fails if there is none yet
#
# The source comes from the Debian mirror that apt uses here, through apt's own downloader, so apt's proxies hold. Chain of
# trust: Debian's archive key signs InRelease, that holds the hash of the list of sources, that the hash of each file.
# Debian's patches are applied as they come. PENSTOCK_OPEN62541=/prefix uses a build of your own instead, for machines
# without a mirror; it should be configured with the options below. PENSTOCK_CACHE says where builds are kept.
set -eu
export LC_ALL=C
umask 022

options='
	-DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_COMPILER=gcc -DPython3_EXECUTABLE=/usr/bin/python3
	-DBUILD_SHARED_LIBS=OFF -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=OFF
	-DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_DISABLE_FIND_PACKAGE_Git=ON
	-DUA_NAMESPACE_ZERO=REDUCED -DUA_ENABLE_DATATYPES_ALL=ON -DUA_ENABLE_ENCRYPTION=OPENSSL -DUA_MULTITHREADING=100
	-DUA_ENABLE_MALLOC_SINGLETON=ON -DUA_ENABLE_SUBSCRIPTIONS_EVENTS=ON -DUA_ENABLE_HISTORIZING=ON
	-DUA_ENABLE_METHODCALLS=ON -DUA_ENABLE_STATUSCODE_DESCRIPTIONS=ON -DUA_ENABLE_HARDENING=OFF
	-DUA_ENABLE_PUBSUB=OFF -DUA_ENABLE_PUBSUB_INFORMATIONMODEL=OFF
	-DUA_BUILD_EXAMPLES=OFF -DUA_BUILD_UNIT_TESTS=OFF -DUA_BUILD_TOOLS=OFF -DUA_FORCE_WERROR=OFF -DUA_LOGLEVEL=200
'
# Its own choice of hardening differs between compilers, so that is off and ours stands here.
cflags='-fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero -D_FORTIFY_SOURCE=3'
cflags="$cflags -ffunction-sections -fdata-sections"
[ "$(uname -m)" != x86_64 ] || cflags="$cflags -fcf-protection"
oldest=1.4.11 below=1.5			# what our code is written for
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
apt_helper=/usr/lib/apt/apt-helper

say() { echo "open62541: $*"; }
die() {
	echo "etc/open62541.sh: $1" >&2
	shift
	for hint; do echo "  $hint" >&2; done
	exit 1
}

codename=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}") || codename=
cache=${PENSTOCK_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/penstock}
key=$(echo "$options $cflags $codename $(uname -m)" | sha256sum | cut -c 1-12)

# The build that is there, if any: it gets its name last, so whatever bears the name is whole.
have() {
	found=
	for dir in "$cache"/open62541-*-"$key"; do
		[ ! -f "$dir/lib/libopen62541.a" ] || found=$dir
	done
	[ -n "$found" ]
}

check_own() {
	prefix=$PENSTOCK_OPEN62541
	[ -f "$prefix/lib/pkgconfig/open62541.pc" ] ||
		die "PENSTOCK_OPEN62541 is $prefix, where lib/pkgconfig/open62541.pc is missing" \
		    "It must be the folder that cmake --install filled, with lib/ and include/ in it."
	grep -q '^#define UA_ENABLE_MALLOC_SINGLETON' "$prefix/include/open62541/config.h" ||
		die "the open62541 in $prefix (PENSTOCK_OPEN62541) was built without UA_ENABLE_MALLOC_SINGLETON" \
		    "Penstock limits its memory through that; build it with the options that etc/open62541.sh names."
}

case ${1:-} in
prefix)
	if [ -n "${PENSTOCK_OPEN62541:-}" ]; then
		check_own
		echo "$PENSTOCK_OPEN62541"
	else
		have || die "the OPC UA library is not built yet under $cache" "Run: make deps   (as the user who builds)"
		echo "$found"
	fi
	exit 0
	;;
build) ;;
*)	echo "usage: etc/open62541.sh build | prefix" >&2; exit 2 ;;
esac
if [ -n "${PENSTOCK_OPEN62541:-}" ]; then
	check_own
	exit 0
fi
if have; then
	exit 0
fi

[ -x $apt_helper ] || die "this machine has no apt, so Debian's source of open62541 cannot be fetched" \
	"Build open62541 1.4 elsewhere with the options in this script, and set PENSTOCK_OPEN62541 to its prefix."
mkdir -p "$cache" || die "the folder for builds, $cache, cannot be made" "PENSTOCK_CACHE names another."
work=$(mktemp -d "$cache/.open62541.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# fetch URL FILE [SHA256]: false if it cannot be had; bytes that are not the promised ones end everything.
fetch() {
	$apt_helper download-file "$1" "$2" ${3:+SHA256:$3} >"$work/fetch.log" 2>&1 && [ -s "$2" ] || return 1
	[ -z "${3:-}" ] || [ "$(sha256sum <"$2" | cut -d ' ' -f 1)" = "$3" ] ||
		die "$1 does not have the hash that Debian signed" "The mirror is stale or broken; try again, or another one."
}

# What apt's lists say that there is, and, for a machine without lists, what its source files name for this release: the
# one-line kind, and the kind with fields. Whether an archive is Debian's is what the signature proves.
mirrors() {
	list= parts=
	eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
	{
		apt-get indextargets --format '$(RELEASE) $(ORIGIN) $(REPO_URI)' 'Created-By: Packages' 'Component: main' |
		    awk '$2 == "Debian" && $1 !~ /-security$/ { print $NF }'
		cat "$list" "$parts"/*.list 2>/dev/null | sed 's/\[[^]]*\]//' |
		    awk -v codename="$codename" '$1 == "deb" && $3 == codename { print $2 }'
		for file in "$parts"/*.sources; do
			[ ! -f "$file" ] || awk -v codename="$codename" '
				function flush(  i, n, uri) {
					if ((" " f["suites"] " ") ~ (" " codename " ") && f["enabled"] !~ /no/) {
						n = split(f["uris"], uri)
						for (i = 1; i <= n; i++)
							print uri[i]
					}
					delete f
				}
				/^#/ { next }
				/^[ \t]*$/ { flush() }
				/^[A-Za-z-]+:/ { key = tolower(substr($1, 1, length($1) - 1)); $1 = "" }
				{ f[key] = f[key] " " $0 }
				END { flush() }' "$file"
		done
	} | sed 's,/*$,,' | awk '!seen[$0]++'
}

# Leaves Debian's signed text for a suite in $work/Release.
release() {
	rm -f "$work/Release"
	fetch "$1/dists/$2/InRelease" "$work/InRelease" || { say "$1 has no dists/$2/InRelease"; return 1; }
	gpgv --keyring $keyring --status-fd 3 --output "$work/Release" "$work/InRelease" 3>"$work/gpg" 2>"$work/gpg.log" || :
	grep -q '^\[GNUPG:\] GOODSIG ' "$work/gpg" && grep -q '^\[GNUPG:\] VALIDSIG ' "$work/gpg" &&
	    ! grep -q '^\[GNUPG:\] BADSIG ' "$work/gpg" && [ -s "$work/Release" ] || {
		say "dists/$2/InRelease of $1 is not signed by a key in $keyring; not used"
		sed 's/^/  /' "$work/gpg.log"
		return 1
	}
	grep -qx "Codename: $2" "$work/Release" || { say "$1 gave another suite's InRelease for $2; not used"; return 1; }
}

# Leaves the suite's entry of open62541 in $work/entry.
entry() {
	list=main/source/Sources.xz
	hash=$(awk -v name=$list '/^[^ ]/ { on = $1 == "SHA256:" } on && $3 == name { print $1 }' "$work/Release")
	[ -n "$hash" ] || { say "$2 at $1 lists no sources"; return 1; }
	fetch "$1/dists/$2/main/source/by-hash/SHA256/$hash" "$work/Sources.xz" "$hash" ||
	    fetch "$1/dists/$2/$list" "$work/Sources.xz" "$hash" ||
	    { say "the list of sources of $2 cannot be had from $1"; return 1; }
	xz -dc "$work/Sources.xz" | awk 'BEGIN { RS = "" } /^Package: open62541\n/' >"$work/entry"
	[ -s "$work/entry" ] || { say "$2 has no open62541"; return 1; }
	version=$(awk '$1 == "Version:" { print $2; exit }' "$work/entry")
	dpkg --compare-versions "$version" ge $oldest && dpkg --compare-versions "$version" lt $below ||
	    { say "$2 has open62541 $version; wanted is one from $oldest on and below $below"; return 1; }
}

# Fetches the package's files, all but the 7 MB of node sets that our configuration has no use for, the small ones first.
files() {
	dir=$(awk '$1 == "Directory:" { print $2 }' "$work/entry")
	awk '/^[^ ]/ { on = $1 == "Checksums-Sha256:" } on && NF == 3 && $3 !~ /orig-/ { print $2, $1, $3 }' "$work/entry" |
	    sort -n >"$work/files"
	while read -r _ hash file; do
		fetch "$1/$dir/$file" "$work/$file" "$hash" || {
			say "$1 lists open62541 $version in $2 but does not have $file"
			return 1
		}
	done <"$work/files"
}

say "the OPC UA library comes from Debian's source package; this is done once and kept in $cache"
mirrors >"$work/mirrors"
[ -s "$work/mirrors" ] || die "apt names no Debian archive on this machine" \
	"Look at /etc/apt/sources.list* and run apt-get update, or set PENSTOCK_OPEN62541 to a prefix with open62541 1.4."
suites='trixie sid'
case $codename in '' | bookworm | trixie | sid) ;; *) suites="$codename $suites" ;; esac

obtain() {
	while read -r mirror; do
		for suite in $suites; do
			if release "$mirror" "$suite" && entry "$mirror" "$suite" && files "$mirror" "$suite"; then
				return
			fi
		done
	done <"$work/mirrors"
	[ ! -s "$work/fetch.log" ] || tail -n 5 "$work/fetch.log" >&2
	die "no suite of ($suites) gave a whole source package of open62541; the lines above say why" \
	    "If the network is down, try again; on a machine without a mirror set PENSTOCK_OPEN62541 to a prefix with 1.4."
}
obtain

say "building $version of $suite, about a minute ..."
prefix=$cache/open62541-${version%-*}-$key
log=$cache/open62541.log
began=$(date +%s)
# DESTDIR, CC and the flags of whoever calls us are not to reach this build.
clean() { env -u DESTDIR -u CC -u CFLAGS -u LDFLAGS -u CPPFLAGS -u MAKEFLAGS -u MFLAGS -u MAKELEVEL "$@"; }
patches() {
	[ -f "$work/src/debian/patches/series" ] || return 0
	grep -v '^ *\(#\|$\)' "$work/src/debian/patches/series" | while read -r name _; do
		patch -d "$work/src" -p1 --batch <"$work/src/debian/patches/$name" || exit 1
	done
}
build() {
	mkdir -p "$work/src" "$work/stage" &&
	tar -xf "$work"/open62541_*.orig.tar.* -C "$work/src" --strip-components 1 &&
	tar -xf "$work"/open62541_*.debian.tar.* -C "$work/src" &&
	patches &&
	clean cmake -S "$work/src" -B "$work/build" $options -DCMAKE_INSTALL_PREFIX="$prefix" \
	    -DCMAKE_C_FLAGS="$cflags -ffile-prefix-map=$work/src=open62541 -ffile-prefix-map=$work/build=open62541" &&
	clean make -C "$work/build" -j"$(nproc)" &&
	clean DESTDIR="$work/stage" make -C "$work/build" install &&
	cp "$work/src/LICENSE" "$work/stage$prefix/"
}
build >"$log" 2>&1 || {
	tail -n 30 "$log" >&2
	die "building open62541 failed; the end of $log is above"
}
# Of two that build at once the first one wins.
mv -T "$work/stage$prefix" "$prefix" 2>/dev/null || have ||
	die "the finished build could not be moved to $prefix" "Is something in its way there?"
say "done in $(($(date +%s) - began)) s: $prefix"
