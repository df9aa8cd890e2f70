#!/bin/sh
# Every test, as `make test` runs it: both compilers, the sanitizers, the corpora, whole systems, and the short run of
# faults. The last line is the sum: "N passed, N failed". Everything is bounded in time.
set -u
export LC_ALL=C.UTF-8
unset MAKEFLAGS MFLAGS CC SAN		# each build below says its own
cd "$(dirname "$0")/.." || exit 2
[ ! -d /usr/lib/ccache ] || PATH=/usr/lib/ccache:$PATH
PATH=$PATH:/usr/sbin:/sbin
jobs=$(nproc)
results=build/test-results
san=build/variant-address-undefined
began=$(date +%s)

rm -rf $results
mkdir -p $results
total=$results/total
: >$total

export ASAN_OPTIONS=detect_leaks=1:halt_on_error=1:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1

# Sanitized programs run without address randomisation, where that is allowed: the memory maps of older sanitizers have
# no room for as much of it as newer kernels apply.
fixed=$(setarch -R true 2>/dev/null && echo "setarch -R ")

phase() {
	now=$(date +%s)
	printf '== %s  (at %d:%02d)\n' "$1" $(((now - began) / 60)) $(((now - began) % 60))
}

finish() {
	now=$(date +%s)
	awk -v took=$((now - began)) '{ p += $1; f += $2; s += $3 }
		END {
			if (p + f == 0)
				f = 1
			printf "took %d:%02d, %d skipped\n", took / 60, took % 60, s
			printf "%d passed, %d failed\n", p, f
			exit f != 0
		}' $total
	exit
}

# A build is one case: it passes, or its output is shown and the run ends here, since the rest would test old programs.
build() {
	if timeout 1500 make -s --no-print-directory -j"$jobs" "$@" >$results/build.log 2>&1; then
		echo "  ok   make $*"
		echo 1 0 0 >>$total
		return
	fi
	echo "  FAIL make $*; its output:"
	sed 's/^/    /' $results/build.log
	echo 0 1 0 >>$total
	finish
}

# Commands on standard input, one a line; options of test/lib/runner.py.
run() { /usr/bin/python3 test/lib/runner.py --total $total "$@"; }

in_sources() { find src -name "$1" | sort; }

phase "gcc, as it is shipped"
build all objects peers node-peers
[ ! -d bench ] || build build/bench

phase "the sandbox, which sanitizers would not let close"
build build/test/os/cage_test build/test/proc/cages_test
printf '%s\n' build/test/os/cage_test build/test/proc/cages_test | run --timeout 600

phase "clang compiles it too"
build CC=clang objects

phase "sanitizers: address, undefined"
build SAN=address,undefined all unit

phase "unit tests"
in_sources '*_test.c' | sed "s,^src/\(.*\)\.c$,$fixed$san/test/\1," | run --jobs "$jobs" --timeout 900

phase "corpora"
in_sources '*_fuzz.c' | while read -r source; do
	stem=$(basename "$source" _fuzz.c)
	echo "$source" | sed "s,^src/\(.*\)\.c$,$fixed$san/replay/\1 test/corpus/$stem,"
done | run --bare --jobs "$jobs" --timeout 600

phase "unit tests that share memory or threads, under the thread sanitizer"
marked=$(grep -l '/\* tsan \*/' $(in_sources '*_test.c') | sed 's,^src/\(.*\)\.c$,build/variant-thread/test/\1,')
if [ -n "$marked" ]; then
	build SAN=thread $marked
	echo "$marked" | sed "s/^/$fixed/" | run --jobs "$jobs" --timeout 900
fi

phase "whole systems"
export PENSTOCK="$PWD/$san/penstock"
for script in test/sys/test_*.py; do
	echo "$fixed/usr/bin/python3 $script"
done | run --jobs "$jobs" --timeout 1200

export PENSTOCK="$PWD/build/penstock"
phase "bounds of memory, which sanitizers would blur"
printf '/usr/bin/python3 test/sys/test_opcua_%s\n' hostile.py "conn.py thirty_restarts_leave_nothing_behind" | run --timeout 900

phase "faults, 300 trials"
echo "/usr/bin/python3 test/faults.py --trials 300" | run --timeout 1800

phase "confirmations to a simulated SAP under faults, 150"
echo "/usr/bin/python3 test/confirmations.py --confirmations 150 --machines 15 --limit 800" | run --timeout 900

phase "requests under faults, 100 trials"
echo "/usr/bin/python3 test/requests.py --trials 100" | run --timeout 900
finish
