import { type Document, isMap, isNode, isPair, LineCounter, parseDocument } from 'yaml';
import { ConfigError, type ConfigSource, type Diagnostic } from './diagnostic.ts';
import { type ExaminedConfig, examine, type ReadConfig } from './read.ts';

/** The largest config file read, in characters. */
export const CONFIG_CHARACTERS_MAX = 1 << 20;

/** Reads a `stack.yaml`. Throws a {@link ConfigError} with everything that is wrong with it. */
export function readYaml(text: string, name: string): ReadConfig {
  const { config, source, found } = examineYaml(text, name);
  if (config === undefined || found.length > 0) throw new ConfigError(found, source);
  return { config, source };
}

/** Reads a `stack.yaml` that may be wrong in part. Throws a {@link ConfigError} if it is no YAML. */
export function examineYaml(text: string, name: string): ExaminedConfig {
  const lines = new LineCounter();
  const whole: ConfigSource = { name, locate: () => ({ line: 1, column: 1 }) };
  if (text.length > CONFIG_CHARACTERS_MAX) {
    throw new ConfigError([plain([], `is ${text.length} characters long`, `keep it under ${CONFIG_CHARACTERS_MAX}`)], whole);
  }
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  if (document.errors.length > 0) {
    const found = document.errors.map((error) => {
      const at = toPosition(lines.linePos(error.pos[0]));
      return { ...plain([], inPlainWords(error.message), 'mend the YAML'), ...(at === undefined ? {} : { at }) };
    });
    throw new ConfigError(found, whole);
  }
  const source: ConfigSource = { name, locate: (path) => locate(document, lines, path) ?? { line: 1, column: 1 } };
  return examine(document.toJS({ maxAliasCount: 100 }), source);
}

const plain = (path: readonly (string | number)[], message: string, hint: string): Diagnostic => ({
  path,
  value: undefined,
  message,
  hint,
});

const inPlainWords = (message: string): string => message.replaceAll('\n', ' ').replace(/(["'])quote/, '$1 quote');

/** The place of the deepest part of `path` that is in the document: of a key where the last part is one. */
function locate(document: Document, lines: LineCounter, path: readonly (string | number)[]): { line: number; column: number } | undefined {
  for (let length = path.length; length >= 0; length--) {
    const offset = offsetOf(document, path.slice(0, length));
    if (offset !== undefined) return toPosition(lines.linePos(offset));
  }
  return undefined;
}

function offsetOf(document: Document, path: readonly (string | number)[]): number | undefined {
  if (path.length === 0) return document.contents?.range?.[0];
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const key = path.at(-1);
  if (isMap(parent)) {
    const pair = parent.items.find((item) => isPair(item) && isNode(item.key) && item.key.toJSON() === key);
    return isNode(pair?.key) ? pair.key.range?.[0] : undefined;
  }
  const node = document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}

const toPosition = (at: { line: number; col: number } | undefined): { line: number; column: number } | undefined =>
  at === undefined ? undefined : { line: at.line, column: at.col };
