import { ImageError } from './error.ts';

/** An image specification taken apart. Paths are as written: not yet resolved against a folder. */
export type ImageSpec =
  | { readonly kind: 'dir' | 'tar' | 'file'; readonly text: string; readonly path: string }
  | {
      readonly kind: 'npm';
      readonly text: string;
      /** Package name, with its scope if it has one. */
      readonly name: string;
      /** Version, range or dist-tag; `latest` where none was written. */
      readonly wanted: string;
      /** Whether {@link wanted} names exactly one version, so that a cached copy answers without a registry. */
      readonly exact: boolean;
    };

/** npm's own rules for new names (validate-npm-package-name), and its limit of 214 characters. */
const PACKAGE_NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/i;
/** Semantic Versioning 2.0.0, section 2 and 9 to 10. */
const EXACT_VERSION =
  /^(?:0|[1-9]\d{0,15})\.(?:0|[1-9]\d{0,15})\.(?:0|[1-9]\d{0,15})(?:-[0-9A-Za-z.-]{1,128})?(?:\+[0-9A-Za-z.-]{1,128})?$/;
/** What ranges and tags are written with. Colons and slashes are left out: those would be git, file or http specifications, which run code. */
const RANGE_OR_TAG = /^[0-9A-Za-z.*+<>=~^| _-]{1,256}$/;
const FORMS = 'dir:PATH, tar:PATH, file:PATH or npm:NAME@VERSION';

/**
 * Takes an image specification apart, without looking at any file or network.
 * @throws ImageError with code SPEC
 */
export function parseImageSpec(text: string): ImageSpec {
  const colon = text.indexOf(':');
  const kind = colon < 0 ? '' : text.slice(0, colon);
  const rest = text.slice(colon + 1);
  if (kind === 'npm') return parseNpm(text, rest);
  if (kind !== 'dir' && kind !== 'tar' && kind !== 'file') {
    throw new ImageError('SPEC', text, 'not an image specification', `write ${FORMS}`);
  }
  if (rest === '') throw new ImageError('SPEC', text, 'the path is missing', `write ${kind}:PATH`);
  if (rest.includes('\0')) throw new ImageError('SPEC', text.replaceAll('\0', '\\0'), 'the path has a NUL character in it');
  return { kind, text, path: rest };
}

function parseNpm(text: string, rest: string): ImageSpec {
  const at = rest.indexOf('@', 1);
  const name = at < 0 ? rest : rest.slice(0, at);
  const wanted = at < 0 ? 'latest' : rest.slice(at + 1).trim();
  if (name.length > 214 || !PACKAGE_NAME.test(name)) {
    throw new ImageError('SPEC', text, `“${name}” is not a package name`, 'write npm:NAME@VERSION or npm:@SCOPE/NAME@VERSION');
  }
  if (wanted === '')
    throw new ImageError('SPEC', text, 'the version after @ is missing', `write npm:${name}@VERSION, or npm:${name} for the newest`);
  if (!RANGE_OR_TAG.test(wanted)) {
    throw new ImageError(
      'SPEC',
      text,
      `“${wanted}” is not a version, a range or a tag of a registry`,
      'only packages of a registry can be images',
    );
  }
  return { kind: 'npm', text, name, wanted, exact: EXACT_VERSION.test(wanted) };
}
