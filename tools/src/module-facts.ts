import { readFileSync } from 'node:fs';
import { parseSync } from 'oxc-parser';

/** A class as it stands in one file. */
export interface ClassFacts {
  /** Empty if it has none. */
  readonly name: string;
  readonly implemented: readonly string[];
  /** The exported name of the class it extends; empty if it extends none. */
  readonly base: string;
  /** Names of the decorators it carries. */
  readonly decorators: readonly string[];
}

/** A place where a class is instantiated. */
export interface ConstructionFacts {
  /** The name the class was exported under, however the file calls it. */
  readonly name: string;
  /** The module it was imported from; undefined if it is of this file, or the syntax does not tell. */
  readonly from: string | undefined;
  readonly line: number;
}

/** What one source file imports, which classes it declares, and what it constructs. */
export interface ModuleFacts {
  readonly imports: readonly { readonly specifier: string; readonly line: number }[];
  readonly classes: readonly ClassFacts[];
  readonly constructed: readonly ConstructionFacts[];
}

interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

/** What a name of the file stands for: a name of another module, or another name of this one. */
interface Origin {
  readonly name: string;
  readonly from: string | undefined;
}

const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === 'object' && value !== null && typeof (value as SyntaxNode).type === 'string';

/** Reads the facts from the syntax tree. Throws if the file does not parse. */
export function moduleFacts(path: string): ModuleFacts {
  const text = readFileSync(path, 'utf8');
  const { program, errors } = parseSync(path, text);
  const [error] = errors;
  if (error !== undefined) throw new Error(`${path}: ${error.message}`);
  const lineOf = (node: SyntaxNode): number => text.slice(0, node.start).split('\n').length;
  const nodes: SyntaxNode[] = [];
  visit(program as unknown as SyntaxNode, (node) => nodes.push(node));
  const origins = new Map(nodes.flatMap(originsIn));
  return {
    imports: nodes.flatMap((node) => importsIn(node).map((specifier) => ({ specifier, line: lineOf(node) }))),
    classes: nodes.flatMap((node) => classesIn(node, origins)),
    constructed: nodes.flatMap((node) => constructedIn(node).map((callee) => ({ ...resolve(callee, origins), line: lineOf(node) }))),
  };
}

const nameOf = (node: unknown): string => (isNode(node) && typeof node.name === 'string' ? node.name : '');
const nodesOf = (value: unknown): readonly SyntaxNode[] => (Array.isArray(value) ? value.filter(isNode) : []);

function importsIn(node: SyntaxNode): readonly string[] {
  const { source } = node;
  if (node.type === 'TSImportType' && isNode(source)) return [String(source.value)];
  const isImport = ['ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration', 'ImportExpression'].includes(node.type);
  return isImport && isNode(source) && typeof source.value === 'string' ? [source.value] : [];
}

/** Names that this node gives to something that has another name elsewhere. */
function originsIn(node: SyntaxNode): readonly (readonly [string, Origin])[] {
  if (node.type === 'ImportDeclaration' && isNode(node.source)) {
    const from = String(node.source.value);
    return nodesOf(node.specifiers).map(
      (each) => [nameOf(each.local), { name: nameOf(each.imported) || nameOf(each.local), from }] as const,
    );
  }
  if (node.type !== 'VariableDeclarator' || !isNode(node.id)) return [];
  if (node.id.type === 'ObjectPattern') {
    const from = importedBy(node.init);
    return nodesOf(node.id.properties).map((each) => [nameOf(each.value), { name: nameOf(each.key), from }] as const);
  }
  const origin = named(node.init);
  return origin === undefined || origin.name === nameOf(node.id) ? [] : [[nameOf(node.id), origin]];
}

/** The module of `await import('…')`. */
function importedBy(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'AwaitExpression' || node.type === 'ParenthesizedExpression') return importedBy(node.argument ?? node.expression);
  return node.type === 'ImportExpression' && isNode(node.source) ? String(node.source.value) : undefined;
}

/** A class named by itself, or as a property of a module or of anything else. */
function named(node: unknown): Origin | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'Identifier') return { name: nameOf(node), from: undefined };
  if (node.type === 'MemberExpression' && node.computed !== true) return { name: nameOf(node.property), from: importedBy(node.object) };
  const inner = node.expression;
  return isNode(inner) ? named(inner) : undefined;
}

function resolve(node: unknown, origins: ReadonlyMap<string, Origin>): Origin {
  const seen = new Set<string>();
  let origin = named(node) ?? { name: '', from: undefined };
  for (let next = origins.get(origin.name); next !== undefined && origin.from === undefined; next = origins.get(origin.name)) {
    if (seen.has(origin.name)) break;
    seen.add(origin.name);
    origin = next;
  }
  return origin;
}

function classesIn(node: SyntaxNode, origins: ReadonlyMap<string, Origin>): readonly ClassFacts[] {
  const isNamedExpression = node.type === 'VariableDeclarator' && isNode(node.init) && node.init.type === 'ClassExpression';
  if (isNamedExpression) return [classFacts(node.init as SyntaxNode, nameOf(node.id), origins)];
  if (node.type !== 'ClassDeclaration' && (node.type !== 'ClassExpression' || !isNode(node.id))) return [];
  return [classFacts(node, nameOf(node.id), origins)];
}

function classFacts(node: SyntaxNode, name: string, origins: ReadonlyMap<string, Origin>): ClassFacts {
  const decorated = nodesOf(node.decorators).map(({ expression }) => (isNode(expression) ? (expression.callee ?? expression) : undefined));
  return {
    name,
    implemented: nodesOf(node.implements).map(({ expression }) => nameOf(expression)),
    base: resolve(node.superClass, origins).name,
    decorators: decorated.map((each) => resolve(each, origins).name),
  };
}

/** What stands for the class where one is instantiated. */
function constructedIn(node: SyntaxNode): readonly unknown[] {
  if (node.type === 'NewExpression') return [node.callee];
  if (node.type !== 'CallExpression' || !isNode(node.callee) || node.callee.type !== 'MemberExpression') return [];
  const isReflected = nameOf(node.callee.object) === 'Reflect' && nameOf(node.callee.property) === 'construct';
  return isReflected ? nodesOf(node.arguments).slice(0, 1) : [];
}

function visit(node: SyntaxNode, enter: (node: SyntaxNode) => void): void {
  const pending: SyntaxNode[] = [node];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    enter(next);
    for (const value of Object.values(next)) {
      if (Array.isArray(value)) pending.push(...value.filter(isNode));
      else if (isNode(value)) pending.push(value);
    }
  }
}

/** Every string literal of a file, and every property name written as one. */
export function stringLiterals(path: string): readonly string[] {
  const { program } = parseSync(path, readFileSync(path, 'utf8'));
  const found: string[] = [];
  visit(program as unknown as SyntaxNode, (node) => {
    if (node.type === 'Literal' && typeof node.value === 'string') found.push(node.value);
  });
  return found;
}
