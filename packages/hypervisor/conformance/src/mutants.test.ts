import { registerMutants } from '@ashlar/conformance';
import { makePlugin } from 'ashlar/bundled';
import { HypervisorFixture, hypervisorMutants, hypervisorTests } from './index.ts';
import { direct } from './under-test.test-support.ts';

// A channel that never ends would be waited for without end; the suite of a sound hypervisor needs none of this.
const tests = hypervisorTests.map((test) => ({
  ...test,
  run: async (fixture: HypervisorFixture) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('did not come to an end')), 5000);
    });
    await Promise.race([test.run(fixture), late]).finally(() => clearTimeout(timer));
  },
}));

registerMutants(
  tests,
  {
    name: 'hypervisors',
    factory: () => HypervisorFixture.open(direct),
    dispose: (fixture) => fixture.close(),
    supports: new Set(['outermost']),
  },
  hypervisorMutants(makePlugin),
);
