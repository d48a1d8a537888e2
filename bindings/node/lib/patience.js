// The event loop sleeps when it has nothing to do, and waking it costs about as much as a search takes. So while a search that was just begun is
// under way, it stays awake: it goes on taking whatever comes, and in between waits a few microseconds at a time.
"use strict";

const os = require("node:os");

const AWAKE_MS = 0.15;
const cores = os.availableParallelism?.() ?? os.cpus().length;

/** linger: the native wait; -> what is to be called when something was begun that will be done soon. */
module.exports = (linger) => {
  let until = 0;
  let awake = false;

  function stay() {
    if (performance.now() < until && linger()) setImmediate(stay);
    else awake = false;
  }

  return function expectSoon() {
    if (cores < 2) return;
    until = performance.now() + AWAKE_MS;
    if (awake) return;
    awake = true;
    setImmediate(stay);
  };
};
