/*
 * Commands on standard input, as test/peers/ua/control.c has them, each answered by one JSON line with the "id" that "#N"
 * before the command gave. Values are plain JSON here: numbers, texts, booleans, lists; what is read comes back as
 * {"type", "value", "status", "source"}.
 *
 *   set NODE JSON, status NODE CODE, clear NODE, get NODE, remove NODE
 *   fill NAME UNIX_MS STEP_MS N FIRST      values into the history of NAME
 *   event SEVERITY TEXT                    a BaseEventType event of the object Server
 *   freeze, thaw, stall MS, shift MS, level N
 *   mute, unmute                           the server takes everything and publishes nothing, not even keep-alives
 *   close-sessions, stats, quit
 */
"use strict";
const o = require("node-opcua");
const { ServerSidePublishEngine } = require("node-opcua-server");
const { fillHistory } = require("./bulk");
const { plain, plainVariant } = require("./options");

const rest = (words, n) => words.slice(n).join(" ");

function variantOf(v, value) {
	const old = v.readValue().value;
	return new o.Variant({ dataType: old.dataType, arrayType: old.arrayType, dimensions: old.dimensions, value });
}

function mutable() {
	let muted = false;
	const original = ServerSidePublishEngine.prototype._send_response_for_request;
	ServerSidePublishEngine.prototype._send_response_for_request = function (data, response) {
		if (!muted)
			original.call(this, data, response);
	};
	return (on) => { muted = on; };
}

function commands(server, ns, state) {
	const space = server.engine.addressSpace;
	const mute = mutable();
	const find = (name) => {
		const node = space.findNode(/^(ns=|i=)/.test(name) ? name : `ns=${ns.index};s=${name}`);
		if (!node)
			throw new Error(`there is no node ${name}`);
		return node;
	};
	const statusOf = (code) => o.coerceStatusCode(Number(code));
	const now = () => new Date(Date.now() + state.shiftMs);
	return {
		set: (w) => {
			const v = find(w[1]);
			state.held.add(w[1]);
			v.setValueFromSource(variantOf(v, JSON.parse(rest(w, 2))), o.StatusCodes.Good, now());
		},
		status: (w) => {
			const v = find(w[1]);
			state.held.add(w[1]);
			v.setValueFromSource(v.readValue().value, statusOf(w[2]), now());
		},
		clear: (w) => { state.held.delete(w[1]); },
		get: (w) => {
			const d = find(w[1]).readValue();
			return { value: { type: o.DataType[d.value.dataType], value: plainVariant(d.value, o),
				status: d.statusCode.value, source: plain(d.sourceTimestamp) } };
		},
		remove: (w) => { space.deleteNode(find(w[1])); },
		fill: (w) => fillHistory(find(w[1]), Number(w[2]), Number(w[3]), Number(w[4]), Number(w[5])),
		event: (w) => {
			space.rootFolder.objects.server.raiseEvent("BaseEventType", {
				severity: { dataType: o.DataType.UInt16, value: Number(w[1]) },
				message: { dataType: o.DataType.LocalizedText, value: { locale: "en", text: rest(w, 2) } },
				sourceName: { dataType: o.DataType.String, value: "Server" } });
		},
		freeze: () => { state.frozen = true; },
		thaw: () => { state.frozen = false; },
		stall: (w) => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(w[1])); },
		shift: (w) => { state.shiftMs = Number(w[1]); },
		level: (w) => { state.level = Number(w[1]); },
		mute: () => mute(true),
		unmute: () => mute(false),
		"close-sessions": () => {
			const all = Object.values(server.engine._sessions);
			for (const session of all)
				server.engine.closeSession(session.authenticationToken, true, "Terminated");
			return { closed: all.length };
		},
		stats: () => ({ sessions: server.engine.currentSessionCount, channels: server.currentChannelCount,
			subscriptions: server.engine.currentSubscriptionCount, items: state.items, items_ever: state.itemsEver }),
	};
}

module.exports = { commands };
