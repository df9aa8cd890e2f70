/*
 * What ua_client.js can be asked. NODE is a name in the plant's namespace, or a whole node id. Values come as
 * {"type", "value", "status": number, "source", "server": ISO times}; 64-bit integers are decimal text.
 *
 *   read NODE...                           {"values": [...]}
 *   attribute NODE NUMBER                  {"values": [one]}: another attribute than Value
 *   write NODE TYPE JSON                   {"status"}
 *   call OBJECT METHOD [TYPE JSON]...      {"status", "outputs": [...]}
 *   browse NODE                            {"references": [{"name", "node", "class", "type"}]}
 *   walk NODE                              {"nodes", "ms"}: everything below it
 *   history NODE FROM_MS TO_MS             {"values"}: raw, with the bounds left out, following continuation points
 *   processed NODE FROM_MS TO_MS INTERVAL_MS AGGREGATE     {"values"}; AGGREGATE as Average, Minimum, Maximum, Count
 *   subscribe PREFIX FROM N SAMPLING_MS QUEUE              {"created", "refused"}: items PREFIX<FROM>.. in one subscription
 *   watch SAMPLING QUEUE NODE...           the same for nodes by name, every change of value, status or time
 *   counts                                 {"values", "bad", "gaps", "items_seen", "overflow"} of all items so far; a gap is
 *                                          a number that rose by more than one
 *   last NODE                              {"value"}: what came last for a subscribed node
 *   events NODE                            from then on {"event":"ua-event","fields":{...}} for each; {"refresh": status}
 *                                          after a ConditionRefresh
 *   acknowledge CONDITION EVENT_ID TEXT, confirm CONDITION EVENT_ID TEXT      {"status"}; EVENT_ID in base64
 */
"use strict";
const o = require("node-opcua");
const { plain, plainVariant, say } = require("./options");

const FIELDS = ["EventId", "EventType", "SourceNode", "SourceName", "Time", "Message", "Severity", "ConditionName", "BranchId",
	"Retain", "ActiveState.Id", "AckedState.Id", "ConfirmedState.Id", "ConditionId"];
const BASE_FIELDS = 7;			/* so many of them are BaseEventType's */
const AGGREGATES = { Average: 2342, Minimum: 2346, Maximum: 2347, Count: 2352, Interpolative: 2341 };

const told = (d) => ({ type: o.DataType[d.value.dataType], value: plainVariant(d.value, o), status: d.statusCode.value,
	source: plain(d.sourceTimestamp), server: plain(d.serverTimestamp) });

/* Subscriptions and what has arrived. */
function watcher(session) {
	const seen = { values: 0, bad: 0, gaps: 0, overflow: 0 }, last = new Map();
	const subscriptions = [];

	function arrived(node, d) {
		const before = last.get(node);
		last.set(node, d);
		seen.values++;
		seen.bad += d.statusCode.isBad() ? 1 : 0;
		seen.overflow += d.statusCode.value & 0x80 && (d.statusCode.value & 0x0400) ? 1 : 0;
		if (before && typeof d.value.value === "number" && d.value.value > before.value.value + 1)
			seen.gaps++;
	}

	async function subscription(publishingInterval) {
		const s = await session.createSubscription2({ requestedPublishingInterval: publishingInterval,
			requestedLifetimeCount: 600, requestedMaxKeepAliveCount: 10, maxNotificationsPerPublish: 0,
			publishingEnabled: true, priority: 1 });
		s.on("terminated", () => say({ event: "subscription-ended" }));
		subscriptions.push(s);
		return s;
	}

	async function items(nodes, samplingInterval, queueSize, filter) {
		const s = await subscription(samplingInterval);
		let created = 0, refused = 0;
		for (let i = 0; i < nodes.length; i += 1000) {
			const some = nodes.slice(i, i + 1000);
			const group = await s.monitorItems(some.map((nodeId) => ({ nodeId, attributeId: o.AttributeIds.Value })),
				{ samplingInterval, queueSize, discardOldest: true, filter }, o.TimestampsToReturn.Both);
			group.on("changed", (item, d, index) => arrived(some[index], d));
			for (const item of group.monitoredItems)
				item.statusCode && item.statusCode.isGood() ? created++ : refused++;
		}
		return { created, refused };
	}

	async function events(nodeId) {
		const s = await subscription(200);
		const monitor = (filter) => s.monitor({ nodeId, attributeId: o.AttributeIds.EventNotifier },
			{ samplingInterval: 0, queueSize: 1000, discardOldest: true, filter }, o.TimestampsToReturn.Both);
		const filter = o.constructEventFilter(FIELDS.filter((f) => f !== "ConditionId"), undefined);
		filter.selectClauses.push(new o.SimpleAttributeOperand({ typeDefinitionId: o.resolveNodeId("ConditionType"),
			browsePath: [], attributeId: o.AttributeIds.NodeId }));
		let item = await monitor(filter);
		if (item.statusCode.isBad())		/* a server without conditions may refuse to name their fields */
			item = await monitor(o.constructEventFilter(FIELDS.slice(0, BASE_FIELDS), undefined));
		if (item.statusCode.isBad())
			throw new Error(item.statusCode.name);
		item.on("changed", (fields) => say({ event: "ua-event", fields: Object.fromEntries(FIELDS.map((name, i) =>
			[name, i < fields.length ? plainVariant(fields[i], o) : null])) }));
		const done = await session.call({ objectId: "i=2782", methodId: "i=3875",
			inputArguments: [{ dataType: o.DataType.UInt32, value: s.subscriptionId }] });
		return { refresh: done.statusCode.value };
	}

	return { items, events, counts: () => ({ ...seen, items_seen: last.size }), last: (node) => last.get(node) };
}

async function walk(session, from) {
	let level = [from], nodes = 0;
	const began = Date.now();
	while (level.length) {
		const next = [];
		for (let i = 0; i < level.length; i += 500) {
			const results = await o.browseAll(session, level.slice(i, i + 500).map((nodeId) => ({ nodeId,
				referenceTypeId: "HierarchicalReferences", includeSubtypes: true, browseDirection: 0,
				nodeClassMask: 0, resultMask: 63 })));
			for (const r of results)
				next.push(...r.references.map((x) => x.nodeId.toString()));
		}
		nodes += next.length;
		level = next;
	}
	return { nodes, ms: Date.now() - began };
}

async function rawHistory(session, nodeId, from, to) {
	const values = [];
	let continuationPoint;
	do {
		const answer = await session.historyRead(new o.HistoryReadRequest({
			historyReadDetails: new o.ReadRawModifiedDetails({ isReadModified: false, startTime: from, endTime: to,
				numValuesPerNode: 1000, returnBounds: false }),
			nodesToRead: [{ nodeId, continuationPoint }], timestampsToReturn: o.TimestampsToReturn.Both }));
		const result = answer.results[0];
		if (result.statusCode.isBad())
			throw new Error(result.statusCode.name);
		values.push(...(result.historyData && result.historyData.dataValues || []).map(told));
		continuationPoint = result.continuationPoint;
	} while (continuationPoint && continuationPoint.length);
	return { values };
}

function queries(session, index) {
	const watch = watcher(session);
	const id = (name) => /^(ns=|i=)/.test(name) ? name : `ns=${index};s=${name}`;
	const variant = (type, json) => {
		const value = JSON.parse(json);
		return { dataType: o.DataType[type], value: type === "DateTime" ? new Date(value) : value,
			arrayType: Array.isArray(value) ? o.VariantArrayType.Array : o.VariantArrayType.Scalar };
	};
	const comment = async (method, w) => ({ status: (await session[method](id(w[1]), Buffer.from(w[2], "base64"),
		w.slice(3).join(" "))).value });
	return {
		read: async (w) => ({ values: (await session.read(w.slice(1).map((n) => ({ nodeId: id(n),
			attributeId: o.AttributeIds.Value })))).map(told) }),
		attribute: async (w) => ({ values:
			[told(await session.read({ nodeId: id(w[1]), attributeId: Number(w[2]) }))] }),
		write: async (w) => ({ status: (await session.write({ nodeId: id(w[1]), attributeId: o.AttributeIds.Value,
			value: { value: variant(w[2], w.slice(3).join(" ")) } })).value }),
		call: async (w) => {
			const inputArguments = [];
			for (let i = 3; i + 1 < w.length; i += 2)
				inputArguments.push(variant(w[i], w[i + 1]));
			const done = await session.call({ objectId: id(w[1]), methodId: id(w[2]), inputArguments });
			return { status: done.statusCode.value,
				outputs: (done.outputArguments || []).map((v) => plainVariant(v, o)) };
		},
		browse: async (w) => ({ references: (await o.browseAll(session, { nodeId: id(w[1]), browseDirection: 0,
			referenceTypeId: "HierarchicalReferences", includeSubtypes: true, nodeClassMask: 0, resultMask: 63 }))
			.references.map((r) => ({ name: r.browseName.toString(), node: r.nodeId.toString(),
				class: o.NodeClass[r.nodeClass], type: r.typeDefinition.toString() })) }),
		walk: (w) => walk(session, id(w[1])),
		history: (w) => rawHistory(session, id(w[1]), new Date(Number(w[2])), new Date(Number(w[3]))),
		processed: async (w) => {
			const r = await session.readAggregateValue({ nodeId: id(w[1]) }, new Date(Number(w[2])), new Date(Number(w[3])),
				o.makeNodeId(AGGREGATES[w[5]]), Number(w[4]));
			if (r.statusCode.isBad())
				throw new Error(r.statusCode.name);
			return { values: (r.historyData && r.historyData.dataValues || []).map(told) };
		},
		subscribe: (w) => watch.items(Array.from({ length: Number(w[3]) }, (_, i) => id(`${w[1]}${Number(w[2]) + i}`)),
			Number(w[4]), Number(w[5])),
		watch: (w) => watch.items(w.slice(3).map(id), Number(w[1]), Number(w[2]),
			new o.DataChangeFilter({ trigger: o.DataChangeTrigger.StatusValueTimestamp })),
		counts: async () => watch.counts(),
		last: async (w) => ({ value: watch.last(id(w[1])) ? told(watch.last(id(w[1]))) : null }),
		events: (w) => watch.events(id(w[1])),
		acknowledge: (w) => comment("acknowledgeCondition", w),
		confirm: (w) => comment("confirmCondition", w),
	};
}

module.exports = { queries };
