#!/bin/sh
# The demo: a simulated bottling line over real Modbus TCP, through field, gate, spool and office, to a real MQTT broker and a local
# history, and to a simulated SAP that books what was counted; a cut in the middle; the proof at the end. Everything listens on loopback, lives in build/demo and ends with this script.
#
#	etc/demo/demo.sh PROGRAM	DEMO_SECONDS=N: how long each of the three parts lasts (10)
set -u
PATH=$PATH:/usr/sbin:/sbin	# where Debian keeps mosquitto, for users too
program=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
part=${DEMO_SECONDS:-10}
work=$(pwd)/build/demo
export PENSTOCK_STATE="$work/state"
pids=

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
run() { printf '$ penstock %s\n' "$*"; "$program" "$@"; }
end() {
	for pid in $pids; do kill "$pid" 2>/dev/null; done
	wait 2>/dev/null
}
fail() { printf '\n*** the demo failed: %s\n    its files are in %s\n' "$*" "$work" >&2; tail -n 20 "$work"/*.log >&2; exit 1; }
trap end EXIT
trap 'exit 130' INT TERM

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	left=$(($1 * 10))
	shift
	while ! "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		sleep 0.1
	done
}

start_broker() {
	mosquitto -c "$work/broker.conf" >>"$work/broker.log" 2>&1 &
	broker=$!
	pids="$pids $broker"
	sleep 0.3
	kill -0 "$broker" 2>/dev/null
}

command -v mosquitto >/dev/null || fail "mosquitto is not installed; 'make deps' installs it"
rm -rf "$work"
mkdir -p "$work/broker"

say "a broker, and somebody who listens to it"
# The broker keeps what it owes the listener over its own restart, so that what is counted at the end is what Penstock delivered.
for try in 1 2 3 4 5 6 7 8; do
	port=$((20000 + ($$ * 7 + try * 1234) % 30000))
	cat >"$work/broker.conf" <<-CONF
		listener $port 127.0.0.1
		allow_anonymous true
		persistence true
		persistence_location $work/broker/
		max_queued_messages 0
		max_queued_bytes 0
		$([ "$(id -u)" = 0 ] && echo user root)
	CONF
	start_broker && break
	[ "$try" = 8 ] && fail "no free port for mosquitto"
done
listen() {
	mosquitto_sub -h 127.0.0.1 -p "$port" -V mqttv311 -q 1 -c -i demo-listener -t '#' >>"$work/received.jsonl" 2>>"$work/listener.log" &
	listener=$!
	pids="$pids $listener"
}
listen
echo "mosquitto on 127.0.0.1:$port, mosquitto_sub writes what arrives to build/demo/received.jsonl"

say "an S/4HANA, simulated, with a production order"
printf 'demo only\n' >"$work/sap.password"
chmod 600 "$work/sap.password"
start_sap() {
	/usr/bin/python3 "$here/../../test/peers/s4_server.py" --port "${sap_port:-0}" --port-file "$work/sap.port" --state "$work/sap" --user PENSTOCK \
		--password-file "$work/sap.password" >>"$work/sap.log" 2>&1 &
	sap=$!
	pids="$pids $sap"
	wait_for 20 grep -q '[0-9]' "$work/sap.port" && sap_port=$(head -n 1 "$work/sap.port")
}
# sap_says PATH [BODY]: what the simulator's own control says; no part of what is simulated.
sap_says() {
	/usr/bin/python3 - "http://127.0.0.1:$sap_port/sim/$1" ${2:+"$2"} <<-'PY'
		import sys, urllib.request
		print(urllib.request.urlopen(sys.argv[1], sys.argv[2].encode() if len(sys.argv) > 2 else None, 10).read().decode())
	PY
}
start_sap && sap_says orders '{ "id": "1000123", "material": "BOTTLE-05", "quantity": 100000000, "operations": ["0010"] }' >"$work/orders.log" ||
	fail "the simulated SAP did not come up"

say "a bottling line: filler, capper, labeller, packer, twenty times as fast as life"
"$program" sim bottling --base-port 0 --seed 3 --skip 2m --scale 20 >"$work/sim.log" 2>&1 &
pids="$pids $!"
wait_for 10 grep -q '^ready' "$work/sim.log" || fail "the simulated line did not come up"
sed -n 's/^endpoint \([^ ]*\) \([^ ]*\) .*/\1 speaks Modbus TCP on \2/p' "$work/sim.log"

say "the site file names them; it is checked before anything runs"
set -- filler 15020 capper 15021 labeller 15022 packer 15023
cp "$here/site.yaml" "$work/site.yaml"
while [ $# -gt 0 ]; do
	address=$(sed -n "s/^endpoint $1 \([^ ]*\) .*/\1/p" "$work/sim.log")
	sed -i "s/127\.0\.0\.1:$2\"/$address\"/" "$work/site.yaml"
	shift 2
done
sed -i "s/127\.0\.0\.1:15083/127.0.0.1:$port/" "$work/site.yaml"
# The sink of the simulated SAP, its flow and its events join the site file.
sed -i '/^sinks:/a\  sap: { kind: sap-odata, zone: plant-it, server: "127.0.0.1:'"$sap_port"'", tls: no, user: PENSTOCK, password-file: '"$work"'/sap.password,\
    rate: 0, settle: 1 s, settings: [ "plant = 1010" ],\
    post: [ "**/confirmation -> production-confirmation", "**/vibration-high -> maintenance-notification" ] }' "$work/site.yaml"
cat "$here/sap.yaml" >>"$work/site.yaml"
run check "$work/site.yaml" || fail "the site file has findings"

say "running for $part s"
"$program" run "$work/site.yaml" 2>"$work/penstock.log" &
gateway=$!
pids="$pids $gateway"
wait_for 20 grep -q event=ready "$work/penstock.log" || fail "penstock did not come up"
sleep "$part"
run status || fail "penstock does not answer"

say "the cut: broker and SAP go away for $part s; gate, office and insight are killed meanwhile (SIGKILL)"
kill "$broker" "$sap"
wait "$broker" "$sap" 2>/dev/null
sleep 2
for role in gate office insight; do
	pid=$("$program" status | awk -v role=$role '$1 == role { print $2; exit }')
	[ -n "$pid" ] || fail "there is no process $role"
	kill -9 "$pid" && echo "killed $role, pid $pid"
	sleep 0.5
done
sleep "$part"
run status | sed -n '/^PROCESS/,/^$/p; /^SINK/,$p'

say "both are back; the backlog goes out while the line runs on"
start_broker || fail "the broker did not come back"
start_sap || fail "the simulated SAP did not come back"
caught_up() { "$program" status | awk '$1 == "plant-broker" && $2 == "connected" && $4 < 300 { ok = 1 } END { exit !ok }'; }
wait_for 90 caught_up || fail "the backlog did not go out"
run status | sed -n '/^SINK/,$p'
sleep "$part"
run trend '**/Filler/speed' --last "$((part * 6))s" || fail "the history has nothing to show"
run why 'Packaging/Line 3/Filler/speed'

say "one bottle, from the register of the filler to the document in SAP"
bottle=$("$program" trend '**/Filler/good-count' --last "${part}s" --json | sed -n 's/.*"v":\([0-9]*\),.*/\1/p' | tail -n 1)
sleep 5	# until it is in a confirmation
run outbox list
run follow 'Packaging/Line 3/Filler/good-count' --count "${bottle:-1}" || fail "the bottle cannot be followed"

say "stopping in good order, then the proof, from the files alone"
run stop
wait "$gateway"
status=$?
[ "$status" = 0 ] || fail "penstock ended with status $status"
sleep 2
run ledger --verify || fail "the ledger does not balance"

# What the listener holds: each message once by its key, and the samples in it counted; against what the ledger says was delivered.
awk '{
	if (!match($0, /"key":"[^"]*"/)) next
	key = substr($0, RSTART + 7, RLENGTH - 8)
	messages++
	if (key in seen) { repeats++; next }
	seen[key] = 1
	samples += gsub(/"n":"/, "")
} END { printf "%d %d %d\n", messages, samples, repeats }' "$work/received.jsonl" >"$work/received.count"
read -r messages samples repeats <"$work/received.count"
delivered=$("$program" ledger --json | tr ',{' '\n\n' | awk -F: '/"sink"|"name"/ { gsub(/[" }]/, "", $2); sink = $2 } /"delivered"/ && sink == "plant-broker" { n += $2 } END { print n + 0 }')
printf '\nledger: %s samples delivered to plant-broker\nlistener: %s samples in %s messages, %s of them repeats known by their key\n' \
	"$delivered" "$samples" "$messages" "$repeats"
[ "$samples" -gt 0 ] && [ "$samples" = "$delivered" ] || fail "the listener does not hold what the ledger says was delivered"

# What SAP has booked against what was counted: each event of the spool once, and its quantities.
booked() {
	sap_says documents >"$work/documents.json"
	"$program" spool dump line-state --json | grep 'Filler/good-count"' >"$work/readings.jsonl"
	"$program" spool dump bookings --json | /usr/bin/python3 "$here/booked.py" "$work/documents.json" "$work/readings.jsonl"
}
booked || fail "SAP has not booked what was counted"
say "nothing was lost, and nothing booked twice. Look around in build/demo: site.yaml, state, received.jsonl"
