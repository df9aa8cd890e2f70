"use strict";
/*
 * The Cloud SDK depends on @sap/xsenv, which SAP licenses for work with its own platform only. It is used for service bindings of that
 * platform, never for a destination that is given as such; this empty package takes its place (see "overrides" in ../../package.json).
 */
module.exports = {};
