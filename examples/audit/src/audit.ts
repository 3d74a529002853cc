import { appendFileSync } from 'node:fs';
import { DomainSet, type Observer, placeInThread, type Tap, wrapMachine } from '@ashlar/domains';
import type { Console, Machine } from '@ashlar/hardware';
import type { DomainPlan, Interposer, PayloadLoader } from '@ashlar/hypervisor';
import { Config, Domains, hypervisor, interposer, Loader, LowerMachine } from '@ashlar/plugin';
import { z } from 'zod';

/** Where the log goes. With none of them, nowhere. */
export const AuditConfig = z.strictObject({
  file: z.string().optional().describe('A file that lines are appended to'),
  console: z.string().optional().describe('Name of a console device of the machine below'),
  ports: z.array(z.string()).optional().describe('Ports to log: device:NAME, clock, entropy, partition; default all'),
});
/** A stack in code may also hand over a function; it cannot go behind a thread. */
export type AuditConfig = z.infer<typeof AuditConfig> & { readonly log?: (line: string) => void };

/** One request as it is logged: arguments by value if they are numbers or text, by size if they are bytes. */
export interface AuditRecord {
  readonly port: string;
  readonly op: string;
  readonly args: readonly (number | string)[];
  /** A number, or `wait`. */
  readonly result: number | string;
}

const text = new TextEncoder();

const size = (value: unknown): number | string => {
  if (typeof value === 'number' || typeof value === 'string') return value;
  return value instanceof Uint8Array ? value.length : typeof value;
};

/** Logs each request that a domain makes of its machine, after it was answered. */
@interposer({
  name: 'audit',
  interface: '1',
  summary: 'a log of every request, as JSON lines',
  config: { parse: (value) => parse(value) },
  inject: [Config],
})
export class AuditInterposer implements Interposer {
  readonly wrap: Interposer['wrap'];

  constructor(config: AuditConfig) {
    this.wrap = logging(config, undefined).wrap;
  }
}

/** `console`: of a machine that the logged domain does not share; a hypervisor has one, an interposer by itself does not. */
function logging(config: AuditConfig, console: Console | undefined): Interposer {
  if (config.console !== undefined && console === undefined) {
    throw new Error(
      `audit: console "${config.console}" is not at hand: an interposer logs to a file, only a hypervisor has devices of its own`,
    );
  }
  const write = writer(config, console);
  const observe: Observer = (port, op, args, result) => {
    if (config.ports?.includes(port) === false) return;
    const record: AuditRecord = { port, op, args: args.map(size), result: typeof result === 'object' ? 'wait' : size(result) };
    write(JSON.stringify(record));
  };
  return { wrap: (lower) => wrapMachine(lower, observe) };
}

function writer({ log, file }: AuditConfig, console: Console | undefined): (line: string) => void {
  if (log !== undefined) return log;
  if (file !== undefined) return (line) => appendFileSync(file, `${line}\n`);
  if (console === undefined) return () => undefined;
  console.reset();
  console.accept(console.offered());
  return (line) => void console.write(text.encode(`${line}\n`));
}

function parse(value: unknown): AuditConfig {
  const { log, ...rest } = (value ?? {}) as { log?: (line: string) => void };
  const config = AuditConfig.parse(rest);
  return typeof log === 'function' ? { ...config, log } : config;
}

/** The same as a level of its own: one domain, whose every request is logged, with those of all levels above it. */
@hypervisor({
  name: 'audit',
  interface: '1',
  summary: 'one domain, and a log of every request that it and all within make',
  config: { parse: (value) => parse(value) },
  inject: [LowerMachine, Loader, Domains, Config],
  traits: { placement: 'thread', interpose: true },
})
export class AuditHypervisor extends DomainSet {
  constructor(lower: Machine, loader: PayloadLoader, plan: DomainPlan, config: AuditConfig) {
    super({
      schema: 'audit/1',
      lower,
      place: placeInThread({ lower, loader, flatten: plan.flatten }),
      tap: tapOf(config, lower),
      domainsMax: 1,
    });
  }
}

/** Threads above load this module again, by its URL; what cannot go with it stays unseen there, so they refuse to start. */
function tapOf(config: AuditConfig, lower: Machine): Tap {
  const { log, file, console, ports } = config;
  const device = console === undefined ? undefined : lower.device(console);
  const interposer = logging(config, device?.kind === 'console' ? (device as Console) : undefined);
  const mobile = log === undefined && console === undefined;
  return { interposer, ref: mobile ? { use: import.meta.url, config: { ...(file && { file }), ...(ports && { ports }) } } : undefined };
}
