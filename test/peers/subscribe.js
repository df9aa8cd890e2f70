/*
 * A subscriber that is not our code, on npm's mqtt. Counts what arrives and keeps each payload's key.
 *
 *   node subscribe.js --port N [--host H] [--topic T]... [--qos 0|1] [--version 4|5] [--count N] [--values NAME]
 *                     [--key NAME] [--keys FILE] [--record FILE] [--client-id ID --session-expiry SECONDS]
 *                     [--ca FILE] [--cert FILE] [--private-key FILE]
 *
 * Prints "ready" when subscribed, "count {...}" on SIGUSR2, and at the end (SIGTERM, or after --count messages)
 * "summary {...}": messages, values, bytes, not_json, keys, keys_distinct, keys_repeated, keyless, retained,
 * first_ms and last_ms (arrival, wall clock), and topics with messages of each.
 *
 * A payload's values are counted in its member --values (default "values": length of a list, members of an object; a
 * payload without it counts as one). Its key is its member --key (default "key"), else the MQTT 5 user property of that
 * name. --keys writes each key on a line, in order of arrival; --record one JSON line a message, payload in base64.
 */
"use strict";
const fs = require("fs");
const mqtt = require("mqtt");

function options(argv) {
	const o = { host: "127.0.0.1", topic: [], qos: 1, version: 5, count: 0, values: "values", key: "key" };
	for (let i = 0; i < argv.length; i += 2) {
		const name = argv[i].replace(/^--/, "");
		if (name === "topic")
			o.topic.push(argv[i + 1]);
		else
			o[name] = ["qos", "version", "count", "port", "session-expiry"].includes(name) ?
			    Number(argv[i + 1]) : argv[i + 1];
	}
	return o;
}

const opt = options(process.argv.slice(2));
const seen = new Set();
const sum = { messages: 0, values: 0, bytes: 0, not_json: 0, keys: 0, keys_distinct: 0, keys_repeated: 0, keyless: 0,
	retained: 0, first_ms: null, last_ms: null, topics: {} };
const keysOut = opt.keys ? fs.openSync(opt.keys, "w") : null;
const recordOut = opt.record ? fs.openSync(opt.record, "w") : null;

function takeKey(key) {
	if (key === undefined || key === null) {
		sum.keyless++;
		return;
	}
	const text = typeof key === "string" ? key : JSON.stringify(key);
	sum.keys++;
	if (seen.has(text))
		sum.keys_repeated++;
	seen.add(text);
	if (keysOut !== null)
		fs.writeSync(keysOut, text + "\n");
}

function countValues(v) {
	if (Array.isArray(v))
		return v.length;
	return v !== null && typeof v === "object" ? Object.keys(v).length : 1;
}

function take(topic, payload, packet) {
	const now = Date.now();
	sum.messages++;
	sum.bytes += payload.length;
	sum.retained += packet.retain ? 1 : 0;
	sum.first_ms = sum.first_ms === null ? now : sum.first_ms;
	sum.last_ms = now;
	sum.topics[topic] = (sum.topics[topic] || 0) + 1;
	let body = null;
	try {
		body = JSON.parse(payload.toString("utf8"));
	} catch (e) {
		sum.not_json++;
	}
	const user = (packet.properties && packet.properties.userProperties) || {};
	const has = body !== null && typeof body === "object";
	sum.values += has && opt.values in body ? countValues(body[opt.values]) : 1;
	takeKey(has && opt.key in body ? body[opt.key] : user[opt.key]);
	if (recordOut !== null)
		fs.writeSync(recordOut, JSON.stringify({ at_ms: now, topic, qos: packet.qos, retain: packet.retain,
		    dup: packet.dup, properties: packet.properties || {}, payload: payload.toString("base64") }) + "\n");
	if (opt.count && sum.messages >= opt.count)
		end();
}

let ended = false;
function end() {
	if (ended)
		return;
	ended = true;
	sum.keys_distinct = seen.size;
	process.stdout.write("summary " + JSON.stringify(sum) + "\n", () => client.end(true, {}, () => process.exit(0)));
}

const file = (name) => name ? fs.readFileSync(name) : undefined;
const client = mqtt.connect({
	protocol: opt.ca ? "mqtts" : "mqtt", host: opt.host, port: opt.port, protocolVersion: opt.version,
	clientId: opt["client-id"] || "subscriber-" + process.pid, clean: !opt["session-expiry"], reconnectPeriod: 200,
	properties: opt.version === 5 ? { sessionExpiryInterval: opt["session-expiry"] || 0 } : undefined,
	ca: file(opt.ca), cert: file(opt.cert), key: file(opt["private-key"]),
});
let ready = false;
client.on("connect", () => {
	client.subscribe(opt.topic.length ? opt.topic : ["#"], { qos: opt.qos }, (err) => {
		if (err) {
			console.error("subscribe: " + err.message);
			process.exit(1);
		}
		if (!ready)
			console.log("ready");
		ready = true;
	});
});
client.on("message", take);
client.on("error", (err) => console.error("mqtt: " + err.message));
process.on("SIGTERM", end);
process.on("SIGINT", end);
process.on("SIGUSR2", () => console.log("count " + JSON.stringify({ messages: sum.messages, values: sum.values })));
