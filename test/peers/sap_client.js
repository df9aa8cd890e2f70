/*
 * A client of OData that is not ours: the HTTP client of SAP's Cloud SDK (npm's @sap-cloud-sdk/http-client). It gets its CSRF token and
 * cookies in its own way: HEAD to the path of the request with a slash at the end, then without.
 *
 *   node sap_client.js --url URL [--user U --password-file F] [--ca FILE]
 *
 * Reads a JSON line a request: {"method", "path", "body": object or text, "headers": {}}; writes a JSON line an answer: {"status", "headers",
 * "body"} or {"error": why}. Prints "ready" first. Ends with its standard input.
 */
"use strict";
const fs = require("fs");
const https = require("https");
const readline = require("readline");
const { executeHttpRequest } = require("@sap-cloud-sdk/http-client");
const { logFormat, setGlobalLogFormat, setGlobalLogLevel } = require("@sap-cloud-sdk/util");
const { words } = require("./words");

const opt = words(process.argv.slice(2), { url: "", user: "", passwordFile: "", ca: "" });
const far = { url: opt.url };
if (opt.user)
	Object.assign(far, { authentication: "BasicAuthentication", username: opt.user, password: fs.readFileSync(opt.passwordFile, "utf8").trim() });

async function ask(line) {
	const { method, path, body, headers } = JSON.parse(line);
	const request = { method, url: path, data: body, headers: { accept: "application/json", ...headers } };
	if (opt.ca)
		request.httpsAgent = new https.Agent({ ca: fs.readFileSync(opt.ca) });
	try {
		const answer = await executeHttpRequest(far, request);
		return { status: answer.status, headers: answer.headers, body: answer.data };
	} catch (problem) {
		const answer = problem.response || (problem.rootCause && problem.rootCause.response);
		return answer ? { status: answer.status, headers: answer.headers, body: answer.data } : { error: String(problem.message) };
	}
}

async function main() {
	setGlobalLogLevel("error");
	setGlobalLogFormat(logFormat.kibana);		// the other format needs a function that node 18 of Debian 12 lacks
	console.log("ready");
	for await (const line of readline.createInterface({ input: process.stdin }))
		console.log(JSON.stringify(await ask(line)));
}

main();
