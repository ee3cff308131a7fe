import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import { findCycles } from "./import_cycles.ts";
import {
  LAUNCHERS,
  PACKAGES_OF_FOLDERS,
  RUNTIME_FOLDERS,
  RUNTIME_NAMES,
  SRC_IMPORTS,
  SRC_PACKAGES,
  TYPES_ONLY,
} from "./import_rules.ts";
import { type ImportEdge, type ParsedFile, parseSourceFile } from "./source_file.ts";

/** What is checked: a folder and the packages that whoever installs the package gets as well. */
interface Tree {
  readonly root: string;
  readonly dependencies: ReadonlySet<string>;
}

/**
 * Checks design section 2 on `mod.ts`, `src` and `adapters` below `root`: the direction of imports, the packages that
 * may be imported (they must be `dependencies` of `package.json`), no name of a runtime in `src`, no cycle, no `.tsx`.
 *
 * @returns one line for each violation, `path:line: what is wrong`, in the order of the paths
 */
export function checkImports(root: string): readonly string[] {
  const tree: Tree = { root, dependencies: dependenciesOf(root) };
  const paths = sourcePaths(root);
  const violations: string[] = [];
  const graph = new Map<string, readonly string[]>();
  for (const path of paths.filter((candidate) => !LAUNCHERS.includes(candidate))) {
    if (!path.endsWith(".ts")) violations.push(`${path}:1: only .ts here, which every runtime reads as it is`);
    const parsed = parseSourceFile(join(root, path));
    violations.push(...checkFile(tree, path, parsed));
    graph.set(path, parsed.imports.map((edge) => targetOf(path, edge)).filter((target) => target !== undefined));
  }
  for (const cycle of findCycles(graph)) violations.push(`${cycle[0]}:1: import cycle ${cycle.join(" → ")}`);
  return violations;
}

function dependenciesOf(root: string): ReadonlySet<string> {
  const manifest: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  if (typeof manifest !== "object" || manifest === null || !("dependencies" in manifest)) return new Set();
  return new Set(Object.keys(Object(manifest.dependencies)));
}

function sourcePaths(root: string): readonly string[] {
  const inFolders = ["src", "adapters"].filter((folder) => existsSync(join(root, folder))).flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.[cm]?[jt]sx?$/.test(entry.name))
      .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
  );
  return [...existsSync(join(root, "mod.ts")) ? ["mod.ts"] : [], ...inFolders.toSorted()];
}

function checkFile(tree: Tree, path: string, parsed: ParsedFile): readonly string[] {
  const violations: string[] = [];
  const isCore = path === "mod.ts" || path.startsWith("src/");
  for (const edge of parsed.imports) {
    const problem = problemOf(tree, path, edge);
    if (problem !== undefined) violations.push(`${path}:${edge.line}: ${problem}`);
  }
  for (const { name, line } of isCore ? parsed.names : []) {
    if (RUNTIME_NAMES.has(name)) violations.push(`${path}:${line}: names ${name}, which only a runtime has`);
  }
  return violations;
}

function problemOf(tree: Tree, path: string, edge: ImportEdge): string | undefined {
  const { specifier } = edge;
  if (specifier === undefined) return "import() of something that is not a plain string cannot be checked";
  const target = targetOf(path, edge);
  if (target === undefined) return packageProblem(tree, path, specifier);
  if (!target.endsWith(".ts")) return `${specifier} must end with .ts`;
  if (!existsSync(join(tree.root, target))) return `${specifier} does not exist`;
  return path.startsWith("adapters/") ? adapterProblem(path, target) : coreProblem(path, target, edge.typeOnly);
}

/** @returns the path below the root that a relative import names; nothing for a package */
function targetOf(path: string, edge: ImportEdge): string | undefined {
  if (edge.specifier === undefined || !edge.specifier.startsWith(".")) return undefined;
  return posix.join(dirname(path), edge.specifier);
}

function packageProblem(tree: Tree, path: string, specifier: string): string | undefined {
  const name = specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
  if (!path.startsWith("adapters/") && !SRC_PACKAGES.includes(name)) {
    return `${specifier} is not among the imports of src: ${SRC_PACKAGES.join(", ")}`;
  }
  const folder = PACKAGES_OF_FOLDERS[name];
  if (folder !== undefined && !path.startsWith(`src/${folder}/`)) return `${specifier} belongs in src/${folder} alone`;
  if (specifier.startsWith("node:")) return undefined;
  const runtime = /^(bun|deno|jsr)(:|$)/.exec(specifier)?.[1];
  if (runtime === undefined) {
    return tree.dependencies.has(name) ? undefined : `${name} is not among the dependencies of package.json`;
  }
  return path.startsWith(`adapters/${runtime}/`) ? undefined : `${specifier} belongs in adapters/${runtime}`;
}

function adapterProblem(path: string, target: string): string | undefined {
  const folder = path.split("/")[1] ?? "";
  if (target === "mod.ts" || target.startsWith("src/platform/")) return undefined;
  if (target.startsWith(`adapters/${folder}/`)) return undefined;
  if (target.startsWith("adapters/shared/") && RUNTIME_FOLDERS.includes(folder)) return undefined;
  return `adapters/${folder} may import mod.ts, src/platform, itself${
    folder === "shared" ? "" : " and adapters/shared"
  }, not ${target}`;
}

function coreProblem(path: string, target: string, typeOnly: boolean): string | undefined {
  if (!target.startsWith("src/")) return `the core must not import ${target}`;
  if (path === "mod.ts") return undefined;
  const from = path.split("/")[1] ?? "";
  const to = target.split("/")[1] ?? "";
  const allowed = SRC_IMPORTS[from];
  if (allowed === undefined) return `src/${from} is no folder of design section 2`;
  if (!allowed.includes(to)) return `src/${from} must not import src/${to}`;
  if (TYPES_ONLY.has(`${from} → ${to}`) && !typeOnly) return `src/${from} may import types only from src/${to}`;
  return undefined;
}
