import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Errno, FileType, RenameFlag, ROOT_NODE } from '@ashlar/hardware';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { architectureOf, imageArchitecture } from './architecture.ts';
import { Folder } from './folder.ts';
import { blankAttributes } from './folder-tree.ts';
import { bytes, describeTree, nodeAt, outcome, readAt } from './look.test.support.ts';
import { resolveImage } from './resolve.ts';

let outside: string;
let inside: string;
beforeEach(() => {
  outside = mkdtempSync(join(tmpdir(), 'ashlar-folder-'));
  inside = join(outside, 'inside');
  mkdirSync(join(inside, 'sub'), { recursive: true });
  writeFileSync(join(outside, 'secret'), 'SECRET');
  writeFileSync(join(inside, 'file'), 'content');
  writeFileSync(join(inside, 'sub', 'deep'), 'deep');
  symlinkSync('../secret', join(inside, 'up'));
  symlinkSync(join(outside, 'secret'), join(inside, 'absolute'));
  symlinkSync('..', join(inside, 'updir'));
});
afterEach(() => {
  rmSync(outside, { recursive: true, force: true });
});

describe('dir:', () => {
  it('is the folder, with its links as links', async () => {
    const { tree, resolved } = await resolveImage('dir:inside', { cwd: outside });
    expect(resolved).toBe(`dir:${inside}`);
    expect(describeTree(tree)).toEqual([
      `/absolute -> ${outside}/secret`,
      '/file = content',
      '/sub/',
      '/sub/deep = deep',
      '/up -> ../secret',
      '/updir -> ..',
    ]);
    expect(outcome(nodeAt(tree, 'updir/secret'))).toBe('ENOTDIR');
    expect(readAt(tree, 'up')).toBe('ENXIO');
    tree.close();
  });

  it('may be named through a link, and shows what the host changes', async () => {
    symlinkSync('inside', join(outside, 'alias'));
    const { tree } = await resolveImage('dir:alias', { cwd: outside });
    expect(readAt(tree, 'file')).toBe('content');
    writeFileSync(join(inside, 'file'), 'changed by the host');
    expect(readAt(tree, 'file')).toBe('changed by the host');
    tree.close();
  });
});

describe('file:', () => {
  it('is one program, executable whatever its mode, and what to run', async () => {
    writeFileSync(join(outside, 'prog'), 'program', { mode: 0o600 });
    const { tree, argv } = await resolveImage('file:prog', { cwd: outside });
    expect(argv).toEqual(['/prog']);
    expect(describeTree(tree)).toEqual(['/prog = program']);
    const out = blankAttributes();
    tree.getattr(nodeAt(tree, 'prog'), out);
    expect(out.mode).toBe(FileType.REGULAR | 0o755);
    expect(outcome(nodeAt(tree, 'file'))).toBe('ENOENT');
    tree.close();
  });

  it('has an id that is its contents', async () => {
    const idOf = async () => {
      const { tree } = await resolveImage('file:inside/file', { cwd: outside });
      const { id } = tree;
      tree.close();
      return id;
    };
    const first = await idOf();
    expect(await idOf()).toBe(first);
    writeFileSync(join(inside, 'file'), 'CONTENT');
    expect(await idOf()).not.toBe(first);
  });
});

describe('what cannot be resolved', () => {
  it.each([
    ['', 'not an image specification; write dir:PATH, tar:PATH, file:PATH or npm:NAME@VERSION'],
    ['docker:alpine', 'not an image specification; write dir:PATH, tar:PATH, file:PATH or npm:NAME@VERSION'],
    ['dir:', 'the path is missing; write dir:PATH'],
    ['dir:none', 'there is no such path; relative paths are looked for in the folder of the config or the working folder'],
    ['dir:secret', 'it, or something on its path, is not a folder; write tar:PATH or file:PATH for a file'],
    ['file:inside', 'it is a folder; write dir:PATH for a folder'],
    ['file:none', 'there is no such path; relative paths are looked for in the folder of the config or the working folder'],
    ['npm:', '“” is not a package name; write npm:NAME@VERSION or npm:@SCOPE/NAME@VERSION'],
    ['npm:../evil', '“../evil” is not a package name; write npm:NAME@VERSION or npm:@SCOPE/NAME@VERSION'],
    ['npm:a@', 'the version after @ is missing; write npm:a@VERSION, or npm:a for the newest'],
    [
      'npm:a@git+ssh://host/x',
      '“git+ssh://host/x” is not a version, a range or a tag of a registry; only packages of a registry can be images',
    ],
    ['npm:a@npm:b@1', '“npm:b@1” is not a version, a range or a tag of a registry; only packages of a registry can be images'],
    ['npm:a@../b', '“../b” is not a version, a range or a tag of a registry; only packages of a registry can be images'],
  ])('%s says why and what to write', async (spec, message) => {
    await expect(resolveImage(spec, { cwd: outside, cache: join(outside, 'cache') })).rejects.toThrow(`${spec}: ${message}`);
  });

  it.each([
    ['/proc/ashlar/cache', 'ENOENT'],
    ['/dev/null/cache', 'ENOTDIR'],
  ])('a tar: in a cache at %s says which cache', async (cache, code) => {
    writeFileSync(join(outside, 'empty.tar'), Buffer.alloc(1024));
    const result = resolveImage('tar:empty.tar', { cwd: outside, cache });
    await expect(result).rejects.toThrow(`tar:empty.tar: the cache at ${cache} cannot be used (${code}: `);
  });

  it('a tar: folder is told from a file', async () => {
    const result = resolveImage('tar:inside', { cwd: outside, cache: join(outside, 'cache') });
    await expect(result).rejects.toThrow(`tar:inside: it is a folder; write dir:${inside}`);
  });
});

/** Each way of reaching directories: held open (Linux), and looked at step by step (elsewhere). */
const WAYS = process.platform === 'linux' ? [true, false] : [false];

describe.each(WAYS)('a folder, directories held: %s', (holdDirectories) => {
  const out = blankAttributes();
  const open = (readOnly = false): Folder => new Folder(inside, { readOnly, holdDirectories });
  const walk = (folder: Folder, ...names: string[]): number => {
    let node: number = ROOT_NODE;
    for (const name of names) {
      const result = folder.lookup(node, bytes(name), out);
      if (result < 0) return result;
      node = out.node;
    }
    return node;
  };
  const contents = (folder: Folder, node: number): string => {
    const to = Buffer.alloc(100);
    const moved = folder.read(node, 0, to);
    return moved < 0 ? String(outcome(moved)) : to.toString('utf8', 0, moved);
  };

  it('does what the like-named calls do, on the host', () => {
    const folder = open();
    const sub = walk(folder, 'sub');
    expect(folder.create(sub, bytes('new'), FileType.REGULAR | 0o640, out)).toBe(0);
    const made = out.node;
    expect(folder.write(made, 3, bytes('abc'))).toBe(3);
    expect(readFileSync(join(inside, 'sub', 'new'), 'latin1')).toBe('\0\0\0abc');
    expect(statSync(join(inside, 'sub', 'new')).mode & 0o777).toBe(0o640);
    expect(folder.setattr(made, { size: 4, mode: 0o600, mtime: { sec: 1000, nsec: 0 } }, out)).toBe(0);
    expect(out).toMatchObject({ size: 4, mode: FileType.REGULAR | 0o600, uid: 0, gid: 0, mtime: { sec: 1000, nsec: 0 } });
    expect(folder.mkdir(sub, bytes('dir'), 0o711, out)).toBe(0);
    expect(statSync(join(inside, 'sub', 'dir')).mode & 0o777).toBe(0o711);
    expect(folder.symlink(sub, bytes('l'), bytes('/anywhere'), out)).toBe(0);
    expect(readlinkSync(join(inside, 'sub', 'l'))).toBe('/anywhere');
    expect(folder.link(made, ROOT_NODE, bytes('hard'), out)).toBe(0);
    expect(out).toMatchObject({ node: made, links: 2 });
    expect(folder.rename(sub, bytes('dir'), ROOT_NODE, bytes('moved'), 0)).toBe(0);
    expect(folder.rmdir(ROOT_NODE, bytes('moved'))).toBe(0);
    expect(folder.unlink(ROOT_NODE, bytes('hard'))).toBe(0);
    const names: string[] = [];
    folder.readdir(sub, (name) => names.push(Buffer.from(name).toString()) > 0);
    expect(names).toEqual(['deep', 'l', 'new']);
    expect(folder.fsync(made)).toBe(0);
    folder.close();
  });

  it('refuses as they do', () => {
    const folder = open();
    const sub = walk(folder, 'sub');
    const file = walk(folder, 'file');
    const results = [
      folder.create(ROOT_NODE, bytes('file'), 0o600, out),
      folder.unlink(ROOT_NODE, bytes('sub')),
      folder.rmdir(ROOT_NODE, bytes('file')),
      folder.rmdir(ROOT_NODE, bytes('sub')),
      folder.lookup(ROOT_NODE, bytes('none'), out),
      folder.lookup(file, bytes('x'), out),
      folder.lookup(9999, bytes('x'), out),
      folder.read(sub, 0, new Uint8Array(1)),
      folder.link(sub, ROOT_NODE, bytes('x'), out),
      folder.rename(ROOT_NODE, bytes('file'), ROOT_NODE, bytes('sub'), RenameFlag.NOREPLACE),
      folder.rename(ROOT_NODE, bytes('file'), ROOT_NODE, bytes('sub'), RenameFlag.EXCHANGE),
      folder.create(ROOT_NODE, bytes('pipe'), FileType.FIFO | 0o600, out),
      folder.setattr(file, { uid: 7 }, out),
      folder.readlink(file) as number,
    ];
    expect(results.map(outcome)).toEqual(
      'EEXIST EISDIR ENOTDIR ENOTEMPTY ENOENT ENOTDIR ESTALE EISDIR EPERM EEXIST EINVAL EPERM EPERM EINVAL'.split(' '),
    );
    folder.close();
  });

  it.each(['.', '..', '', 'a/b', '/', '../secret', 'a\0b'])('refuses the name %j', (name) => {
    const folder = open();
    expect(folder.lookup(ROOT_NODE, bytes(name), out)).toBe(-Errno.EINVAL);
    expect(folder.create(ROOT_NODE, bytes(name), 0o600, out)).toBe(-Errno.EINVAL);
    expect(folder.rename(ROOT_NODE, bytes('file'), ROOT_NODE, bytes(name), 0)).toBe(-Errno.EINVAL);
    folder.close();
  });

  it('follows no link of the host, and changes nothing through one', () => {
    const folder = open();
    for (const name of ['up', 'absolute']) {
      const node = walk(folder, name);
      expect(contents(folder, node)).toBe('ENXIO');
      expect(outcome(folder.write(node, 0, bytes('OWNED')))).toBe('ENXIO');
      expect(outcome(folder.setattr(node, { mode: 0o777 }, out))).toBe(holdDirectories ? 'EOPNOTSUPP' : 'ESTALE');
      expect(outcome(folder.setattr(node, { size: 0 }, out))).toBe('EINVAL');
    }
    expect(outcome(walk(folder, 'updir', 'secret'))).toBe('ENOTDIR');
    expect(outcome(folder.create(ROOT_NODE, bytes('up'), 0o600, out))).toBe('EEXIST');
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('SECRET');
    folder.close();
  });

  it('is not led out when the host swaps a directory or a file for a link', () => {
    const folder = open();
    const sub = walk(folder, 'sub');
    const deep = walk(folder, 'sub', 'deep');
    const file = walk(folder, 'file');
    mkdirSync(join(outside, 'elsewhere'));
    writeFileSync(join(outside, 'elsewhere', 'deep'), 'SECRET');
    renameSync(join(inside, 'sub'), join(inside, 'was-sub'));
    symlinkSync(join(outside, 'elsewhere'), join(inside, 'sub'));
    rmSync(join(inside, 'file'));
    symlinkSync(join(outside, 'secret'), join(inside, 'file'));
    for (const node of [deep, file]) expect(contents(folder, node)).not.toBe('SECRET');
    expect(folder.create(sub, bytes('made'), 0o600, out)).toBe(holdDirectories ? 0 : -Errno.ENOTDIR);
    expect(folder.write(file, 0, bytes('OWNED'))).toBeLessThan(0);
    expect(() => statSync(join(outside, 'elsewhere', 'made'))).toThrow('ENOENT');
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('SECRET');
    folder.close();
  });

  it('does not take another directory for the one it knew', () => {
    const folder = open();
    const sub = walk(folder, 'sub');
    renameSync(join(inside, 'sub'), join(inside, 'was-sub'));
    mkdirSync(join(inside, 'sub'));
    writeFileSync(join(inside, 'sub', 'other'), 'other');
    expect(outcome(folder.lookup(sub, bytes('other'), out))).toBe('ESTALE');
    expect(outcome(folder.create(sub, bytes('new'), 0o600, out))).toBe('ESTALE');
    expect(contents(folder, walk(folder, 'sub', 'other'))).toBe('other');
    folder.close();
  });

  it('gives a new file its own number when the host puts it under an old name', () => {
    const folder = open();
    const before = walk(folder, 'file');
    writeFileSync(join(inside, 'next'), 'other');
    renameSync(join(inside, 'next'), join(inside, 'file'));
    expect(contents(folder, before)).toBe('ESTALE');
    const after = walk(folder, 'file');
    expect(after).not.toBe(before);
    expect(contents(folder, after)).toBe('other');
    folder.close();
  });

  it('keeps an unlinked file alive for whoever holds it', () => {
    const folder = open();
    const file = walk(folder, 'file');
    expect(folder.unlink(ROOT_NODE, bytes('file'))).toBe(0);
    expect(contents(folder, file)).toBe('content');
    expect(folder.write(file, 0, bytes('C'))).toBe(1);
    expect(folder.setattr(file, { size: 3, mode: 0o600 }, out)).toBe(0);
    expect(out).toMatchObject({ links: 0, size: 3 });
    folder.forget(file);
    expect(contents(folder, file)).toBe('ESTALE');
    folder.close();
  });

  it('knows a file by its hard links as one', () => {
    linkSync(join(inside, 'file'), join(inside, 'sub', 'same'));
    const folder = open();
    expect(walk(folder, 'sub', 'same')).toBe(walk(folder, 'file'));
    folder.close();
  });

  it('changes nothing when it is read-only', () => {
    const folder = open(true);
    const file = walk(folder, 'file');
    const results = [
      folder.write(file, 0, bytes('x')),
      folder.setattr(file, { size: 0 }, out),
      folder.create(ROOT_NODE, bytes('n'), 0o600, out),
      folder.mkdir(ROOT_NODE, bytes('n'), 0o700, out),
      folder.symlink(ROOT_NODE, bytes('n'), bytes('t'), out),
      folder.link(file, ROOT_NODE, bytes('n'), out),
      folder.unlink(ROOT_NODE, bytes('file')),
      folder.rmdir(ROOT_NODE, bytes('sub')),
      folder.rename(ROOT_NODE, bytes('file'), ROOT_NODE, bytes('n'), 0),
    ];
    expect(new Set(results)).toEqual(new Set([-Errno.EROFS]));
    expect(contents(folder, file)).toBe('content');
    folder.close();
  });

  it('does not block on a fifo, and opens no device', () => {
    execFileSync('mkfifo', [join(inside, 'pipe')]);
    const folder = open();
    expect(contents(folder, walk(folder, 'pipe'))).toBe('ENXIO');
    expect(outcome(folder.write(walk(folder, 'pipe'), 0, bytes('x')))).toBe('ENXIO');
    const deviceFree = new Folder('/dev', { readOnly: true, holdDirectories });
    expect(deviceFree.lookup(ROOT_NODE, bytes('zero'), out)).toBe(0);
    expect(outcome(deviceFree.read(out.node, 0, new Uint8Array(1)))).toBe('ENXIO');
    deviceFree.close();
    folder.close();
  });

  it('never hands the host set-user-id bits', () => {
    const folder = open();
    const file = walk(folder, 'file');
    folder.setattr(file, { mode: 0o6755 }, out);
    expect(statSync(join(inside, 'file')).mode & 0o7777).toBe(0o755);
    folder.create(ROOT_NODE, bytes('suid'), FileType.REGULAR | 0o4755, out);
    expect(statSync(join(inside, 'suid')).mode & 0o7777).toBe(0o755);
    folder.close();
  });

  it('can be a single file, with nothing around it', () => {
    const folder = new Folder(join(inside, 'file'), { readOnly: false, holdDirectories });
    expect(folder.getattr(ROOT_NODE, out)).toBe(0);
    expect(out.mode & FileType.MASK).toBe(FileType.REGULAR);
    expect(contents(folder, ROOT_NODE)).toBe('content');
    expect(folder.write(ROOT_NODE, 0, bytes('C'))).toBe(1);
    expect(outcome(folder.lookup(ROOT_NODE, bytes('sub'), out))).toBe('ENOTDIR');
    expect(readFileSync(join(inside, 'file'), 'utf8')).toBe('Content');
    folder.close();
  });

  it('finds a saved node again under its number', () => {
    const before = open();
    const deep = walk(before, 'sub', 'deep');
    const path = before.pathOf(deep);
    before.close();
    const after = open();
    expect(walk(after, 'file')).toBeGreaterThan(ROOT_NODE);
    expect(after.adopt(5000, path as Uint8Array)).toBe(0);
    expect(contents(after, 5000)).toBe('deep');
    expect(outcome(after.adopt(6000, bytes('updir/secret')))).toBe('ENOTDIR');
    expect(outcome(after.adopt(6000, bytes('../secret')))).toBe('EINVAL');
    after.close();
  });

  it('holds few host files open, however many are used', () => {
    const folder = new Folder(inside, { readOnly: false, holdDirectories, limits: { openFiles: 4, idleNodes: 10 } });
    for (let i = 0; i < 50; i++) {
      mkdirSync(join(inside, `d${i}`));
      expect(folder.create(walk(folder, `d${i}`), bytes('f'), 0o600, out)).toBe(0);
      expect(folder.write(out.node, 0, bytes(`${i}`))).toBeGreaterThan(0);
    }
    for (let i = 0; i < 50; i++) expect(contents(folder, walk(folder, `d${i}`, 'f'))).toBe(String(i));
    folder.close();
  });
});

describe.runIf(process.platform === 'linux')('a folder that a guest made very deep', () => {
  it('is used without a deep stack or many open files', () => {
    const folder = new Folder(inside, { readOnly: false });
    const out = blankAttributes();
    let node: number = ROOT_NODE;
    for (let i = 0; i < 400; i++) {
      expect(folder.mkdir(node, bytes('d'), 0o755, out)).toBe(0);
      node = out.node;
    }
    const path = folder.pathOf(node) as Uint8Array;
    expect(path.length).toBe(400 * 2 - 1);
    expect(folder.create(node, bytes('f'), 0o600, out)).toBe(0);
    folder.close();
    const again = new Folder(inside, { readOnly: false });
    expect(again.adopt(100_000, path)).toBe(0);
    again.close();
    const cold = new Folder(inside, { readOnly: false });
    expect(cold.adopt(100_000, path)).toBe(0);
    // Everything on the way was closed meanwhile.
    for (let i = 0; i < 200; i++) mkdirSync(join(inside, `x${i}`));
    for (let i = 0; i < 200; i++) {
      cold.lookup(ROOT_NODE, bytes(`x${i}`), out);
      cold.readdir(out.node, () => true);
    }
    expect(cold.lookup(100_000, bytes('f'), out)).toBe(0);
    cold.close();
    execFileSync('rm', ['-rf', join(inside, 'd')]);
  });
});

describe('imageArchitecture', () => {
  const elf = (machine: number, bits = 2): Buffer => {
    const head = Buffer.alloc(64);
    head.set([0x7f, 0x45, 0x4c, 0x46, bits, 1, 1]);
    head.writeUInt16LE(machine, 18);
    return head;
  };

  it.each([
    [elf(243), { kind: 'elf', name: 'RISC-V (64-bit)', isa: 'riscv64-user' }],
    [elf(243, 1), { kind: 'elf', name: 'RISC-V (32-bit)', isa: undefined }],
    [elf(62), { kind: 'elf', name: 'x86-64', isa: undefined }],
    [elf(183), { kind: 'elf', name: 'AArch64', isa: undefined }],
    [elf(9999), { kind: 'elf', name: 'e_machine 9999', isa: undefined }],
    [Buffer.from('\0asm\x01\0\0\0', 'latin1'), { kind: 'wasm', isa: 'wasm32' }],
    [Buffer.from('\0asm\x0d\0\x01\0', 'latin1'), { kind: 'wasm', name: 'a WebAssembly component', isa: undefined }],
    [Buffer.from('#! /bin/sh -e\nexit'), { kind: 'script', interpreter: '/bin/sh' }],
    [Buffer.from('MZ..'), { kind: 'foreign', name: 'Windows' }],
    [Buffer.from([0xcf, 0xfa, 0xed, 0xfe]), { kind: 'foreign', name: 'macOS' }],
    [Buffer.from('\x7fELF'), { kind: 'unknown', name: 'a truncated ELF file' }],
    [Buffer.alloc(0), { kind: 'unknown' }],
  ])('names %#', (head, wanted) => {
    expect(architectureOf(head)).toMatchObject(wanted);
  });

  it('follows links within the image, as its kernel would', async () => {
    mkdirSync(join(inside, 'usr', 'bin'), { recursive: true });
    writeFileSync(join(inside, 'usr', 'bin', 'real'), elf(243));
    symlinkSync('usr/bin', join(inside, 'bin'));
    symlinkSync('/bin/../../usr/bin/real', join(inside, 'usr', 'bin', 'absolute'));
    symlinkSync('loop', join(inside, 'loop'));
    chmodSync(join(inside, 'usr', 'bin', 'real'), 0o755);
    const { tree } = await resolveImage(`dir:${inside}`);
    expect(imageArchitecture(tree, '/bin/absolute')).toMatchObject({ kind: 'elf', isa: 'riscv64-user' });
    expect(imageArchitecture(tree, '/loop')).toEqual({ kind: 'none', reason: 'too many symbolic links' });
    expect(imageArchitecture(tree, '/up')).toEqual({ kind: 'none', reason: 'not found' });
    expect(imageArchitecture(tree, '/usr')).toEqual({ kind: 'none', reason: 'not a regular file' });
    tree.close();
  });
});
