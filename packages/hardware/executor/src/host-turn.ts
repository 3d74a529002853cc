/** Runs a function after the host handled what it has at hand (sockets, timers, messages), without the 1 ms or more of a timer. */
export type HostTurn = (run: () => void) => void;

/** What some hosts have and the common library types do not know. */
interface HostGlobals {
  readonly setImmediate?: (run: () => void) => unknown;
}

/** The host's cheapest way: `setImmediate` where there is one (Node.js), a message to ourselves elsewhere (browsers). */
export function hostTurn(): HostTurn {
  const { setImmediate } = globalThis as HostGlobals;
  if (setImmediate !== undefined) return (run) => void setImmediate(run);
  const channel = new MessageChannel();
  const due: (() => void)[] = [];
  channel.port1.onmessage = () => due.shift()?.();
  return (run) => {
    due.push(run);
    channel.port2.postMessage(0);
  };
}
