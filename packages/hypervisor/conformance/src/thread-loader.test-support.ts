import { ProbeLoader } from './probe-loader.ts';

/** What threads of these tests load, and no more, for each of them imports it again: hypervisors only where one is nested. */
export function createLoader(): ProbeLoader {
  return new ProbeLoader({
    module: new URL('../dist/thread-loader.test-support.js', import.meta.url).href,
    hypervisors: {
      direct: async (...level) => (await import('./built-in.test-support.ts')).makeDirect(...level),
      worker: async (...level) => (await import('./built-in.test-support.ts')).makeWorker(...level),
    },
  });
}
