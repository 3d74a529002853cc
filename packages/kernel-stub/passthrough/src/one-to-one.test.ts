import type { Device, Machine } from '@ashlar/hardware';
import type { KernelStub } from '@ashlar/kernel-stub';
import { SystemRig } from '@ashlar/kernel-stub-conformance';
import { LowerMachine } from '@ashlar/plugin';
import { makePlugin } from '@ashlar/stack';
import { describe, expect, it } from 'vitest';
import { PassthroughKernel } from './passthrough-kernel.ts';

/** Names of the requests that a device was asked, in order. */
function spied(device: Device, requests: string[]): Device {
  return new Proxy(device, {
    get(target, key) {
      const member = Reflect.get(target, key, target) as unknown;
      if (typeof member !== 'function') return member;
      return (...given: unknown[]): unknown => {
        requests.push(String(key));
        return (member as (...all: unknown[]) => unknown).apply(target, given);
      };
    },
  });
}

function rigWithSpy(): { rig: SystemRig; requests: string[] } {
  const requests: string[] = [];
  const rig = new SystemRig({
    kernel: (machine: Machine) => {
      const root = spied(machine.device('root') as Device, requests);
      const watched = new Proxy(machine, {
        get(target, key) {
          if (key === 'device') return (name: string) => (name === 'root' ? root : target.device(name));
          const member = Reflect.get(target, key, target) as unknown;
          return typeof member === 'function' ? member.bind(target) : member;
        },
      });
      return makePlugin<KernelStub>(PassthroughKernel, {}, new Map([[LowerMachine, watched]]));
    },
    personalities: () => [],
    cpus: [],
    root: { a: { b: { c: 'contents' } } },
  });
  return { rig, requests };
}

describe('passthrough', () => {
  it('asks the share for each step of a path, every time', () => {
    const { rig, requests } = rigWithSpy();
    const out = { mode: 0, size: 0, mtime: { sec: 0, nsec: 0 } };
    rig.settle(() => rig.system.files.stat('/a/b/c', out));
    for (let i = 0; i < 5; i++) {
      requests.length = 0;
      expect(rig.settle(() => rig.system.files.stat('/a/b/c', out))).toBe(0);
      expect(requests).toEqual(['lookup', 'lookup', 'lookup', 'forget', 'forget', 'forget']);
    }
  });

  it('asks the share for each operation on a file, every time', () => {
    const { rig, requests } = rigWithSpy();
    const handle = rig.settle(() => rig.system.files.open('/a/b/c', 0, 0));
    const bytes = new Uint8Array(4);
    for (let i = 0; i < 5; i++) {
      requests.length = 0;
      expect(rig.settle(() => rig.system.files.read(handle, 0, bytes))).toBe(4);
      expect(requests).toEqual(['read']);
    }
    requests.length = 0;
    rig.system.files.close(handle);
    // The file, and the directories on its way.
    expect(requests).toEqual(['forget', 'forget', 'forget']);
  });
});
