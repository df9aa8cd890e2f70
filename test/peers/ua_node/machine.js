/*
 * What a machine has besides plain values: analog items, writes with a will of their own and methods, as
 * test/peers/ua/machine.c has them; beyond that events and a limit alarm (Part 9):
 *
 *   Tank             an object that may be subscribed to for events, as Server is; it holds Tank.level (Double, writable)
 *   Tank.LevelAlarm  an exclusive limit alarm on Tank.level: LowLow 5, Low 10, High 90, HighHigh 95; acknowledgeable and
 *                    confirmable; in the server's own namespace (index 1); inactive at the start, since the level is 50
 *   Redundancy       RedundancySupport and ServerUriArray of the object Server, and its ServiceLevel (Part 5, 6.3.14)
 */
"use strict";
const o = require("node-opcua");
const { folder } = require("./bulk");
const { say, plainVariant } = require("./options");

const RW = { accessLevel: "CurrentRead | CurrentWrite", userAccessLevel: "CurrentRead | CurrentWrite" };

function tellWrite(node, variant) {
	say({ event: "write", node: node.nodeId.toString(), value: variant ? plainVariant(variant, o) : null });
}

function addAnalog(ns, parent, n) {
	const units = [["°C", "degree Celsius", 4408652, -40, 150], ["bar", "bar", 4342098, 0, 16], ["m", "metre", 5067858, 0, 3]];
	for (let i = 0; i < n; i++) {
		const [sign, text, unitId, low, high] = units[i % units.length];
		ns.addAnalogDataItem({ browseName: `q${i}`, nodeId: `s=q${i}`, organizedBy: parent, dataType: "Double", ...RW,
			description: "An analog item of the plant", engineeringUnitsRange: { low, high },
			engineeringUnits: { namespaceUri: "http://www.opcfoundation.org/UA/units/un/cefact", unitId,
				displayName: { locale: "en", text: sign }, description: { locale: "en", text } },
			value: { dataType: o.DataType.Double, value: 1 + i } });
	}
}

function addOwnWrites(ns, parent) {
	let clamped = 50;
	const one = () => new o.Variant({ dataType: o.DataType.Double, value: 1 });
	const add = (name, value, more = {}) => {
		const v = ns.addVariable({ browseName: name, nodeId: `s=${name}`, organizedBy: parent, dataType: "Double", ...RW,
			minimumSamplingInterval: 50,
			...more, value });
		return v;
	};
	const ignore = add("w.ignore", { get: one, set: (x) => { tellWrite(ignore, x); return o.StatusCodes.Good; } });
	const clamp = add("w.clamp", { get: () => new o.Variant({ dataType: o.DataType.Double, value: clamped }),
		set: (x) => {
			tellWrite(clamp, x);
			clamped = Math.min(100, Math.max(0, x.value));
			return o.StatusCodes.Good;
		} });
	add("w.refuse", { get: one, set: () => o.StatusCodes.BadUserAccessDenied });
	add("w.readonly", { get: one }, { accessLevel: "CurrentRead", userAccessLevel: "CurrentRead" });
}

function addMethods(ns, parent) {
	const number = (name) => ({ name, dataType: o.DataType.Double });
	ns.addMethod(parent, { browseName: "Add", nodeId: "s=Add", inputArguments: [number("a"), number("b")],
		outputArguments: [number("sum")] })
		.bindMethod((inputs, context, done) => done(null, { statusCode: o.StatusCodes.Good, outputArguments:
			[{ dataType: o.DataType.Double, value: inputs[0].value + inputs[1].value }] }));
	ns.addMethod(parent, { browseName: "Fail", nodeId: "s=Fail", inputArguments: [], outputArguments: [] })
		.bindMethod((inputs, context, done) => done(null, { statusCode: o.StatusCodes.BadInvalidState }));
}

function addTank(ns, root, space) {
	const tank = ns.addObject({ browseName: "Tank", nodeId: "s=Tank", organizedBy: root, eventNotifier: 1,
		notifierOf: space.rootFolder.objects.server });
	const level = ns.addVariable({ browseName: "level", nodeId: "s=Tank.level", componentOf: tank, dataType: "Double",
		eventSourceOf: tank, ...RW });
	level.setValueFromSource({ dataType: o.DataType.Double, value: 50 });
	const alarm = ns.instantiateExclusiveLimitAlarm("ExclusiveLimitAlarmType", { browseName: "LevelAlarm",
		nodeId: "s=Tank.LevelAlarm", componentOf: tank, conditionSource: level, inputNode: level, conditionOf: level,
		conditionName: "LevelAlarm", lowLowLimit: 5, lowLimit: 10, highLimit: 90, highHighLimit: 95,
		optionals: ["ConfirmedState", "Confirm"] });
	alarm.setEnabledState(true);
	for (const name of ["acknowledged", "confirmed"])
		alarm.on(name, (eventId, comment) => say({ event: name, comment: comment ? comment.text : null }));
	return { tank, level, alarm };
}

/* node-opcua answers ServiceLevel from a constant of its own; ours is answered instead. */
function addRedundancy(space, opt, state) {
	const find = (i) => space.findNode(`ns=0;i=${i}`);
	find(2267).bindVariable({ get: () => new o.Variant({ dataType: o.DataType.Byte, value: state.level }) }, true);
	if (opt.peerUri.length === 0)
		return;
	const uris = [opt.uri, ...opt.peerUri];
	find(3709).setValueFromSource({ dataType: o.DataType.Int32, value: opt.redundancy });
	let array = find(11314);
	if (!array)
		array = space.getNamespace(0).addVariable({ browseName: "ServerUriArray", nodeId: "i=11314", dataType: "String",
			propertyOf: find(2296), valueRank: 1, typeDefinition: "PropertyType" });
	array.setValueFromSource({ dataType: o.DataType.String, arrayType: o.VariantArrayType.Array, value: uris });
}

function addMachine(ns, root, space, opt, state) {
	const parent = folder(ns, root, "Machine");
	addAnalog(ns, parent, opt.analog);
	addOwnWrites(ns, parent);
	addMethods(ns, parent);
	addRedundancy(space, opt, state);
	return addTank(ns, root, space);
}

module.exports = { addMachine, tellWrite };
