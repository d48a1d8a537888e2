// The event loop sleeps when it has nothing to do, and waking it costs about as much as a search takes. So after a search has begun, it is kept
// awake for a moment: it goes on taking whatever comes, but does not sleep.
"use strict";

const os = require("node:os");

const AWAKE_MS = 0.15;
const cores = os.availableParallelism?.() ?? os.cpus().length;
let until = 0;
let awake = false;

function stay() {
  if (performance.now() < until) setImmediate(stay);
  else awake = false;
}

/** To be called when something was begun that will be done soon. */
function expectSoon() {
  if (cores < 2) return;
  until = performance.now() + AWAKE_MS;
  if (awake) return;
  awake = true;
  setImmediate(stay);
}

module.exports = { expectSoon };
