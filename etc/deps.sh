#!/bin/sh
# Installs what Penstock needs from the machine's own Debian mirror, and says so first. Nothing to do is quick.
#
#   etc/deps.sh build          to build it and run the demo
#   etc/deps.sh build test     to run the tests as well
#
# A row: set, package, how to see that it is there (a program, or "-" for the package itself), what it is for.
set -eu
export LC_ALL=C

rows() {
	cat <<'ROWS'
build  gcc                      gcc             compiler
build  libc6-dev                -               C library headers
build  pkg-config               pkg-config      finds the libraries below
build  libuv1-dev               -               event loop
build  libyaml-dev              -               reads the site file
build  libssl-dev               -               TLS and hashes
build  libmosquitto-dev         -               MQTT transport
build  libsqlite3-dev           -               local history
build  libjansson-dev           -               JSON in
build  libcurl4-openssl-dev     -               HTTP client
build  libzstd-dev              -               compression
build  libprotobuf-c-dev        -               Sparkplug payloads
build  libxml2-dev             -               reads the metadata of SAP's services
build  libseccomp-dev           -               list of system calls that a process may make
build  libisal-dev              -               erasure code of one-way links
build  protobuf-c-compiler      protoc-c        generates the Sparkplug codec
build  cmake                    cmake           builds the OPC UA library, see etc/open62541.sh
build  python3                  /usr/bin/python3  generates code for it, runs the whole-system tests
build  gpgv                     gpgv            checks that its source is Debian's
build  xz-utils                 xz              unpacks that
build  patch                    patch           applies Debian's patches to it
build  mosquitto                mosquitto       MQTT broker, for the demo and the tests
build  mosquitto-clients        mosquitto_sub   looks at what the broker got
build  openssl                  openssl         makes certificates for TLS runs
test   clang                    clang           second compiler, fuzzing
test   libclang-rt-dev          -               sanitizers and libFuzzer for it
test   libmodbus-dev            -               Modbus peers that are not our code
test   mbpoll                   mbpoll          a foreign Modbus master
test   python3-pymodbus         -               another foreign Modbus peer
test   python3-serial-asyncio   -               which that one imports, but does not depend on
test   socat                    socat           pairs of serial lines
test   nodejs                   node            runs the MQTT and Sparkplug peers
test   npm                      npm             fetches them
test   iproute2                 ip              looks at sockets and links
test   nftables                 nft             judges the firewall rules that Penstock writes
test   procps                   ps              looks at processes
test   git                      git             keeps a site file, whose history its document tells
ROWS
}

# Packages of the wanted sets that are missing, one a line as "package purpose".
missing() {
	have=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $(rows | awk '{ print $2 }') 2>/dev/null |
	    awk '$2 == "installed" { print $1 }' | tr '\n' ' ') || :
	rows | while read -r set package program purpose; do
		case " $* " in *" $set "*) ;; *) continue ;; esac
		case " $have " in *" $package "*) continue ;; esac
		if [ "$program" != - ] && command -v "$program" >/dev/null; then
			continue
		fi
		echo "$package $purpose"
	done
}

command -v dpkg-query >/dev/null || {
	echo "etc/deps.sh: this is not Debian or a relative of it; install what these rows name, then run make:" >&2
	rows >&2
	exit 1
}
PATH=$PATH:/usr/sbin:/sbin		# where Debian keeps mosquitto, also for users
need=$(missing "$@")
[ -n "$need" ] || exit 0

packages=$(echo "$need" | awk '{ print $1 }' | tr '\n' ' ')
echo "Penstock needs these Debian packages that are not here yet:"
echo "$need" | awk '{ p = $1; $1 = ""; printf "  %-22s%s\n", p, $0 }'

case " $packages " in
*" mosquitto "*)
	echo "Debian's mosquitto also starts a broker on this machine, for loopback only. Penstock does not use that one: its"
	echo "demo and tests start brokers of their own. To be without it: systemctl disable --now mosquitto"
	;;
esac

if [ "$(id -u)" = 0 ]; then
	as_root=
elif command -v sudo >/dev/null; then
	as_root=sudo
	echo "(sudo may ask for your password)"
else
	echo "etc/deps.sh: you are not root and there is no sudo. As root, run: apt-get install $packages" >&2
	exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() {
	"$@" >"$log" 2>&1 || {
		status=$?
		cat "$log" >&2
		echo "etc/deps.sh: this failed with status $status: $*" >&2
		echo "  If a package was not found, look at /etc/apt/sources.list*; if a download failed, try again." >&2
		exit 1
	}
}

echo "Asking the mirror for its package lists ..."
quietly $as_root apt-get update -q
echo "Installing ..."
quietly $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $packages
still=$(missing "$@")
[ -z "$still" ] || {
	echo "etc/deps.sh: apt-get said it was done, yet these are still missing:" >&2
	echo "$still" >&2
	exit 1
}
echo "Done: $(echo "$packages" | wc -w) packages installed with what they depend on."
