import { Errno } from '@ashlar/hardware';
import { OpenFlag } from '@ashlar/kernel-stub';
import { describe, expect, it } from 'vitest';
import { Description } from './description.ts';
import { SlowFilesystem } from './testing/slow-filesystem.ts';
import { newStatus, TreeFixture, utf8 } from './testing/tree-fixture.ts';

const CREATE = OpenFlag.CREATE | OpenFlag.READ_WRITE;

describe('path walk', () => {
  it('follows links, dots and slashes', () => {
    const tree = new TreeFixture();
    expect(tree.mkdir('/a')).toBe(0);
    expect(tree.mkdir('a/b/')).toBe(0);
    expect(tree.put('/a/b/f', 'hello')).toBe(0);
    expect(tree.symlink('b', '/a/l')).toBe(0);
    expect(tree.symlink('/a/l/f', '/abs')).toBe(0);
    expect(tree.get('//a/./l/../b//f')).toBe('hello');
    expect(tree.get('/abs')).toBe('hello');
    expect(tree.get('/../../abs')).toBe('hello');
    expect(tree.readlink('/a/l')).toBe('b');
    expect(tree.readlink('/a/l/')).toBe(-Errno.EINVAL);
    expect(tree.get('/abs/')).toBe(-Errno.ENOTDIR);
    expect(tree.get('/abs/..')).toBe(-Errno.ENOTDIR);
    expect(tree.get('/a/none/f')).toBe(-Errno.ENOENT);
    expect(tree.get('')).toBe(-Errno.ENOENT);
  });

  it('counts links and bytes', () => {
    const tree = new TreeFixture();
    tree.symlink('loop', '/loop');
    expect(tree.get('/loop')).toBe(-Errno.ELOOP);
    tree.put('/end', 'x');
    tree.symlink('end', '/l1');
    for (let i = 2; i <= 41; i++) tree.symlink(`l${i - 1}`, `/l${i}`);
    expect(tree.get('/l40')).toBe('x');
    expect(tree.get('/l41')).toBe(-Errno.ELOOP);
    expect(tree.get(`/${'n'.repeat(255)}`)).toBe(-Errno.ENOENT);
    expect(tree.get(`/${'n'.repeat(256)}`)).toBe(-Errno.ENAMETOOLONG);
    expect(tree.get('/'.repeat(4096))).toBe(-Errno.ENAMETOOLONG);
    expect(tree.get(`${'/'.repeat(4091)}end`)).toBe('x');
  });

  it('keeps a changed root closed', () => {
    const tree = new TreeFixture();
    tree.mkdir('/jail');
    tree.mkdir('/jail/in');
    tree.put('/secret', 's');
    tree.put('/jail/secret', 'jailed');
    tree.symlink('/secret', '/jail/l');
    expect(tree.chroot('/jail')).toBe(0);
    expect(tree.chdir('/in')).toBe(0);
    expect(tree.cwd()).toBe('/in');
    expect(tree.get('../../../secret')).toBe('jailed');
    expect(tree.get('/l')).toBe('jailed');
  });

  it('lists mounts once, and .. leads out of them', () => {
    const tree = new TreeFixture();
    tree.mkdir('/dev');
    tree.put('/dev-file', '');
    expect(tree.list('/')).toEqual(['dev', 'dev-file', 'proc']);
    expect(tree.list('/dev')).toEqual([
      'console',
      'fd',
      'full',
      'null',
      'pts',
      'random',
      'shm',
      'stderr',
      'stdin',
      'stdout',
      'tty',
      'urandom',
      'zero',
    ]);
    expect(tree.get('/dev/shm/../../dev-file')).toBe('');
    expect(tree.put('/dev/shm/x', 'y')).toBe(0);
    expect(tree.chdir('/dev/shm')).toBe(0);
    expect(tree.cwd()).toBe('/dev/shm');
    expect(tree.get('x')).toBe('y');
    expect(tree.rmdir('/dev')).toBe(-Errno.EBUSY);
    expect(tree.rename('/dev', '/x')).toBe(-Errno.EBUSY);
    expect(tree.rename('/dev-file', '/dev/shm/z')).toBe(-Errno.EXDEV);
    expect(tree.mkdir('/proc')).toBe(-Errno.EEXIST);
  });
});

describe('open', () => {
  it('has the errors of open(2)', () => {
    const tree = new TreeFixture();
    tree.mkdir('/d');
    tree.put('/f', 'data');
    tree.symlink('f', '/l');
    tree.symlink('new', '/dangling');
    expect(tree.open('/f', CREATE | OpenFlag.EXCLUSIVE)).toBe(-Errno.EEXIST);
    expect(tree.open('/dangling', CREATE | OpenFlag.EXCLUSIVE)).toBe(-Errno.EEXIST);
    expect(tree.open('/l', OpenFlag.NOFOLLOW)).toBe(-Errno.ELOOP);
    expect(tree.open('/l', OpenFlag.NOFOLLOW | OpenFlag.DIRECTORY)).toBe(-Errno.ENOTDIR);
    expect(tree.open('/f', OpenFlag.DIRECTORY)).toBe(-Errno.ENOTDIR);
    expect(tree.open('/d', OpenFlag.WRITE_ONLY)).toBe(-Errno.EISDIR);
    expect(tree.open('/d', CREATE)).toBe(-Errno.EISDIR);
    expect(tree.open('/new/', CREATE)).toBe(-Errno.EISDIR);
    expect(tree.open('/.', CREATE | OpenFlag.EXCLUSIVE)).toBe(-Errno.EEXIST);
    expect(tree.open('/tmp', 0o20000000 | OpenFlag.DIRECTORY | OpenFlag.READ_WRITE)).toBe(-Errno.EOPNOTSUPP);
    const made = tree.opened('/dangling', CREATE);
    expect(tree.stat('/new')).toMatchObject({ mode: 0o100644, size: 0 });
    made.release();
    const path = tree.opened('/l', OpenFlag.PATH | OpenFlag.NOFOLLOW);
    const status = newStatus();
    path.stat(tree.caller, status);
    expect(status.mode & 0o170000).toBe(0o120000);
    path.release();
  });

  it('appends, truncates, seeks, and reads what is no longer named', () => {
    const tree = new TreeFixture();
    tree.put('/f', 'abc');
    const file = tree.opened('/f', OpenFlag.READ_WRITE | OpenFlag.APPEND);
    expect(tree.write(file, 'def')).toBe(3);
    expect(tree.get('/f')).toBe('abcdef');
    expect(tree.unlink('/f')).toBe(0);
    expect(tree.get('/f')).toBe(-Errno.ENOENT);
    expect(file.seek(tree.caller, -2, 2)).toBe(4);
    expect(tree.read(file)).toBe('ef');
    expect(file.seek(tree.caller, -1, 0)).toBe(-Errno.EINVAL);
    expect(file.truncate(tree.caller, 2)).toBe(0);
    expect(file.seek(tree.caller, 0, 0)).toBe(0);
    expect(tree.read(file)).toBe('ab');
    expect(new TextDecoder().decode(file.label())).toBe('/f (deleted)');
    file.release();
    expect(tree.files.places.inUse).toBe(0);
  });

  it('checks permissions of others than the superuser', () => {
    const tree = new TreeFixture();
    tree.mkdir('/private', 0o700);
    tree.put('/private/f', 'x');
    tree.put('/readable', 'x', 0o644);
    tree.mkdir('/sticky', 0o777);
    tree.chmod('/sticky', 0o1777);
    tree.put('/sticky/root', 'x');
    const root = tree.caller.credentials;
    root.euid = root.ruid = 1000;
    root.egid = root.rgid = 1000;
    expect(tree.get('/private/f')).toBe(-Errno.EACCES);
    expect(tree.get('/readable')).toBe('x');
    expect(tree.open('/readable', OpenFlag.WRITE_ONLY)).toBe(-Errno.EACCES);
    expect(tree.put('/mine', '')).toBe(-Errno.EACCES);
    expect(tree.put('/sticky/mine', '')).toBe(0);
    expect(tree.stat('/sticky/mine')).toMatchObject({ uid: 1000, gid: 1000 });
    expect(tree.unlink('/sticky/root')).toBe(-Errno.EPERM);
    expect(tree.unlink('/sticky/mine')).toBe(0);
    expect(tree.chmod('/readable', 0o777)).toBe(-Errno.EPERM);
    expect(tree.access('/readable', 4)).toBe(0);
    expect(tree.access('/readable', 2)).toBe(-Errno.EACCES);
  });
});

describe('names', () => {
  it('has the errors of the like-named calls', () => {
    const tree = new TreeFixture();
    tree.mkdir('/d');
    tree.mkdir('/d/sub');
    tree.put('/f', '1');
    expect(tree.mkdir('/d')).toBe(-Errno.EEXIST);
    expect(tree.mkdir('/d/.')).toBe(-Errno.EEXIST);
    expect(tree.mkdir('/')).toBe(-Errno.EEXIST);
    expect(tree.rmdir('/d')).toBe(-Errno.ENOTEMPTY);
    expect(tree.rmdir('/d/.')).toBe(-Errno.EINVAL);
    expect(tree.rmdir('/d/..')).toBe(-Errno.ENOTEMPTY);
    expect(tree.rmdir('/f')).toBe(-Errno.ENOTDIR);
    expect(tree.unlink('/d')).toBe(-Errno.EISDIR);
    expect(tree.unlink('/f/')).toBe(-Errno.ENOTDIR);
    expect(tree.link('/d', '/dd')).toBe(-Errno.EPERM);
    expect(tree.link('/f', '/d/hard')).toBe(0);
    expect(tree.stat('/f')).toMatchObject({ links: 2 });
    expect(tree.rename('/d', '/d/sub/x')).toBe(-Errno.EINVAL);
    expect(tree.rename('/f', '/d')).toBe(-Errno.EISDIR);
    expect(tree.rename('/d', '/f')).toBe(-Errno.ENOTDIR);
    expect(tree.rename('/f/', '/g')).toBe(-Errno.ENOTDIR);
    expect(tree.rename('/f', '/d/hard')).toBe(0);
    expect(tree.stat('/f')).toMatchObject({ links: 2 });
    expect(tree.rename('/f', '/g', 1)).toBe(0);
    expect(tree.rename('/g', '/d', 1)).toBe(-Errno.EEXIST);
    expect(tree.rename('/g', '/d', 2)).toBe(0);
    expect(tree.get('/d')).toBe('1');
    expect(tree.list('/g')).toEqual(['hard', 'sub']);
    expect(tree.symlink('', '/e')).toBe(-Errno.ENOENT);
    expect(tree.symlink('x', '/g')).toBe(-Errno.EEXIST);
  });

  it('lets places follow renames', () => {
    const tree = new TreeFixture();
    tree.mkdir('/a');
    tree.mkdir('/a/b');
    tree.mkdir('/c');
    tree.chdir('/a/b');
    expect(tree.rename('/a', '/c/moved')).toBe(0);
    expect(tree.cwd()).toBe('/c/moved/b');
    expect(tree.get('../../none')).toBe(-Errno.ENOENT);
    expect(tree.list('../..')).toEqual(['moved']);
    expect(tree.rmdir('/c/moved/b')).toBe(0);
    expect(tree.cwd()).toBe(-Errno.ENOENT);
    expect(tree.put('here', '')).toBe(-Errno.ENOENT);
    expect(tree.list('..')).toEqual([]);
    expect(tree.chdir('/')).toBe(0);
    expect(tree.files.places.inUse).toBe(0);
  });
});

describe('a tree whose every request waits', () => {
  it('asks each change once, and holds nothing afterwards', () => {
    let slow!: SlowFilesystem;
    const tree = new TreeFixture((root) => {
      slow = new SlowFilesystem(root);
      return slow;
    });
    expect(tree.mkdir('/a')).toBe(0);
    expect(tree.mkdir('/a/b')).toBe(0);
    expect(tree.symlink('/a/b', '/l')).toBe(0);
    expect(tree.put('/l/f', 'hello')).toBe(0);
    expect(tree.open('/l/f', CREATE | OpenFlag.EXCLUSIVE)).toBe(-Errno.EEXIST);
    const appended = tree.opened('/l/f', OpenFlag.WRITE_ONLY | OpenFlag.APPEND);
    expect(tree.write(appended, ' world')).toBe(6);
    appended.release();
    expect(tree.rename('/l/f', '/a/g')).toBe(0);
    expect(tree.get('/a/g')).toBe('hello world');
    expect(tree.list('/a')).toEqual(['b', 'g']);
    expect(tree.unlink('/a/g')).toBe(0);
    expect(tree.rmdir('/l')).toBe(-Errno.ENOTDIR);
    expect(new Set(slow.changes).size).toBe(slow.changes.length);
    expect(slow.held).toBe(0);
    expect(tree.files.places.inUse).toBe(0);
  });

  it('gives everything back when a waiting call is abandoned', () => {
    let slow!: SlowFilesystem;
    const tree = new TreeFixture((root) => {
      slow = new SlowFilesystem(root);
      return slow;
    });
    tree.mkdir('/a');
    tree.mkdir('/a/b');
    for (let askings = 1; askings < 6; askings++) {
      for (let i = 0; i < askings; i++) {
        const opened = tree.files.open(tree.caller, tree.caller.directories.cwd, utf8('/a/b/new'), CREATE, 0);
        if (opened instanceof Description) opened.release();
      }
      tree.files.abandon(tree.caller.progress ?? null);
      tree.caller.progress = undefined;
      expect(slow.held).toBe(0);
    }
  });
});
