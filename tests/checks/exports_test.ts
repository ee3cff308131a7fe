import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { ROOT } from "./run_command.ts";

const TARGET = z.union([z.string(), z.strictObject({ types: z.string(), default: z.string() })]);

const MANIFEST = z.object({ name: z.string(), version: z.string(), exports: z.record(z.string(), TARGET) });

const DENO_MANIFEST = z.object({ name: z.string(), version: z.string(), exports: z.record(z.string(), z.string()) });

const npm = MANIFEST.parse(JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")));
const deno = DENO_MANIFEST.parse(JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")));

test("package.json exports what deno.json exports, compiled", () => {
  const compiled = Object.entries(deno.exports).map(([subpath, source]) => {
    const path = source.replace("./", "./dist/");
    return [subpath, { types: path.replace(/\.ts$/, ".d.ts"), default: path.replace(/\.ts$/, ".js") }];
  });
  const { "./package.json": _itself, ...exported } = npm.exports;
  assert.deepEqual(exported, Object.fromEntries(compiled));
});

test("package.json and deno.json name the same version", () => {
  assert.equal(npm.version, deno.version);
});
