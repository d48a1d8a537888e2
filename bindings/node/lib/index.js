// The package for require(); index.mjs is the same for import.
"use strict";

const { Collection } = require("./collection.js");
const { SearchResult } = require("./convert.js");
const { Database, version } = require("./database.js");
const { classes } = require("./errors.js");
const { F, Filter } = require("./filter.js");

module.exports = { open: Database.open, openSync: Database.openSync, Database, Collection, SearchResult, F, Filter, version, ...classes };
