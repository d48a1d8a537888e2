// Run by `npm pack` and `npm publish`: builds the addon with the project's own CMake build and puts it beside package.json.
// NDB_CMAKE_BUILD_DIR names a build tree to use rather than a fresh one; NDB_BUILD_JOBS says how many compilers run at once.
"use strict";

const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const top = process.env.NDB_SOURCE_DIR ?? path.resolve(__dirname, "../..");
const given = process.env.NDB_CMAKE_BUILD_DIR;
const tree = given ?? path.join(top, "build/node-package");

function run(...words) {
  execFileSync(words[0], words.slice(1), { stdio: ["ignore", process.stderr, process.stderr] });
}

if (!given) run("cmake", "-S", top, "-B", tree, "-DCMAKE_BUILD_TYPE=Release", "-DNDB_TESTS=OFF", "-DNDB_EXAMPLES=OFF", "-DNDB_PYTHON_BINDING=OFF");
run("cmake", "--build", tree, "--target", "ndb_node", "-j", process.env.NDB_BUILD_JOBS ?? String(os.availableParallelism?.() ?? os.cpus().length));
fs.copyFileSync(path.join(tree, "bindings/node/package/ndb.node"), path.join(__dirname, "ndb.node"));
