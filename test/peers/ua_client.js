/*
 * An OPC UA client that is not our code, on npm's node-opcua, for judging servers.
 *
 *   node ua_client.js --pki FOLDER [--url opc.tcp://HOST:PORT] [--namespace URI] [--policy NAME] [--mode Sign|SignAndEncrypt]
 *       [--cert PEM --key PEM] [--uri APPLICATION-URI] [--trust DER]... [--user NAME:PASSWORD | --user-cert DER --user-key PEM]
 *
 * With --url it prints {"event":"connected"}, or {"event":"failed","error"} and exits with 1. Without --trust it takes any
 * server certificate. Then commands on standard input, see ua_node/queries.js, one JSON line each. A loss of the connection
 * is told as {"event":"lost"}, its return as {"event":"back"}. Without --url it prints {"event":"ready"} and has one command:
 *
 *   try JSON      connects with options as above, {"url":...,"policy":...,"trust":[...]}, and leaves: {"refused": null or why}
 */
"use strict";
const fs = require("fs");
const path = require("path");
const o = require("node-opcua");
const { obey, parse, say } = require("./ua_node/options");
const { queries } = require("./ua_node/queries");

const defaults = { url: "", pki: "", namespace: "urn:penstock:test:plant", policy: "None", mode: "", cert: "", key: "",
	uri: "urn:penstock:test:ua-client-js", trust: [], user: "", userCert: "", userKey: "" };
let stores = 0;

function identity(opt) {
	if (opt.user) {
		const at = opt.user.indexOf(":");
		return { type: o.UserTokenType.UserName, userName: opt.user.slice(0, at), password: opt.user.slice(at + 1) };
	}
	if (opt.userCert)
		return { type: o.UserTokenType.Certificate, certificateData: fs.readFileSync(opt.userCert),
			privateKey: fs.readFileSync(opt.userKey, "latin1") };
	return { type: o.UserTokenType.Anonymous };
}

/* Returns { client, session }, or fails with nothing left behind. */
async function connect(opt) {
	const manager = new o.OPCUACertificateManager({ rootFolder: path.join(opt.pki, `client${stores++}`),
		automaticallyAcceptUnknownCertificate: opt.trust.length === 0 });
	await manager.initialize();
	for (const file of opt.trust)
		await manager.trustCertificate(fs.readFileSync(file));
	const mode = opt.mode || (opt.policy === "None" ? "None" : "SignAndEncrypt");
	const client = o.OPCUAClient.create({ applicationName: "ua_client.js", applicationUri: opt.uri,
		clientCertificateManager: manager, endpointMustExist: false, securityMode: o.MessageSecurityMode[mode],
		securityPolicy: o.SecurityPolicy[opt.policy], keepSessionAlive: true,
		...opt.cert ? { certificateFile: opt.cert, privateKeyFile: opt.key } : {},
		connectionStrategy: { maxRetry: 0, initialDelay: 100, maxDelay: 500 } });
	client.on("connection_lost", () => say({ event: "lost" }));
	client.on("connection_reestablished", () => say({ event: "back" }));
	try {
		await client.connect(opt.url);
		return { client, session: await client.createSession(identity(opt)) };
	} catch (e) {
		await client.disconnect();
		throw e;
	}
}

async function attempt(pki, more) {
	try {
		const { client, session } = await connect({ ...defaults, ...more, pki });
		await session.close(true);
		await client.disconnect();
		return { refused: null };
	} catch (e) {
		return { refused: e.message };
	}
}

async function main() {
	const opt = parse(process.argv.slice(2), defaults);
	let session = null, known = { try: (w) => attempt(opt.pki, JSON.parse(w.slice(1).join(" "))) };
	if (opt.url) {
		session = (await connect(opt)).session;
		const table = (await session.read({ nodeId: "i=2255" })).value.value || [];
		known = queries(session, Math.max(0, table.indexOf(opt.namespace)));
		say({ event: "connected", namespaces: table });
	} else {
		say({ event: "ready" });
	}
	const end = async () => {
		setTimeout(() => process.exit(0), 1000);
		if (session)
			await session.close(true).catch(() => {});
		process.exit(0);
	};
	process.on("SIGTERM", end);
	process.on("SIGINT", end);
	obey(known, end);
}

main().catch((e) => {
	say({ event: "failed", error: e.message });
	process.exit(1);
});
