import { readFileSync } from 'node:fs';
import { parseSync } from 'oxc-parser';

/** What one source file imports, which classes it declares to implement what, and what it constructs. */
export interface ModuleFacts {
  readonly imports: readonly { readonly specifier: string; readonly line: number }[];
  readonly classes: readonly { readonly name: string; readonly implemented: readonly string[] }[];
  readonly constructed: readonly { readonly name: string; readonly line: number }[];
}

interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
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
  const imports: { specifier: string; line: number }[] = [];
  const classes: { name: string; implemented: string[] }[] = [];
  const constructed: { name: string; line: number }[] = [];
  visit(program as unknown as SyntaxNode, (node) => {
    const source = node.source;
    const isImport = ['ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration', 'ImportExpression'].includes(node.type);
    if (isImport && isNode(source) && typeof source.value === 'string') imports.push({ specifier: source.value, line: lineOf(node) });
    if (node.type === 'TSImportType' && isNode(node.source)) imports.push({ specifier: String(node.source.value), line: lineOf(node) });
    if (node.type === 'ClassDeclaration' || node.type === 'ClassExpression')
      classes.push({ name: nameOf(node.id), implemented: implementedBy(node) });
    if (node.type === 'NewExpression') constructed.push({ name: nameOf(node.callee), line: lineOf(node) });
  });
  return { imports, classes, constructed };
}

const nameOf = (node: unknown): string => (isNode(node) && typeof node.name === 'string' ? node.name : '');

function implementedBy(node: SyntaxNode): string[] {
  const list = node.implements;
  return Array.isArray(list) ? list.map((item: unknown) => (isNode(item) ? nameOf(item.expression) : '')) : [];
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
