/*
 * Decodes Sparkplug B messages with a library that is not ours (npm's sparkplug-payload), one JSON line a message.
 *
 *   node sparkplug_decode.js --port N [--host H] [--topic T]      from a broker; prints "ready" when subscribed
 *   node sparkplug_decode.js --stdin                              from lines "TOPIC HEX"
 *
 * A line: {"topic", "type", "group", "node", "device", "qos", "retain", "timestamp", "seq", "uuid", "metrics": [{"name",
 * "alias", "type", "value", "field", "raw", "is_null", "is_historical", "is_transient", "timestamp", "properties"}]}, or
 * for STATE {"topic", "type", "host", "state"}, or {"topic", "error"}.
 *
 * Data messages carry neither name nor datatype, only an alias; both are remembered from the births, as a host does.
 * "value" is what the library makes of a metric once it knows the datatype; "field" and "raw" are the member of the
 * protobuf oneof that was on the wire and what it held. They differ where the library has habits of its own: it looks
 * for UInt32 in long_value alone, while the specification puts it in int_value.
 * 64-bit integers beyond 2^53 and bytes are text (decimal, base64).
 */
"use strict";
const readline = require("readline");
const mqtt = require("mqtt");
const library = require("sparkplug-payload").get("spBv1.0");
const { Payload } = require("sparkplug-payload/lib/sparkplugPayloadProto").org.eclipse.tahu.protobuf;

const nodes = new Map();		/* "group/node" -> { byAlias: Map, byName: Map } of { name, datatype } */

function plain(v) {
	if (v === null || v === undefined)
		return null;
	if (Buffer.isBuffer(v) || v instanceof Uint8Array)
		return Buffer.from(v).toString("base64");
	if (typeof v === "object" && typeof v.toNumber === "function")
		return Number.isSafeInteger(v.toNumber()) ? v.toNumber() : v.toString();
	if (Array.isArray(v))
		return v.map(plain);
	if (typeof v === "object")
		return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)]));
	return typeof v === "number" && !Number.isFinite(v) ? String(v) : v;
}

/* Fills in what the births said about a metric, or remembers what this birth says. */
function knowMetric(known, scope, metric, birth) {
	const has = (k) => Object.prototype.hasOwnProperty.call(metric, k);
	if (birth) {
		const entry = { name: metric.name, datatype: metric.datatype };
		if (has("alias"))
			known.byAlias.set(String(metric.alias), entry);
		known.byName.set(scope + "/" + metric.name, entry);
		return entry;
	}
	const entry = has("name") ? known.byName.get(scope + "/" + metric.name) : known.byAlias.get(String(metric.alias));
	if (entry !== undefined && !has("datatype"))
		metric.datatype = entry.datatype;
	return entry;
}

function decode(topic, payload) {
	const [, group, type, node, device] = topic.split("/");
	const out = { topic, type, group, node, device: device || null };
	if (group === "STATE")
		return { topic, type: "STATE", host: type, state: JSON.parse(payload.toString()) };
	const id = group + "/" + node;
	if (type === "NBIRTH" || !nodes.has(id))
		nodes.set(id, { byAlias: new Map(), byName: new Map() });

	const raw = Payload.decode(payload);
	const known = raw.metrics.map((m) => knowMetric(nodes.get(id), device || "", m, type.endsWith("BIRTH")));
	const cooked = library.decodePayload(Payload.encode(raw).finish());
	const has = (k) => Object.prototype.hasOwnProperty.call(raw, k);
	out.timestamp = has("timestamp") ? plain(raw.timestamp) : null;
	out.seq = has("seq") ? plain(raw.seq) : null;
	out.uuid = has("uuid") ? raw.uuid : null;
	out.metrics = raw.metrics.map((m, i) => {
		const c = (cooked.metrics || [])[i] || {};
		const own = (k) => Object.prototype.hasOwnProperty.call(m, k);
		const field = m.value || null;		/* the oneof that is set */
		return {
			name: own("name") ? m.name : known[i] ? known[i].name : null, named: own("name"),
			alias: own("alias") ? plain(m.alias) : null, type: c.type || null, value: plain(c.value),
			field, raw: field ? plain(m[field]) : null, is_null: own("isNull") && m.isNull,
			is_historical: own("isHistorical") && m.isHistorical, is_transient: own("isTransient") && m.isTransient,
			timestamp: own("timestamp") ? plain(m.timestamp) : null, properties: plain(c.properties || {}),
		};
	});
	return out;
}

function show(topic, payload, packet) {
	let out;
	try {
		out = decode(topic, payload);
	} catch (e) {
		out = { topic, error: e.message };
	}
	if (packet !== undefined)
		Object.assign(out, { qos: packet.qos, retain: packet.retain });
	console.log(JSON.stringify(out));
}

function fromBroker(argv) {
	const value = (name, otherwise) => argv.includes(name) ? argv[argv.indexOf(name) + 1] : otherwise;
	const client = mqtt.connect({ protocol: "mqtt", host: value("--host", "127.0.0.1"), port: Number(value("--port")),
		protocolVersion: 4, clientId: "decoder-" + process.pid, reconnectPeriod: 200 });
	client.on("connect", () => client.subscribe(value("--topic", "spBv1.0/#"), { qos: 1 }, (err) => {
		if (err) {
			console.error("subscribe: " + err.message);
			process.exit(1);
		}
		console.log("ready");
	}));
	client.on("message", show);
	client.on("error", (err) => console.error("mqtt: " + err.message));
	process.on("SIGTERM", () => client.end(true, {}, () => process.exit(0)));
}

function fromLines() {
	readline.createInterface({ input: process.stdin }).on("line", (line) => {
		const [topic, hex] = line.split(" ");
		show(topic, Buffer.from(hex || "", "hex"));
	});
}

if (process.argv.includes("--stdin"))
	fromLines();
else
	fromBroker(process.argv.slice(2));
