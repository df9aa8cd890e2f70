/* Options of a peer's command line: --name value; a list in the defaults takes each occurrence, a boolean takes no value. */
"use strict";

function words(argv, defaults) {
	const opt = JSON.parse(JSON.stringify(defaults));
	for (let i = 0; i < argv.length; i++) {
		const name = argv[i].replace(/^--/, "").replace(/-(\w)/g, (_, c) => c.toUpperCase());
		if (!(name in opt))
			throw new Error(`unknown option ${argv[i]}`);
		if (typeof opt[name] === "boolean")
			opt[name] = true;
		else if (Array.isArray(opt[name]))
			opt[name].push(argv[++i]);
		else
			opt[name] = argv[++i];
	}
	return opt;
}

module.exports = { words };
