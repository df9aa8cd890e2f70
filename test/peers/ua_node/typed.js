/*
 * A variable of every kind, with the same names and values as test/peers/ua/typed.c has; what differs is that node-opcua
 * keeps times to the millisecond in what it is given here. 64-bit integers are pairs, the high half first.
 */
"use strict";
const o = require("node-opcua");
const { folder } = require("./bulk");

const D = o.DataType;

function scalars(ns) {
	const at = new Date("2026-11-22T12:34:56.789Z");
	return {
		Boolean: [D.Boolean, true], SByte: [D.SByte, -8], Byte: [D.Byte, 200], Int16: [D.Int16, -1600],
		UInt16: [D.UInt16, 60000], Int32: [D.Int32, -320000], UInt32: [D.UInt32, 4000000000],
		Int64: [D.Int64, [0xffdfffff, 0xffffffff]], UInt64: [D.UInt64, [0xffffffff, 0xffffffff]],
		Float: [D.Float, 1.5], Double: [D.Double, -0.1], String: [D.String, "Füller €"], DateTime: [D.DateTime, at],
		Guid: [D.Guid, "72962B91-FA75-4AE6-8D28-B404DC7DAF63"], ByteString: [D.ByteString, Buffer.from([0, 255, 16])],
		XmlElement: [D.XmlElement, "<a/>"], NodeId: [D.NodeId, o.coerceNodeId(`ns=${ns.index};s=v0`)],
		ExpandedNodeId: [D.ExpandedNodeId, new o.ExpandedNodeId(o.NodeIdType.NUMERIC, 7, 0, "urn:elsewhere", 0)],
		StatusCode: [D.StatusCode, o.StatusCodes.BadNodeIdUnknown],
		QualifiedName: [D.QualifiedName, { namespaceIndex: ns.index, name: "Filler" }],
		LocalizedText: [D.LocalizedText, { locale: "de", text: "Füllstand" }], Duration: [D.Double, 1250, "Duration"],
	};
}

function structures(ns, space) {
	const type = (name) => space.findDataType(name, ns.index);
	const make = (name, fields) => space.constructExtensionObject(type(name), fields);
	const point = make("Point", { x: 1, y: 2, z: -3 });
	return {
		"t.Point": ["Point", point],
		"t.Recipe": ["Recipe", make("Recipe", { name: "Apfelschorle", number: 4711, mode: 3, temperatures: [72.5, 85, 4],
			start: { x: 1, y: 2, z: -3 }, valid: true })],
		"t.Batch": ["Batch", make("Batch", { id: -7, weight: 998.5 })],
		"t.Choice": ["Choice", make("Choice", { text: "left" })],
		"a.Points": ["Point", [point, make("Point", { x: 4, y: 5, z: 6 })]],
	};
}

function addTyped(ns, root, space) {
	const parent = folder(ns, root, "Types");
	const add = (name, dataType, value, more) => {
		const v = ns.addVariable({ browseName: name, nodeId: `s=${name}`, organizedBy: parent, dataType,
			accessLevel: "CurrentRead | CurrentWrite", userAccessLevel: "CurrentRead | CurrentWrite", ...more });
		if (value)
			v.setValueFromSource(value);
		return v;
	};
	for (const [name, [dataType, value, declared]] of Object.entries(scalars(ns)))
		add(`t.${name}`, declared || D[dataType], { dataType, arrayType: o.VariantArrayType.Scalar, value });
	const array = { valueRank: 1, arrayDimensions: [0] };
	const list = (dataType, value) => ({ dataType, arrayType: o.VariantArrayType.Array, value });
	add("a.Int32", "Int32", list(D.Int32, [-1, 0, 1]), array);
	add("a.Double", "Double", list(D.Double, [0.5, 1.5, 2.5]), array);
	add("a.Boolean", "Boolean", list(D.Boolean, [true, false, true]), array);
	add("a.String", "String", list(D.String, ["a", "", "c"]), array);
	add("a.Empty", "Int32", list(D.Int32, []), array);
	add("m.Double", "Double", { dataType: D.Double, arrayType: o.VariantArrayType.Matrix, dimensions: [2, 3],
		value: [1, 2, 3, 4, 5, 6] }, { valueRank: 2, arrayDimensions: [2, 3] });
	add("t.Null", "Double");
	add("t.Mode", space.findDataType("Mode", ns.index), { dataType: D.Int32, value: 2 });
	for (const [name, [type, value]] of Object.entries(structures(ns, space)))
		add(name, space.findDataType(type, ns.index), Array.isArray(value) ? list(D.ExtensionObject, value) :
			{ dataType: D.ExtensionObject, value }, Array.isArray(value) ? array : {});
}

module.exports = { addTyped };
