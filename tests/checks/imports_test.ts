import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { checkImports } from "./imports.ts";
import { ROOT } from "./run_command.ts";

interface Planted {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  /** The violations that these files add, and no other. */
  readonly found: readonly string[];
}

const EMPTY = "export {};\n";

const PLANTED: readonly Planted[] = [
  {
    name: "an import that goes up",
    files: { "src/kube/planted.ts": `import "../hub/planted.ts";\n`, "src/hub/planted.ts": EMPTY },
    found: ["src/kube/planted.ts:1: src/kube must not import src/hub"],
  },
  {
    name: "a type that comes from above",
    files: {
      "src/store/planted.ts": `export type { A } from "../replica/planted.ts";\n`,
      "src/replica/planted.ts": "export interface A {}\n",
    },
    found: ["src/store/planted.ts:1: src/store must not import src/replica"],
  },
  {
    name: "an import() that goes up",
    files: { "src/cloud/planted.ts": `\nawait import("../cli/planted.ts");\n`, "src/cli/planted.ts": EMPTY },
    found: ["src/cloud/planted.ts:2: src/cloud must not import src/cli"],
  },
  {
    name: "an import of a sibling",
    files: { "src/hub/planted.ts": `import "../tunnel/planted.ts";\n`, "src/tunnel/planted.ts": EMPTY },
    found: ["src/hub/planted.ts:1: src/hub must not import src/tunnel"],
  },
  {
    name: "a value that src/filter takes from src/replica",
    files: {
      "src/filter/planted.ts":
        `import type { A } from "../replica/planted.ts";\nimport { b } from "../replica/planted.ts";\n`,
      "src/replica/planted.ts": "export type A = 1;\nexport const b = 1;\n",
    },
    found: ["src/filter/planted.ts:2: src/filter may import types only from src/replica"],
  },
  {
    name: "nothing where demo imports hub and cloud imports identity",
    files: {
      "src/demo/planted.ts": `import "../hub/planted.ts";\n`,
      "src/hub/planted.ts": EMPTY,
      "src/cloud/planted.ts": `import "../identity/planted.ts";\n`,
      "src/identity/planted.ts": EMPTY,
    },
    found: [],
  },
  {
    name: "adapters imported from src",
    files: { "src/hub/planted.ts": `import "../../adapters/node/planted.ts";\n`, "adapters/node/planted.ts": EMPTY },
    found: ["src/hub/planted.ts:1: the core must not import adapters/node/planted.ts"],
  },
  {
    name: "node: imported from src",
    files: { "src/hub/planted.ts": `import "node:fs";\n` },
    found: [
      "src/hub/planted.ts:1: node:fs is not among the imports of src: " +
      "@bufbuild/protobuf, @peculiar/x509, hono, jose, reflect-metadata, yaml, zod",
    ],
  },
  {
    name: "a package that belongs behind a port",
    files: { "src/cli/planted.ts": `import "commander";\nimport "hono/html";\nimport "@hono/node-server";\n` },
    found: [
      "src/cli/planted.ts:1: commander is not among the imports of src: " +
      "@bufbuild/protobuf, @peculiar/x509, hono, jose, reflect-metadata, yaml, zod",
      "src/cli/planted.ts:3: @hono/node-server is not among the imports of src: " +
      "@bufbuild/protobuf, @peculiar/x509, hono, jose, reflect-metadata, yaml, zod",
    ],
  },
  {
    name: "a library that would cost every hub memory",
    files: {
      "src/identity/planted.ts": `await import("@peculiar/x509");\n`,
      "src/hub/planted.ts": `import "reflect-metadata";\n`,
    },
    found: [
      "src/hub/planted.ts:1: reflect-metadata belongs in src/controller alone",
      "src/identity/planted.ts:1: @peculiar/x509 belongs in src/controller alone",
    ],
  },
  {
    name: "a package that whoever installs holdfast does not get",
    files: {
      "adapters/node/planted.ts": `import "typescript";\nimport "node:fs";\nimport "commander";\n`,
    },
    found: ["adapters/node/planted.ts:1: typescript is not among the dependencies of package.json"],
  },
  {
    name: "the names of runtimes in src",
    files: {
      "src/hub/planted.ts": "export const a = [\n  Deno,\n  Bun,\n  process,\n  Buffer,\n  globalThis.process,\n];\n",
    },
    found: ["2: names Deno", "3: names Bun", "4: names process", "5: names Buffer", "6: names process"]
      .map((found) => `src/hub/planted.ts:${found}, which only a runtime has`),
  },
  {
    name: "nothing in members that only share a runtime's name",
    files: {
      "src/hub/planted.ts":
        "interface A {\n  process: { Buffer(): void };\n}\nexport const a = (b: A): void => b.process.Buffer();\n",
    },
    found: [],
  },
  {
    name: "an adapter that imports more of src than its ports",
    files: { "adapters/shared/planted.ts": `import "../../src/kube/planted.ts";\n`, "src/kube/planted.ts": EMPTY },
    found: [
      "adapters/shared/planted.ts:1: adapters/shared may import mod.ts, src/platform, itself, not src/kube/planted.ts",
    ],
  },
  {
    name: "an adapter that imports another's",
    files: { "adapters/bun/planted.ts": `import "../node/planted.ts";\n`, "adapters/node/planted.ts": EMPTY },
    found: [
      "adapters/bun/planted.ts:1: adapters/bun may import mod.ts, src/platform, itself and adapters/shared, " +
      "not adapters/node/planted.ts",
    ],
  },
  {
    name: "a module of one runtime in what all three share",
    files: { "adapters/shared/planted.ts": `import "bun:sqlite";\n`, "adapters/bun/planted.ts": `import "bun:ffi";\n` },
    found: ["adapters/shared/planted.ts:1: bun:sqlite belongs in adapters/bun"],
  },
  {
    name: "tests imported from src",
    files: { "src/hub/planted.ts": `import "../../tests/testing/planted.ts";\n`, "tests/testing/planted.ts": EMPTY },
    found: ["src/hub/planted.ts:1: the core must not import tests/testing/planted.ts"],
  },
  {
    name: "a cycle, also one of types",
    files: {
      "src/hub/planted.ts": `import type { B } from "./planted_b.ts";\nexport type A = B | 1;\n`,
      "src/hub/planted_b.ts": `import type { A } from "./planted.ts";\nexport type B = A | 2;\n`,
    },
    found: ["src/hub/planted.ts:1: import cycle src/hub/planted.ts → src/hub/planted_b.ts → src/hub/planted.ts"],
  },
  {
    name: ".tsx and JavaScript",
    files: { "src/hub/planted.tsx": EMPTY, "adapters/bun/planted.js": EMPTY },
    found: ["adapters/bun/planted.js", "src/hub/planted.tsx"]
      .map((path) => `${path}:1: only .ts here, which every runtime reads as it is`),
  },
  {
    name: "a folder that the design does not have",
    files: { "src/util/planted.ts": `import "../kube/planted.ts";\n`, "src/kube/planted.ts": EMPTY },
    found: ["src/util/planted.ts:1: src/util is no folder of design section 2"],
  },
  {
    name: "specifiers without .ts and of files that do not exist",
    files: { "src/hub/planted.ts": `import "./planted_b";\nimport "./planted_c.ts";\n` },
    found: [
      "src/hub/planted.ts:1: ./planted_b must end with .ts",
      "src/hub/planted.ts:2: ./planted_c.ts does not exist",
    ],
  },
  {
    name: "an import() that cannot be checked",
    files: { "src/hub/planted.ts": "export const a = (b: string): Promise<unknown> => import(b);\n" },
    found: ["src/hub/planted.ts:1: import() of something that is not a plain string cannot be checked"],
  },
];

describe("checkImports", () => {
  let copy = "";
  let clean: ReadonlySet<string> = new Set();

  before(() => {
    copy = mkdtempSync(join(tmpdir(), "holdfast-imports-"));
    for (const path of ["package.json", "mod.ts", "src", "adapters"]) {
      if (existsSync(join(ROOT, path))) cpSync(join(ROOT, path), join(copy, path), { recursive: true });
    }
    clean = new Set(checkImports(copy));
  });

  after(() => rmSync(copy, { recursive: true, force: true }));

  for (const { name, files, found } of PLANTED) {
    it(`finds ${name}`, () => {
      plant(copy, files);
      try {
        assert.deepEqual(checkImports(copy).filter((violation) => !clean.has(violation)), found);
      } finally {
        for (const path of Object.keys(files)) rmSync(join(copy, path));
      }
    });
  }
});

function plant(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}
