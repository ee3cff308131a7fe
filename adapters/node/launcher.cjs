#!/usr/bin/env node
// The `holdfast` command of the npm package. Old syntax only: every Node must be able to read it as far as the error.
var neededMajor = 24;

if (parseInt(process.versions.node, 10) < neededMajor) {
  console.error("holdfast needs Node " + neededMajor + " or newer: this is Node " + process.versions.node);
  process.exit(1);
}

require("./launcher_start.cjs");
