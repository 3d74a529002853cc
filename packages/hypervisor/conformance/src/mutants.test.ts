import { registerMutants } from '@ashlar/conformance';
import { makePlugin } from 'ashlar/bundled';
import { HypervisorFixture, hypervisorMutants, hypervisorTests } from './index.ts';
import { direct } from './under-test.test-support.ts';

registerMutants(
  hypervisorTests,
  {
    name: 'hypervisors',
    factory: () => HypervisorFixture.open(direct),
    dispose: (fixture) => fixture.close(),
    supports: new Set(['outermost']),
  },
  hypervisorMutants(makePlugin),
);
