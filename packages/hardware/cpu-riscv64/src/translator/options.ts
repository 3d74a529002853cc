/** How eagerly code is translated. */
export interface TranslatorOptions {
  /** Jumps between two samples. */
  readonly period: number;
  /** Samples of one address that make it hot. */
  readonly samples: number;
  /** Hot addresses that are translated together at the latest; the end of a slice comes first, as a rule. */
  readonly batch: number;
  /** Translates also what was never executed. */
  readonly eager: boolean;
  /** Instructions to run after something became hot before it is translated, so that more may come along and short programs pay nothing. */
  readonly patience: number;
  /** Instructions that translated code runs before all of it is made anew as one module: at least so many, and so many for each guest instruction in it. */
  readonly joinLeast: number;
  readonly joinPatience: number;
}

const NEVER = Number.POSITIVE_INFINITY;
/** Two seconds, as a rule: a short program pays nothing. */
const JOIN_LEAST = 10_000_000_000;
/** To make a guest instruction anew, and for the host to optimise it, takes as long as some 250,000 take to run, of which a tenth is gained afterwards: as long again, and it has paid. */
const JOIN_PATIENCE = 2_500_000;

/** `hot`: what is sampled often; `eager`: every target of a jump at once, for tests; `off`: nothing. */
export type Translation = 'hot' | 'eager' | 'off';

const OPTIONS: Readonly<Record<Translation, TranslatorOptions | undefined>> = {
  hot: { period: 127, samples: 256, batch: 24, eager: false, patience: 400_000, joinLeast: JOIN_LEAST, joinPatience: JOIN_PATIENCE },
  eager: { period: 0, samples: 1, batch: 1, eager: true, patience: 0, joinLeast: NEVER, joinPatience: NEVER },
  off: undefined,
};

/** The options of a choice; without one, of the environment variable ASHLAR_TRANSLATE where there is such a thing; without that, of `hot`. */
export function translationOptions(choice: Translation | TranslatorOptions | undefined): TranslatorOptions | undefined {
  if (typeof choice === 'object') return choice;
  const { process } = globalThis as { readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> } };
  const wanted = choice ?? process?.env?.ASHLAR_TRANSLATE ?? 'hot';
  if (wanted === 'hot' || wanted === 'eager' || wanted === 'off') return OPTIONS[wanted];
  throw new Error(`ASHLAR_TRANSLATE is '${wanted}'; use hot, eager or off`);
}
