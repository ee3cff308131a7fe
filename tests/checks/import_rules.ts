/** Lowest first. Each folder may import every folder of the layers below its own. */
const LAYERS: readonly (readonly string[])[] = [
  ["platform", "kube"],
  ["cloud", "identity", "store"],
  ["filter", "replica"],
  ["hub", "tunnel", "controller", "demo"],
  ["cli"],
];

/** The only imports within a layer. */
const SIBLINGS: readonly (readonly [string, string])[] = [
  ["demo", "hub"],
  ["cloud", "identity"],
  ["filter", "replica"],
];

/** The folders of `src` and, for each, those that it may import: design section 2, written out. */
export const SRC_IMPORTS: Readonly<Record<string, readonly string[]>> = srcImports();

/** Imports between folders that are open to types only. */
export const TYPES_ONLY: ReadonlySet<string> = new Set(["filter → replica"]);

/** The packages of npm that `src` and `mod.ts` may import; all others sit behind ports in `adapters`. */
export const SRC_PACKAGES: readonly string[] = [
  "@bufbuild/protobuf",
  "@peculiar/x509",
  "hono",
  "jose",
  "reflect-metadata", // what @peculiar/x509 wants to find
  "yaml",
  "zod",
];

/** Packages that one folder of `src` alone may import: a hub shares a small node with pods and never loads them. */
export const PACKAGES_OF_FOLDERS: Readonly<Record<string, string>> = {
  "@peculiar/x509": "controller",
  "reflect-metadata": "controller",
};

/** The folders of `adapters` that belong to one runtime each and may import `adapters/shared`. */
export const RUNTIME_FOLDERS: readonly string[] = ["bun", "deno", "node"];

/** The only JavaScript: it must run before it is known whether TypeScript would, and imports what the build makes. */
export const LAUNCHERS: readonly string[] = ["adapters/node/launcher.cjs", "adapters/node/launcher_start.cjs"];

/** Names that no file of `src` may use: Web APIs are what the core is built on. */
export const RUNTIME_NAMES: ReadonlySet<string> = new Set([
  "__dirname",
  "__filename",
  "Buffer",
  "Bun",
  "Deno",
  "process",
  "require",
]);

function srcImports(): Record<string, readonly string[]> {
  const allowed: Record<string, readonly string[]> = {};
  let below: readonly string[] = [];
  for (const layer of LAYERS) {
    for (const folder of layer) {
      const siblings = SIBLINGS.filter(([from]) => from === folder).map(([, to]) => to);
      allowed[folder] = [folder, ...siblings, ...below];
    }
    below = [...below, ...layer];
  }
  return allowed;
}
