#!/bin/sh
# Proves the README's two commands where nothing is installed: makes a minimal root of a Debian release with debootstrap,
# clones this checkout into it and runs the commands there as a newcomer would.
#
#   test/bare.sh bookworm | trixie  [COMMAND...]       without COMMAND: "make demo" and "make test"
#
# The root lies in build/bare/DIST and is made anew each time from build/bare/DIST.base, which is made once. Where packages
# come from, and through which proxy with which certificates, is taken from this machine's own configuration; it is
# written into the root and nowhere else. All mounts live in a namespace of their own, so they vanish with it.
set -eu
export LC_ALL=C

dist=${1:?usage: test/bare.sh bookworm|trixie [COMMAND...]}
shift
[ $# -gt 0 ] || set -- "make demo" "make test"
top=$(cd "$(dirname "$0")/.." && pwd)
work=$top/build/bare
root=$work/$dist

[ "$(id -u)" = 0 ] || {
	command -v sudo >/dev/null || { echo "bare.sh: making a root needs root, or sudo" >&2; exit 2; }
	exec sudo -E sh "$0" "$dist" "$@"
}

say() { echo "bare $dist: $*"; }

# The mirrors that apt uses here: the first Debian one, and the first with security updates.
archives() {
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(ORIGIN)' 'Created-By: Packages' |
		awk '$3 == "Debian" { print $2, $1 }'
}

install_debootstrap() {
	command -v debootstrap >/dev/null && return
	say "installing debootstrap on this machine (apt-get install debootstrap)"
	apt-get update -q >/dev/null
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends debootstrap >/dev/null
}

# Mirror, proxies, certificates and registry settings of this machine, as a newcomer's own administrator would have set.
configure() {
	{
		echo "deb $mirror $dist main"
		echo "deb $mirror $dist-updates main"
		[ -z "$security" ] || echo "deb $security $dist-security main"
	} >"$root/etc/apt/sources.list"
	apt-config dump | grep -E '^Acquire::(http|https|Check-|Retries|ForceIP)' >"$root/etc/apt/apt.conf.d/90machine" || :
	[ ! -f /etc/apt/auth.conf ] || cp -p /etc/apt/auth.conf "$root/etc/apt/"
	[ ! -d /etc/apt/auth.conf.d ] || cp -pr /etc/apt/auth.conf.d "$root/etc/apt/"
	echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/90machine"	# nobody needs this root after a power cut
	cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
	mkdir -p "$root/usr/local/share/ca-certificates"
	find /usr/local/share/ca-certificates -name '*.crt' -exec cp {} "$root/usr/local/share/ca-certificates/" \;
	for f in "$(npm config get globalconfig 2>/dev/null || :)" /etc/npmrc "$HOME/.npmrc"; do
		[ ! -f "$f" ] || cat "$f"
	done | sort -u >"$root/root/.npmrc"
	chmod 600 "$root/root/.npmrc"
}

# Proxies and certificates that this machine's environment names: the file names hold inside the root too.
passed_env() {
	env | grep -iE '^((http|https|ftp|no|all)_proxy|npm_config_[a-z_]+|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|GIT_SSL_CAINFO|CURL_CA_BUNDLE)=' || :
}

# Runs a command in the root, in mount and process namespaces of its own: what it leaves running dies with it.
inside() {
	unshare --mount --pid --fork --kill-child --ipc --uts sh -c '
		root=$1
		shift
		mount --bind "$root" "$root"	# a mount of its own, as every / is: ip netns asks for that
		cd "$root"
		mount --rbind /dev "$root/dev"
		mount -t proc proc "$root/proc"
		mount -t sysfs -o ro sysfs "$root/sys" 2>/dev/null || :
		mount -t tmpfs tmpfs "$root/run"
		mount --bind "$root.debs" "$root/var/cache/apt/archives"
		hostname bare
		exec chroot "$root" "$@"' sh "$root" \
		env -i HOME=/root USER=root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		"$@"
}

install_debootstrap
mirror=$(archives | awk '$1 !~ /-security$/ { print $2; exit }')
security=$(archives | awk '$1 ~ /-security$/ { print $2; exit }')
[ -n "$mirror" ] || {
	say "this machine's apt names no archive to take $dist from; add one to its sources" >&2
	exit 2
}

mkdir -p "$work/$dist.debs/partial"
if [ ! -f "$work/$dist.base/.complete" ]; then
	say "making the minimal root with debootstrap"
	rm -rf "$work/$dist.base"
	debootstrap --variant=minbase "$dist" "$work/$dist.base" "$mirror" >"$work/$dist.log" 2>&1 || {
		tail -30 "$work/$dist.log" >&2
		say "debootstrap failed, its log is $work/$dist.log" >&2
		exit 2
	}
	touch "$work/$dist.base/.complete"
fi
rm -rf --one-file-system "$root"
cp -a "$work/$dist.base" "$root"
configure

say "installing what a newcomer has: git, make, ca-certificates"
inside sh -ec '
	apt-get update -q
	apt-get install -q -y --no-install-recommends git make ca-certificates' >"$work/$dist.log" 2>&1 || {
	tail -30 "$work/$dist.log" >&2
	exit 2
}
[ -z "$(git -C "$top" status --porcelain --untracked-files=no)" ] ||
	say "note: changes that are not committed are not in the clone"
git clone -q --no-hardlinks "$top" "$root/root/penstock"
say "a clean clone of $(git -C "$top" rev-parse --short HEAD) stands in $root/root/penstock"

# One command after the other; each one's whole output is in build/bare/DIST.N.log and its end is shown if it fails.
passed_env >"$work/$dist.env"
failed=0 n=0 table=
for command; do
	n=$((n + 1))
	log=$work/$dist.$n.log
	say "\$ $command"
	start=$(date +%s)
	status=0
	set -- ; while IFS= read -r line; do set -- "$@" "$line"; done <"$work/$dist.env"
	inside "$@" timeout 5400 sh -c "cd /root/penstock && exec $command" >"$log" 2>&1 </dev/null || status=$?
	took=$(($(date +%s) - start))
	if [ $status = 0 ]; then
		table="$table$dist  ok    $command  (${took} s)\n"
		tail -n "${BARE_TAIL:-15}" "$log"
	else
		table="$table$dist  FAIL  $command  (status $status after ${took} s, whole output in $log)\n"
		failed=1
		tail -n 200 "$log"
	fi
done
printf "%b" "$table"
exit $failed
