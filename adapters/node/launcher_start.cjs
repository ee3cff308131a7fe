// Apart from launcher.cjs, because `import()` alone keeps an old Node from reading a file at all.
import("../../dist/adapters/node/main.js").catch(function (error) {
  console.error(error);
  process.exitCode = 1;
});
