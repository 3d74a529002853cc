import { registerMutants, registerSuite } from '@ashlar/conformance';
import type { Share } from '@ashlar/hardware';
import { type ShareFixture, shareMutants, shareTests } from '@ashlar/hardware-conformance';
import { FakeEvents, MemoryPart, tickingClock } from '../fakes.test.support.ts';
import { ShareDriver } from './driver.ts';
import { MemoryTree, SymbolicLink } from './memory-tree.ts';

const LAYER = new MemoryTree({ lower: 'lower layer\n', folder: { inner: 'inner\n' }, link: new SymbolicLink('../../outside') });
const WRITABLE_BYTES = 32 * 2 ** 20;

function driverOf(): ShareDriver {
  return new ShareDriver({ layers: [LAYER], volumes: [], writableBytes: WRITABLE_BYTES, events: new FakeEvents(), now: tickingClock() });
}

function ready(share: Share): Share {
  share.reset();
  share.accept(share.offered());
  return share;
}

function fixture(driver: ShareDriver = driverOf()): ShareFixture & { fresh(): Share } {
  return {
    open: () => ready(driver.open()),
    openRaw: () => driver.open(),
    fresh: () => ready(driverOf().open()),
    restored: (saved) => {
      const part = new MemoryPart();
      saved.save(part);
      const next = driverOf();
      const opener = next.open();
      opener.restore(part.read());
      return { ...fixture(next), opener };
    },
  };
}

const options = { name: 'share', factory: () => fixture(), supports: new Set(['writable', 'save', 'limit', 'fresh layers']) };

registerSuite(shareTests, options);
registerMutants(shareTests, options, shareMutants);
