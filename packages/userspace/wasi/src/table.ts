import type { Wasm32Import } from '@ashlar/hardware';
import type { WasiFunction } from './call.ts';
import * as clocks from './clocks.ts';
import { fd_readdir } from './directories.ts';
import * as fds from './fds.ts';
import * as paths from './paths.ts';
import { poll_oneoff } from './poll.ts';
import * as process from './process.ts';
import * as sockets from './sockets.ts';

/** All functions of preview 1, by name (wasi_snapshot_preview1.witx). */
export const FUNCTIONS: ReadonlyMap<string, WasiFunction> = new Map<string, WasiFunction>([
  ['args_get', process.args_get],
  ['args_sizes_get', process.args_sizes_get],
  ['clock_res_get', clocks.clock_res_get],
  ['clock_time_get', clocks.clock_time_get],
  ['environ_get', process.environ_get],
  ['environ_sizes_get', process.environ_sizes_get],
  ['fd_advise', fds.fd_advise],
  ['fd_allocate', fds.fd_allocate],
  ['fd_close', fds.fd_close],
  ['fd_datasync', fds.fd_sync],
  ['fd_fdstat_get', fds.fd_fdstat_get],
  ['fd_fdstat_set_flags', fds.fd_fdstat_set_flags],
  ['fd_fdstat_set_rights', fds.fd_fdstat_set_rights],
  ['fd_filestat_get', fds.fd_filestat_get],
  ['fd_filestat_set_size', fds.fd_filestat_set_size],
  ['fd_filestat_set_times', fds.fd_filestat_set_times],
  ['fd_pread', fds.fd_pread],
  ['fd_prestat_dir_name', fds.fd_prestat_dir_name],
  ['fd_prestat_get', fds.fd_prestat_get],
  ['fd_pwrite', fds.fd_pwrite],
  ['fd_read', fds.fd_read],
  ['fd_readdir', fd_readdir],
  ['fd_renumber', fds.fd_renumber],
  ['fd_seek', fds.fd_seek],
  ['fd_sync', fds.fd_sync],
  ['fd_tell', fds.fd_tell],
  ['fd_write', fds.fd_write],
  ['path_create_directory', paths.path_create_directory],
  ['path_filestat_get', paths.path_filestat_get],
  ['path_filestat_set_times', paths.path_filestat_set_times],
  ['path_link', paths.path_link],
  ['path_open', paths.path_open],
  ['path_readlink', paths.path_readlink],
  ['path_remove_directory', paths.path_remove_directory],
  ['path_rename', paths.path_rename],
  ['path_symlink', paths.path_symlink],
  ['path_unlink_file', paths.path_unlink_file],
  ['poll_oneoff', poll_oneoff],
  ['proc_exit', process.proc_exit],
  ['proc_raise', process.proc_raise],
  ['random_get', process.random_get],
  ['sched_yield', process.sched_yield],
  ['sock_accept', sockets.sock_accept],
  ['sock_recv', sockets.sock_recv],
  ['sock_send', sockets.sock_send],
  ['sock_shutdown', sockets.sock_shutdown],
]);

/** Modules that the functions are imported from: preview 1, and the snapshot before it. */
export const PREVIEW1 = 'wasi_snapshot_preview1';
export const UNSTABLE = 'wasi_unstable';

/** What an import is: a function of WASI, or nothing that this personality knows. */
export interface Entry {
  readonly function: WasiFunction | undefined;
  readonly unstable: boolean;
  /** The program can be told by an errno: it expects a single i32. */
  readonly answersErrno: boolean;
}

export function entryOf({ module, name, results }: Wasm32Import): Entry {
  const known = module === PREVIEW1 || module === UNSTABLE;
  return {
    function: known ? FUNCTIONS.get(name) : undefined,
    unstable: module === UNSTABLE,
    answersErrno: results.length === 1 && results[0] === 'i32',
  };
}
