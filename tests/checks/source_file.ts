import { readFileSync } from "node:fs";
import ts from "typescript";

/** One import, re-export, `import()` or `import("…")` type in a file. */
export interface ImportEdge {
  /** As written; missing where `import()` is given something that is not a plain string. */
  readonly specifier: string | undefined;
  readonly typeOnly: boolean;
  readonly line: number;
}

/** An identifier that refers to something by its bare name, or as a member of `globalThis`. */
export interface NameUse {
  readonly name: string;
  readonly line: number;
}

export interface ParsedFile {
  readonly imports: readonly ImportEdge[];
  readonly names: readonly NameUse[];
}

/** Parses one TypeScript or JavaScript file. @throws where it cannot be read */
export function parseSourceFile(path: string): ParsedFile {
  const file = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
  const imports: ImportEdge[] = [];
  const names: NameUse[] = [];
  const lineOf = (node: ts.Node): number => file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
  const visit = (node: ts.Node): void => {
    const edge = importOf(node);
    if (edge !== undefined) imports.push({ ...edge, line: lineOf(node) });
    if (ts.isIdentifier(node) && refersByName(node)) names.push({ name: node.text, line: lineOf(node) });
    if (isMemberOfGlobal(node)) names.push({ name: node.name.text, line: lineOf(node) });
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { imports, names };
}

function importOf(node: ts.Node): Omit<ImportEdge, "line"> | undefined {
  if (ts.isImportDeclaration(node)) {
    return { specifier: textOf(node.moduleSpecifier), typeOnly: isTypeOnly(node.importClause) };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
    return { specifier: textOf(node.moduleSpecifier), typeOnly: node.isTypeOnly };
  }
  if (ts.isImportTypeNode(node)) {
    return {
      specifier: ts.isLiteralTypeNode(node.argument) ? textOf(node.argument.literal) : undefined,
      typeOnly: true,
    };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return { specifier: textOf(node.arguments[0]), typeOnly: false };
  }
  return undefined;
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  const bindings = clause.namedBindings;
  return clause.name === undefined && bindings !== undefined && ts.isNamedImports(bindings) &&
    bindings.elements.length > 0 && bindings.elements.every((element) => element.isTypeOnly);
}

function textOf(node: ts.Node | undefined): string | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined;
}

/** Names of members (`child.process`, `{ process: 1 }`, `process(): void`) refer to nothing outside. */
function refersByName(node: ts.Identifier): boolean {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isQualifiedName(parent)) return parent.left === node;
  if (ts.isBindingElement(parent)) return parent.propertyName !== node;
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return false;
  const isMember = ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) || ts.isMethodDeclaration(parent) || ts.isMethodSignature(parent) ||
    ts.isAccessor(parent);
  return !isMember || parent.name !== node;
}

function isMemberOfGlobal(node: ts.Node): node is ts.PropertyAccessExpression & { readonly name: ts.Identifier } {
  return ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression) &&
    node.expression.text === "globalThis" && ts.isIdentifier(node.name);
}
