import type { z } from 'zod';
import { suggestion } from '../nearest.ts';
import { type Diagnostic, describeValue } from './diagnostic.ts';

/** What zod found, as far as it is looked at here. The library itself is not needed to tell of it. */
export type Issue = z.core.$ZodIssue;

type Path = readonly (string | number)[];

/** Keys that may stand at a path; for suggestions. */
export type KnownKeys = (path: Path) => readonly string[];

/** zod's issue in the config's words. Of a union only the branch that got furthest is told. */
export function diagnose(issue: Issue, above: Path, root: unknown, known: KnownKeys = knownKeys): Diagnostic[] {
  const path = [...above, ...issue.path.map((key) => (typeof key === 'number' ? key : String(key)))];
  const found = valueAt(root, path);
  const value = describeValue(found);
  const one = (message: string, hint = hintFor(path)): Diagnostic[] => [{ path, value, message, hint }];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey([...path, key], key, known(path)));
    case 'invalid_union':
      return diagnoseUnion(issue.errors, path, value, root, known);
    case 'invalid_type':
      return one(value === undefined ? `is missing; expected ${inWords(issue.expected)}` : `expected ${inWords(issue.expected)}`);
    case 'invalid_key':
      return [{ path, value: describeValue(path.at(-1)), message: issue.issues[0]?.message ?? issue.message, hint: '' }];
    case 'invalid_value': {
      const choices = issue.values.map(String);
      if (choices.length > 1 && typeof found === 'string') return one('is none of the choices', suggestion(found, choices));
      return one(`${value === undefined ? 'is missing; ' : ''}expected ${choices.join(' or ')}`);
    }
    case 'too_small':
      return one(`must be at least ${limit(issue.minimum, issue.origin)}`, '');
    case 'too_big':
      return one(`must be at most ${limit(issue.maximum, issue.origin)}`, '');
    default:
      return one(issue.message.charAt(0).toLowerCase() + issue.message.slice(1), '');
  }
}

const unknownKey = (path: Path, key: string, keys: readonly string[]): Diagnostic => ({
  path,
  value: undefined,
  message: 'unknown key',
  hint: keys.length === 0 ? 'remove it' : suggestion(key, keys),
});

function limit(count: number | bigint, origin: string): string {
  if (origin === 'array' || origin === 'set') return `${count} ${count === 1 ? 'entry' : 'entries'}`;
  return origin === 'string' ? `${count} ${count === 1 ? 'character' : 'characters'}` : String(count);
}

const WORDS: Readonly<Record<string, string>> = {
  array: 'a list',
  object: 'a map',
  record: 'a map',
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};
const inWords = (type: string): string => WORDS[type] ?? type;

function diagnoseUnion(
  branches: readonly (readonly Issue[])[],
  path: Path,
  value: string | undefined,
  root: unknown,
  known: KnownKeys,
): Diagnostic[] {
  const wrongType = (issues: readonly Issue[]): boolean => issues.some((issue) => issue.path.length === 0 && issue.code === 'invalid_type');
  const deepest = branches.find((issues) => !wrongType(issues));
  if (deepest !== undefined) return deepest.flatMap((issue) => diagnose(issue, path, root, known));
  const expected = branches
    .flatMap((issues) => issues.map((issue) => (issue.code === 'invalid_type' ? inWords(issue.expected) : '')))
    .filter((name) => name !== '');
  // Of a union told apart by a key, no branch was looked into.
  if (expected.length === 0)
    return [{ path, value, message: value === undefined ? 'is missing' : 'is none of the choices', hint: hintFor(path) }];
  return [{ path, value, message: `expected ${[...new Set(expected)].join(' or ')}`, hint: hintFor(path) }];
}

/** What a person most likely meant, for keys whose form is often missed. */
function hintFor(path: Path): string {
  const key = path.findLast((part) => typeof part === 'string');
  const hints: Readonly<Record<string, string>> = {
    '': 'write keys and values, the first of them `ashlar: 1`',
    ashlar: 'write `ashlar: 1` as the first line',
    hypervisors: 'write a list, such as [direct, worker]',
    run: 'write a list, such as [/bin/sh, -c, "echo hello"]',
    volumes: 'write a list of { host, guest, readOnly }',
    memory: 'write a size such as 512MiB',
    image: 'write dir:PATH, tar:PATH, file:PATH or npm:NAME@VERSION',
    domains: 'write a map of names, such as `web: { … }`',
    use: 'name a plugin, such as `use: worker`',
    devices: 'write a map of names, such as `files: { kind: share, image: dir:PATH }`',
    kind: 'write `kind: share` or `kind: console`',
    host: 'name a folder or file, relative to this file',
    guest: 'write where it appears in the guest, such as /project',
  };
  const hint = hints[typeof key === 'string' ? key : ''];
  if (hint !== undefined) return hint;
  return path.at(-2) === 'env' ? 'put it in quotes' : '';
}

/** Keys that the schema knows at a path; indexes and domain names stand for any. */
function knownKeys(path: Path): readonly string[] {
  const top = ['ashlar', 'hardware', 'cpus', 'memory', 'hypervisors', 'kernel', 'userspace', 'domains', 'devices', 'links'];
  const inDomain = ['hypervisors', 'kernel', 'userspace', 'domains', 'devices', 'memory', 'weight', 'cap'];
  const last = path.findLast((part) => typeof part === 'string');
  if (path.length === 0) return top;
  if (last === 'userspace') return ['use', 'image', 'volumes', 'run', 'env', 'workdir', 'needs'];
  if (last === 'volumes') return ['host', 'guest', 'readOnly'];
  if (last === 'links') return ['from', 'to'];
  if (last === 'devices') return ['root', 'console'];
  if (path[0] === 'devices') return ['kind', 'image', 'volumes', 'writable', 'prefix', 'input'];
  return path.at(-2) === 'domains' ? inDomain : [];
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[key] : undefined),
    root,
  );
}
