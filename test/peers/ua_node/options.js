/*
 * What the node-opcua peers share: their command lines, what a JSON line can carry, commands on standard input.
 *
 * parse(argv, { port: 4840, policy: [], loud: false }) takes --port N, --policy A --policy B and --loud; what the default
 * is, a number, a text, a list or a flag, says how a word is read.
 */
"use strict";
const fs = require("fs");
const readline = require("readline");

function parse(argv, defaults) {
	const opt = { ...defaults };
	const key = (word) => word.replace(/^--/, "").replace(/-(.)/g, (_, c) => c.toUpperCase());
	for (let i = 0; i < argv.length; i++) {
		const k = key(argv[i]);
		if (!argv[i].startsWith("--") || !(k in defaults))
			throw new Error(`there is no option ${argv[i]}`);
		if (typeof defaults[k] === "boolean") {
			opt[k] = true;
			continue;
		}
		const v = argv[++i];
		if (v === undefined)
			throw new Error(`--${k} wants a word behind it`);
		if (Array.isArray(defaults[k]))
			opt[k] = [...opt[k], v];
		else
			opt[k] = typeof defaults[k] === "number" ? Number(v) : v;
	}
	return opt;
}

/* What a JSON line can carry: 64-bit integers as decimal text, bytes as base64, times as ISO text, NaN as text. */
function plain(v) {
	if (v === null || v === undefined)
		return null;
	if (Buffer.isBuffer(v) || v instanceof Uint8Array)
		return Buffer.from(v).toString("base64");
	if (v instanceof Date)
		return v.toISOString();
	if (typeof v === "bigint")
		return v.toString();
	if (typeof v === "number")
		return Number.isFinite(v) ? v : String(v);
	if (ArrayBuffer.isView(v))
		return Array.from(v, plain);
	if (Array.isArray(v))
		return v.map(plain);
	if (typeof v === "object") {
		if (v.constructor && /^(NodeId|ExpandedNodeId|StatusCode|ConstantStatusCode|ModifiableStatusCode)$/
		    .test(v.constructor.name))
			return v.toString();
		if (typeof v.toJSON === "function")
			return v.toJSON();
		return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)]));
	}
	return v;
}

/* The same of an OPC UA Variant, whose 64-bit integers node-opcua holds as pairs, the high half first. */
function plainVariant(variant, o) {
	const signed = variant.dataType === o.DataType.Int64;
	if ((!signed && variant.dataType !== o.DataType.UInt64) || variant.value === null || variant.value === undefined)
		return plain(variant.value);
	const one = ([high, low]) => {
		const bits = BigInt(high) << 32n | BigInt(low);
		return (signed ? BigInt.asIntN(64, bits) : bits).toString();
	};
	return variant.arrayType === o.VariantArrayType.Scalar ? one(variant.value) : Array.from(variant.value, one);
}

function say(o) {
	process.stdout.write(JSON.stringify(o) + "\n");
}

/*
 * Obeys lines of standard input, one after the other, each answered by one JSON line with the "id" that "#N" before it gave.
 * known maps a first word to an async function of the words; end() is called for `quit` and when a pipe is closed.
 */
function obey(known, end) {
	const lines = readline.createInterface({ input: process.stdin });
	let before = Promise.resolve();

	async function one(line) {
		let words = line.split(" "), id = 0;
		if (words[0].startsWith("#")) {
			id = Number(words[0].slice(1));
			words = words.slice(1);
		}
		try {
			if (words[0] !== "quit" && !Object.prototype.hasOwnProperty.call(known, words[0]))
				throw new Error("no such command");
			say({ ok: true, id, ...words[0] === "quit" ? {} : await known[words[0]](words) });
		} catch (e) {
			say({ ok: false, id, error: e.message });
		}
		if (words[0] === "quit")
			end();
	}
	lines.on("line", (line) => { before = before.then(() => one(line)); });
	if (fs.fstatSync(0).isFIFO())
		lines.on("close", () => before.then(end));
}

module.exports = { obey, parse, plain, plainVariant, say };
