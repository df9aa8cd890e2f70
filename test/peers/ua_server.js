/*
 * An OPC UA server that is not our code, on npm's node-opcua; its address space is the one of ua_server.c, with alarms.
 *
 *   node ua_server.js --port N --pki FOLDER [--uri APPLICATION-URI] [--namespaces URI,URI,...]
 *       [--variables N] [--per-folder N] [--change-ms MS] [--analog N] [--history N [--history-ms MS]]
 *       [--policy NAME]... [--no-sign] [--no-encrypt] [--cert PEM --key PEM] [--trust DER]... [--issuer DER]...
 *       [--crl DER]... [--user NAME:PASSWORD]... [--no-anonymous] [--user-trust DER]... [--user-issuer DER]...
 *       [--user-crl DER]... [--max-sessions N] [--peer-uri URI]... [--redundancy 1..5]
 *
 * FOLDER is where it keeps certificates; an empty one. Without --trust any client certificate is taken. Policies are None
 * (the default), Basic256Sha256, Aes128_Sha256_RsaOaep, Aes256_Sha256_RsaPss. --peer-uri names the other servers of a
 * non-transparent redundant set, --redundancy its kind (RedundancySupport of Part 5: 1 cold, 2 warm, 3 hot).
 *
 * Prints "listening URL", then "ready", then JSON lines; commands on standard input, see ua_node/control.js. Ends on
 * SIGTERM, SIGINT, `quit`, and when the pipe that is its standard input is closed.
 */
"use strict";
const fs = require("fs");
const path = require("path");
const o = require("node-opcua");
const { addBulk, addHistory, folder } = require("./ua_node/bulk");
const { addTyped } = require("./ua_node/typed");
const { addMachine } = require("./ua_node/machine");
const { commands } = require("./ua_node/control");
const { obey, parse } = require("./ua_node/options");

const PLANT_URI = "urn:penstock:test:plant";
const opt = parse(process.argv.slice(2), { port: 4840, pki: "", uri: "urn:penstock:test:ua-server-js",
	namespaces: PLANT_URI, variables: 100, perFolder: 100, changeMs: 0, analog: 3, history: 0, historyMs: 0, policy: [], noSign: false,
	noEncrypt: false, cert: "", key: "", trust: [], issuer: [], crl: [], user: [], noAnonymous: false,
	userTrust: [], userIssuer: [], userCrl: [], maxSessions: 100, peerUri: [], redundancy: 2 });
const state = { frozen: false, shiftMs: 0, level: 255, held: new Set(), timers: [], items: 0, itemsEver: 0 };

/* A store of certificates below --pki that trusts what it is given, or anything when that is nothing. */
async function store(name, trust, issuers = [], crls = [], takeAny = trust.length === 0) {
	const manager = new o.OPCUACertificateManager({ rootFolder: path.join(opt.pki, name),
		automaticallyAcceptUnknownCertificate: takeAny });
	await manager.initialize();
	for (const file of issuers)
		await manager.addIssuer(fs.readFileSync(file));
	for (const file of crls)
		await manager.addRevocationList(fs.readFileSync(file));
	for (const file of trust)
		await manager.trustCertificate(fs.readFileSync(file));
	return manager;
}

/* The node sets in the order that makes the namespace table: ours, and empty ones under other names. */
function nodeSets() {
	const uris = opt.namespaces.split(",");
	if (!uris.includes(PLANT_URI))
		uris.push(PLANT_URI);
	return [o.nodesets.standard, ...uris.map((uri, i) => {
		if (uri === PLANT_URI)
			return path.join(__dirname, "ua_node/plant.xml");
		const file = path.join(opt.pki, `namespace${i}.xml`);
		fs.writeFileSync(file, `<?xml version="1.0" encoding="utf-8"?>
<UANodeSet xmlns="http://opcfoundation.org/UA/2011/03/UANodeSet.xsd"><NamespaceUris><Uri>${uri}</Uri></NamespaceUris>
<Models><Model ModelUri="${uri}" Version="1.0.0" PublicationDate="2026-11-22T00:00:00Z"/></Models></UANodeSet>\n`);
		return file;
	})];
}

async function make() {
	fs.mkdirSync(opt.pki, { recursive: true });
	const policies = opt.policy.length ? opt.policy : ["None"];
	const modes = policies.includes("None") ? [o.MessageSecurityMode.None] : [];
	if (policies.some((p) => p !== "None")) {
		if (!opt.noSign)
			modes.push(o.MessageSecurityMode.Sign);
		if (!opt.noEncrypt)
			modes.push(o.MessageSecurityMode.SignAndEncrypt);
	}
	const users = new Map(opt.user.map((u) => [u.slice(0, u.indexOf(":")), u.slice(u.indexOf(":") + 1)]));
	return new o.OPCUAServer({
		port: opt.port, host: "127.0.0.1", hostname: "127.0.0.1", nodeset_filename: nodeSets(),
		serverInfo: { applicationUri: opt.uri, productUri: "penstock-tests", applicationName: { text: "ua_server.js" } },
		...opt.cert ? { certificateFile: opt.cert, privateKeyFile: opt.key } : {},
		serverCertificateManager: await store("own", opt.trust, opt.issuer, opt.crl),
		userCertificateManager: await store("users", opt.userTrust, opt.userIssuer, opt.userCrl, false),
		securityPolicies: policies.map((p) => o.SecurityPolicy[p]), securityModes: modes,
		allowAnonymous: !opt.noAnonymous, maxConnectionsPerEndpoint: opt.maxSessions + 10,
		serverCapabilities: { maxSessions: opt.maxSessions },
		userManager: { isValidUser: (name, password) => users.has(name) && users.get(name) === password },
		onCreateMonitoredItem: async () => { state.items++; state.itemsEver++; },
		onDeleteMonitoredItem: async () => { state.items--; },
	});
}

function fill(server) {
	const space = server.engine.addressSpace;
	const ns = space.getNamespace(PLANT_URI);
	const root = ns.addObject({ browseName: "Plant", nodeId: "s=Plant", organizedBy: space.rootFolder.objects,
		typeDefinition: "FolderType" });
	space.installAlarmsAndConditionsService();
	addTyped(ns, root, space);
	addMachine(ns, root, space, opt, state);
	addHistory(ns, root, opt, state);
	addBulk(ns, root, opt, state);
	return ns;
}

async function main() {
	const server = await make();
	await server.initialize();
	const ns = fill(server);
	await server.start();

	let ending = false;
	const end = async () => {
		if (ending)
			return;
		ending = true;
		state.timers.forEach(clearInterval);
		setTimeout(() => process.exit(0), 3000).unref();
		await server.shutdown(0);
		process.exit(0);
	};
	process.on("SIGTERM", end);
	process.on("SIGINT", end);
	obey(commands(server, ns, state), end);
	console.log(`listening opc.tcp://127.0.0.1:${opt.port}\nready`);
}

main().catch((e) => {
	console.error(e);
	process.exit(1);
});
