#!/bin/sh
# Runs libFuzzer programs for some seconds each, as many at a time as there are processors, and prints a table.
#
#   test/fuzz.sh SECONDS FUZZER...          FUZZER is a program such as build/fuzz/proto/modbus/modbus_fuzz
#
# New inputs are kept in build/fuzz-corpus/NAME, which starts as a copy of test/corpus/NAME; a dictionary is used if
# test/corpus/NAME.dict is there. Exits with 1 if anything crashed, hung or grew, and says which input did it.
set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 2

# One fuzzer: leaves its log and its row of the table in build/fuzz-logs.
one() {
	seconds=$1 fuzzer=$2
	name=$(basename "$fuzzer" _fuzz)
	corpus=build/fuzz-corpus/$name
	crashes=build/fuzz-crashes/$name
	log=build/fuzz-logs/$name.log
	mkdir -p "$corpus" "$crashes" build/fuzz-logs
	rm -f "build/fuzz-logs/$name.row"
	[ ! -d "test/corpus/$name" ] || find "test/corpus/$name" -type f -exec cp -n {} "$corpus/" \;

	# Room for four times the largest known input, and at least a page.
	max_len=$(find "$corpus" -type f -printf '%s\n' | sort -n | tail -n 1)
	max_len=$((${max_len:-0} * 4))
	[ $max_len -ge 4096 ] || max_len=4096
	set -- -max_total_time="$seconds" -max_len=$max_len -timeout=10 -rss_limit_mb=512 -print_final_stats=1 \
		-artifact_prefix="$crashes/"
	[ ! -f "test/corpus/$name.dict" ] || set -- "$@" -dict="test/corpus/$name.dict"

	# No address randomisation where that is allowed: older sanitizers have no room for what newer kernels apply.
	fixed=$(setarch -R true 2>/dev/null && echo "setarch -R")
	status=0
	timeout $((seconds + 120)) $fixed "$fuzzer" "$@" "$corpus" >"$log" 2>&1 || status=$?
	rate=$(awk '/^stat::average_exec_per_sec/ { print $2 }' "$log")
	cov=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
	printf '%-20s %10s %8s %8s\n' "$name" "${rate:--}" "${cov:--}" "$([ $status = 0 ] && echo 0 || echo 1)" \
		>"build/fuzz-logs/$name.row"
	[ $status = 0 ] || {
		echo "FAIL $name (status $status): $(grep -m 1 -E 'ERROR|SUMMARY|DEADLYSIGNAL' "$log")"
		sed -n 's/.*Test unit written to /  input: /p' "$log"
		echo "  log: $log; again with: $fuzzer INPUT"
	}
	return $status
}

if [ "${1:-}" = --one ]; then
	one "$2" "$3"
	exit
fi
[ $# -ge 2 ] || { echo "usage: test/fuzz.sh SECONDS FUZZER..." >&2; exit 2; }
seconds=$1
shift
rm -rf build/fuzz-logs
mkdir -p build/fuzz-logs
status=0
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 sh test/fuzz.sh --one "$seconds" || status=1
printf '%-20s %10s %8s %8s\n' fuzzer execs/s cov crashes
cat build/fuzz-logs/*.row
exit $status
