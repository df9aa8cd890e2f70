/*
 * A generic OData V4 server that is not ours (npm's simple-odata-server) with one entity set, MeasurementDocument, kept in memory.
 *
 *   node odata_v4.js --port N
 *
 * It lies at the path that SAP's service of that name has. It knows neither tokens nor HEAD nor $batch, and says 404 to them: a far end that
 * is no SAP Gateway. Prints "listening URL", "ready", then a JSON line a request: {"method", "url", "status", "body"}. Ends on SIGTERM and
 * SIGINT.
 */
"use strict";
const http = require("http");
const ODataServer = require("simple-odata-server");
const { words } = require("./words");

const ROOT = "/sap/opu/odata4/sap/api_measurementdocument/srvd_a2x/sap/measurementdocument/0001";
const opt = words(process.argv.slice(2), { port: 0 });
const model = {
	namespace: "measurement",
	entityTypes: { MeasurementDocumentType: {
		MeasurementDocument: { type: "Edm.String", key: true, nullable: false }, MeasuringPoint: { type: "Edm.String" },
		MsmtRdngDate: { type: "Edm.Date" }, MsmtRdngTime: { type: "Edm.TimeOfDay" }, MeasurementReadingInEntryUoM: { type: "Edm.Double" },
		MeasurementReadingEntryUoM: { type: "Edm.String" }, MsmtCntrReadingDiffIsEntered: { type: "Edm.Boolean" },
		MsmtValuationCode: { type: "Edm.String" }, MeasurementDocumentText: { type: "Edm.String" }, MsmtRdngByUser: { type: "Edm.String" } } },
	entitySets: { MeasurementDocument: { entityType: "measurement.MeasurementDocumentType" } },
};
const rows = [];
const compare = { $gt: (a, b) => a > b, $lt: (a, b) => a < b, $gte: (a, b) => a >= b, $lte: (a, b) => a <= b, $ne: (a, b) => a !== b };

/* Whether a row fits a condition in the form that the server hands on. */
function fits(row, condition) {
	return Object.entries(condition || {}).every(([name, want]) => {
		if (name === "$and")
			return want.every((c) => fits(row, c));
		if (name === "$or")
			return want.some((c) => fits(row, c));
		const have = row[name === "_id" ? "MeasurementDocument" : name];
		if (want !== null && typeof want === "object" && !(want instanceof RegExp))
			return Object.entries(want).every(([op, limit]) => compare[op](have, limit));
		return want instanceof RegExp ? want.test(have) : have === want;
	});
}

function query(set, q, req, done) {
	let found = rows.filter((row) => fits(row, q.$filter));
	const count = found.length;
	found = found.slice(q.$skip || 0, q.$limit ? (q.$skip || 0) + q.$limit : undefined).map((row) => ({ ...row }));
	done(null, q.$count ? count : q.$inlinecount ? { count, value: found } : found);
}

function insert(set, doc, req, done) {
	const ident = String(rows.length + 1);
	rows.push({ ...doc, MeasurementDocument: ident });
	done(null, { ...doc, MeasurementDocument: ident, _id: ident });
}

function serve(port) {
	const odata = new ODataServer(`http://127.0.0.1:${port}${ROOT}`);
	odata.model(model).query(query).insert(insert);
	odata.on("odata-error", () => {});
	http.createServer((req, res) => {
		const parts = [];
		req.on("data", (part) => parts.push(part));
		req.on("end", () => {
			const text = Buffer.concat(parts).toString();
			try {
				req.body = text ? JSON.parse(text) : undefined;
			} catch {
				req.body = undefined;
			}
			res.on("finish", () => console.log(JSON.stringify({ method: req.method, url: req.url, status: res.statusCode, body: text })));
			odata.handle(req, res);
		});
	}).listen(port, "127.0.0.1", () => {
		console.log(`listening http://127.0.0.1:${port}${ROOT}`);
		console.log("ready");
	});
}

/* The server wants to know its own address before it is there. */
const probe = http.createServer().listen(Number(opt.port), "127.0.0.1", () => {
	const { port } = probe.address();
	probe.close(() => serve(port));
});
for (const name of ["SIGTERM", "SIGINT"])
	process.on(name, () => process.exit(0));
