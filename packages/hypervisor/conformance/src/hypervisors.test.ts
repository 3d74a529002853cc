import { registerSuite } from '@ashlar/conformance';
import { HypervisorFixture, type HypervisorUnderTest, hypervisorTests } from './index.ts';
import { direct, worker } from './under-test.test-support.ts';

const variants: readonly [string, HypervisorUnderTest][] = [
  ['direct', direct],
  ['worker', worker],
  ['direct in worker', { ...direct, around: ['worker'] }],
  ['worker in direct', { ...worker, around: ['direct'] }],
  ['direct in direct, saved and restored', { ...direct, around: ['direct', 'direct'], restored: true }],
  ['worker in direct, saved and restored', { ...worker, around: ['direct'], restored: true }],
  ['direct, flattening off', { ...direct, flatten: false }],
  ['worker, flattening off', { ...worker, flatten: false }],
  ['direct at depth 8', { ...direct, around: ['direct', 'worker', 'direct', 'direct', 'direct', 'direct', 'direct'] }],
];

for (const [name, under] of variants) {
  registerSuite(hypervisorTests, {
    name,
    factory: () => HypervisorFixture.open(under),
    dispose: (fixture) => fixture.close(),
    supports: new Set(under.around === undefined ? ['outermost'] : []),
  });
}
