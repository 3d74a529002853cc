/**
 * What a plugin may ask for with `@inject(TOKEN)`. `Symbol.for`, so that another copy of this package in a stranger's plugin means the same thing.
 * Each comment names the type and which tier gets it.
 */

/** {@link Machine} of the level below. For hypervisors and kernel stubs. */
export const LowerMachine = Symbol.for('ashlar/1/LowerMachine');
/** The plugin's own config, as its schema parsed it. For every plugin. */
export const Config = Symbol.for('ashlar/1/Config');
/** {@link HardwareSpec}. For hardware. */
export const Spec = Symbol.for('ashlar/1/Spec');
/** {@link PayloadLoader}. For hypervisors. */
export const Loader = Symbol.for('ashlar/1/Loader');
/** {@link DomainPlan}: the domains to make at the start, and whether to flatten. For hypervisors. */
export const Domains = Symbol.for('ashlar/1/Domains');
/** {@link CodeStore}: what is compiled and kept from one process to the next. For CPUs. */
export const Codes = Symbol.for('ashlar/1/Codes');
