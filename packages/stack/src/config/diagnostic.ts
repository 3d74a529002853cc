import { StackError } from '../stack-error.ts';

/** One thing wrong with a config: where, what, and what to do. */
export interface Diagnostic {
  /** Keys and indexes from the top of the config. */
  readonly path: readonly (string | number)[];
  /** The value found there, as short JSON; undefined when something is missing. */
  readonly value: string | undefined;
  readonly message: string;
  /** The nearest valid choice, or what to do. */
  readonly hint: string;
  /** Where it stands, if `path` does not say. */
  readonly at?: Position;
}

/** A diagnostic's place in a file. Lines and columns count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where things stand in the text that a config was read from. */
export interface ConfigSource {
  /** As a person would name it. */
  readonly name: string;
  locate(path: readonly (string | number)[]): Position | undefined;
}

/** All that is wrong with a config, at once. */
export class ConfigError extends StackError {
  readonly diagnostics: readonly Diagnostic[];
  constructor(diagnostics: readonly Diagnostic[], source: ConfigSource) {
    const inOrder = [...diagnostics].sort((one, other) => lineOf(one, source) - lineOf(other, source));
    super(inOrder.map((diagnostic) => describeDiagnostic(diagnostic, source)).join('\n'));
    this.diagnostics = inOrder;
  }
}

const lineOf = (diagnostic: Diagnostic, source: ConfigSource): number => (diagnostic.at ?? source.locate(diagnostic.path))?.line ?? 0;

/** `stack.yaml:4:9: hypervisors[0].use: 'dirct': there is no hypervisor plugin of that name; did you mean 'direct'?` */
export function describeDiagnostic(diagnostic: Diagnostic, source: ConfigSource): string {
  const { path, value, message, hint } = diagnostic;
  const at = diagnostic.at ?? source.locate(path);
  const place = at === undefined ? source.name : `${source.name}:${at.line}:${at.column}`;
  return [place, describePath(path), value, hint === '' ? message : `${message}; ${hint}`]
    .filter((part) => part !== undefined && part !== '')
    .join(': ');
}

/** `domains.web.hypervisors[0].use` */
export function describePath(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`), '');
}

const VALUE_CHARACTERS_MAX = 60;

/** A value as a person recognises it: short JSON. */
export function describeValue(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const text = typeof value === 'string' ? `'${value}'` : (JSON.stringify(value) ?? String(value));
  return text.length <= VALUE_CHARACTERS_MAX ? text : `${text.slice(0, VALUE_CHARACTERS_MAX - 1)}…`;
}
