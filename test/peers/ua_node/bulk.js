/*
 * The many variables, v0, v1, ... in folders of about 100 (a folder with very many children is slow in node-opcua), and the
 * ones with history, h0, h1, ... A bulk value counts its changes up from 0, so a missed one shows.
 */
"use strict";
const o = require("node-opcua");

function folder(ns, parent, name) {
	return ns.addObject({ browseName: name, nodeId: `s=${name}`, organizedBy: parent, typeDefinition: "FolderType" });
}

/* Returns the variables. They change all together each changeMs; what was set by hand rests until it is cleared. */
function addBulk(ns, root, opt, state) {
	const all = [];
	let parent = null;
	for (let i = 0; i < opt.variables; i++) {
		if (i % opt.perFolder === 0)
			parent = folder(ns, root, `f${i / opt.perFolder}`);
		const v = ns.addVariable({ browseName: `v${i}`, nodeId: `s=v${i}`, organizedBy: parent, dataType: "Double",
			accessLevel: "CurrentRead | CurrentWrite", userAccessLevel: "CurrentRead | CurrentWrite" });
		v.setValueFromSource({ dataType: o.DataType.Double, value: 0 });
		all.push(v);
	}
	if (opt.changeMs > 0) {
		let n = 0;
		state.timers.push(setInterval(() => {
			if (state.frozen)
				return;
			n++;
			const now = new Date(Date.now() + state.shiftMs);
			for (const v of all)
				if (!state.held.has(v.browseName.name))
					v.setValueFromSource({ dataType: o.DataType.Double, value: n }, o.StatusCodes.Good, now);
		}, opt.changeMs));
	}
	return all;
}

function addHistory(ns, root, opt, state) {
	if (opt.history === 0)
		return;
	const parent = folder(ns, root, "History");
	const all = [];
	for (let i = 0; i < opt.history; i++) {
		const v = ns.addVariable({ browseName: `h${i}`, nodeId: `s=h${i}`, organizedBy: parent, dataType: "Double",
			minimumSamplingInterval: 10 });
		ns.addressSpace.installHistoricalDataNode(v, { maxOnlineValues: 100000 });
		all.push(v);
	}
	o.addAggregateSupport(ns.addressSpace);
	if (opt.historyMs > 0) {
		let n = 0;
		state.timers.push(setInterval(() => {
			if (!state.frozen)
				for (const v of all)
					v.setValueFromSource({ dataType: o.DataType.Double, value: n });
			n += state.frozen ? 0 : 1;
		}, opt.historyMs));
	}
}

/* n values from the time on, first, first + 1, ..., past the variable's own value. */
async function fillHistory(v, fromMs, stepMs, n, first) {
	if (!v || !v.varHistorian)
		throw new Error("it keeps no history");
	for (let i = 0; i < n; i++) {
		const t = new Date(fromMs + i * stepMs);
		await v.varHistorian.push(new o.DataValue({ value: { dataType: o.DataType.Double, value: first + i },
			sourceTimestamp: t, serverTimestamp: t, statusCode: o.StatusCodes.Good }));
	}
}

module.exports = { folder, addBulk, addHistory, fillHistory };
