import type { PluginModules } from '@ashlar/stack';

const MODULES: PluginModules = {
  host: () => import('@ashlar/hardware-host'),
  sim: () => import('@ashlar/hardware-sim'),
  riscv64: () => import('@ashlar/cpu-riscv64'),
  wasm32: () => import('@ashlar/cpu-wasm32'),
  'wasm32-native': () => import('@ashlar/cpu-wasm32'),
  direct: () => import('@ashlar/hypervisor-direct'),
  worker: () => import('@ashlar/hypervisor-worker'),
  posix: () => import('@ashlar/kernel-posix'),
  passthrough: () => import('@ashlar/kernel-passthrough'),
  solo: () => import('@ashlar/kernel-solo'),
  linux: () => import('@ashlar/userspace-linux'),
  wasi: () => import('@ashlar/userspace-wasi'),
};

/**
 * The plugins of this distribution, by the names a config uses. Loaded when they are asked for, the same way as a stranger's, and once: to import what
 * is there already takes a tenth of a millisecond all the same.
 */
export const DISTRIBUTION: PluginModules = Object.fromEntries(
  Object.entries(MODULES).map(([name, load]) => {
    let loaded: Promise<object> | undefined;
    return [
      name,
      () => {
        loaded ??= load();
        return loaded;
      },
    ];
  }),
);

/** The module that makes a loader in another thread. The bundle keeps the file's name. */
export const LOADER_MODULE = new URL('./loader.js', import.meta.url).href;
