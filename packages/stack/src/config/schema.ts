import { FEATURE_GROUPS } from '@ashlar/kernel-stub';
import { z } from 'zod';
import { SIZE } from './size.ts';

/**
 * The shape of a stack's config: `stack.yaml`, or the same object through {@link defineStack}. Everything here is checked again against the
 * plugins that are found; this schema is what an editor knows.
 */

const sizeSchema = z
  .union([z.number().int().positive(), z.string().regex(SIZE, 'expected a size such as 512MiB or 2GiB')])
  .describe('Memory: bytes, or a number with KiB, MiB or GiB');

/** A name from config: what a plugin may be called, and a domain. */
const domainName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/, 'expected 1 to 64 characters of a-z, 0-9 and -, not - at either end');

const plugin = (what: string) =>
  z.union([z.string().min(1), z.looseObject({ use: z.string().min(1).describe('Name, package or path of the plugin') })]).describe(what);

const limits = {
  memory: sizeSchema.optional(),
  weight: z.number().int().min(1).max(10_000).optional().describe('Share of CPU time relative to siblings; 100 is usual'),
  cap: z.number().min(0.001).max(1).optional().describe("Most CPU time, as a fraction of the parent's"),
};

const hypervisorEntry = z
  .union([
    z.string().min(1),
    z.looseObject({
      use: z.string().min(1).describe('Name, package or path of the plugin'),
      ...limits,
      flatten: z.boolean().optional().describe('false: encapsulate every request at this level instead of linking it past'),
    }),
  ])
  .describe('A hypervisor plugin; `memory`, `weight` and `cap` limit the domain it makes');

const volume = z.strictObject({
  host: z.string().min(1).describe('Host folder or file, relative to the config file'),
  guest: z.string().startsWith('/', 'expected an absolute path').describe('Absolute path in the guest'),
  readOnly: z.boolean().optional(),
});

const image = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .optional()
  .describe('dir:PATH, tar:PATH, file:PATH or npm:NAME@VERSION; several are layers, lowest first');
const volumes = z.array(volume).max(64).optional();

const device = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('share').describe('A file tree; a domain has it as its root'),
      image,
      volumes,
      writable: sizeSchema.optional().describe('What its writable layer may hold; default: 1GiB'),
    }),
    z.strictObject({
      kind: z.literal('console').describe('A log, and a keyboard for one'),
      prefix: z.string().max(64).optional().describe('Put before each line; lines of several domains are then kept whole'),
      input: z.string().min(1).optional().describe('The domain that reads what is typed; default: nobody may type'),
    }),
  ])
  .describe('A device of the hardware, for the domains that name it');

/** Which devices of the stack a domain has under the names that its kernel stub asks for; the others are its own. */
const bindings = z.strictObject({
  root: z.string().min(1).optional().describe('The share that is its root file system'),
  console: z.string().min(1).optional().describe('The console that is its /dev/console'),
});

const environment = z.record(z.string().regex(/^[^=\0]+$/, 'expected a name without = and NUL'), z.string());

const userspace = z.strictObject({
  use: z
    .union([plugin('A personality'), z.array(plugin('A personality')).min(1)])
    .optional()
    .describe('Personalities; default: linux and wasi'),
  image,
  volumes,
  run: z.array(z.string()).min(1).optional().describe('Program and arguments; default: the program of a file: image'),
  env: environment.optional(),
  workdir: z.string().startsWith('/', 'expected an absolute path').optional(),
  needs: z
    .array(z.enum(FEATURE_GROUPS))
    .optional()
    .describe(
      'Feature groups of the kernel stub without which the program cannot work; default: what is known of the program (a shell, a script)',
    ),
});

const hypervisors = z.array(hypervisorEntry).max(64).optional().describe('Outermost first, each inside the one before; default: direct');

export interface DomainConfig {
  hypervisors?: z.infer<typeof hypervisorEntry>[] | undefined;
  kernel?: z.infer<ReturnType<typeof plugin>> | undefined;
  userspace?: z.infer<typeof userspace> | undefined;
  domains?: Record<string, DomainConfig> | undefined;
  devices?: z.infer<typeof bindings> | undefined;
  memory?: string | number | undefined;
  weight?: number | undefined;
  cap?: number | undefined;
}

const system = {
  hypervisors,
  kernel: plugin('A kernel stub; default: posix').optional(),
  userspace: userspace.optional(),
};

const domain: z.ZodType<DomainConfig> = z
  .strictObject({
    ...system,
    ...limits,
    devices: bindings.optional().describe('Devices that it shares with other domains, by what it has them for'),
    get domains() {
      return z.record(domainName, domain).optional();
    },
  })
  .describe('A domain: a kernel stub and a userspace, or further domains');

export const stackSchema = z
  .strictObject({
    ashlar: z.literal(1).describe('Version of this format'),
    hardware: plugin('A hardware plugin; default: host').optional(),
    cpus: z.array(plugin('A CPU plugin')).min(1).optional().describe('Default: riscv64 and wasm32'),
    memory: sizeSchema.optional(),
    ...system,
    domains: z.record(domainName, domain).optional().describe('Several domains under the last hypervisor, instead of kernel and userspace'),
    devices: z.record(domainName, device).optional().describe('Devices that several domains share, by name'),
    links: z
      .array(z.strictObject({ from: domainName, to: z.union([domainName, z.literal('*')]) }))
      .max(4096)
      .optional()
      .describe('Which domain may connect to which (socket level); `*` is the host’s network'),
  })
  .describe('An Ashlar stack');

/** A shared device as a config has it. */
export type DeviceConfig = z.infer<typeof device>;

/** A stack's config as written. */
export type StackConfig = z.infer<typeof stackSchema>;

/** The JSON Schema of a stack file, for editors. */
export const stackJsonSchema = (): object => ({
  title: 'Ashlar stack',
  ...z.toJSONSchema(stackSchema, { target: 'draft-7', unrepresentable: 'any' }),
});
