/*
 * SAP's own mock server for OData (npm's @sap-ux/fe-mockserver-core) on the metadata in s4/metadata; it keeps what is posted.
 *
 *   node odata_mock.js --port N --data FOLDER [--service NAME]...
 *
 * Each service of OData V2 is served at /sap/opu/odata/sap/NAME; api_measurementdocument, of V4, at its own path. FOLDER is an empty one for
 * its data. It gives CSRF tokens, does not demand them, and compares the word Fetch by its case.
 *
 * Prints "listening URL", "ready", then a JSON line a request: {"method", "url", "status", "token": what x-csrf-token it came with}. Ends on
 * SIGTERM and SIGINT.
 */
"use strict";
const fs = require("fs");
const http = require("http");
const path = require("path");
const Mock = require("@sap-ux/fe-mockserver-core").default;
const { words } = require("./words");

const METADATA = path.join(__dirname, "s4/metadata");
const V4 = { api_measurementdocument: "/sap/opu/odata4/sap/api_measurementdocument/srvd_a2x/sap/measurementdocument/0001",
	api_measuringpoint: "/sap/opu/odata4/sap/api_measuringpoint/srvd_a2x/sap/measuringpoint/0001" };
const opt = words(process.argv.slice(2), { port: 0, data: "", service: [] });

/* A service with an empty file of data for each of its entity sets, so that nothing is made up. */
function service(name) {
	const metadataPath = path.join(METADATA, name + ".xml");
	const mockdataPath = path.join(opt.data, name);
	fs.mkdirSync(mockdataPath, { recursive: true });
	for (const [, set] of fs.readFileSync(metadataPath, "utf8").matchAll(/<EntitySet Name="(\w+)"/g))
		fs.writeFileSync(path.join(mockdataPath, set + ".json"), "[]");
	return { urlPath: V4[name] || "/sap/opu/odata/sap/" + name, metadataPath, mockdataPath, generateMockData: false, strictKeyMode: true,
		noETag: true, watch: false };
}

async function main() {
	const quiet = { info() {}, warn() {}, error: console.error, debug() {}, verbose() {}, silly() {}, perf() {} };
	const services = opt.service.map((name) => ({ ...service(name), logger: quiet }));
	const mock = new Mock({ services, annotations: [], logger: quiet });
	await mock.isReady;
	const server = http.createServer((req, res) => {
		const said = { method: req.method, url: req.url, token: req.headers["x-csrf-token"] || null };
		res.on("finish", () => console.log(JSON.stringify({ ...said, status: res.statusCode })));
		mock.getRouter()(req, res, () => {
			res.statusCode = 404;
			res.end("no such service");
		});
	});
	server.listen(Number(opt.port), "127.0.0.1", () => {
		console.log(`listening http://127.0.0.1:${server.address().port}`);
		console.log("ready");
	});
	for (const name of ["SIGTERM", "SIGINT"])
		process.on(name, () => process.exit(0));
}

main().catch((problem) => {
	console.error(problem);
	process.exit(1);
});
