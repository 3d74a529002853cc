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
}

/** `hot`: what is sampled often; `eager`: every target of a jump at once, for tests; `off`: nothing. */
export type Translation = 'hot' | 'eager' | 'off';

const OPTIONS: Readonly<Record<Translation, TranslatorOptions | undefined>> = {
  hot: { period: 127, samples: 256, batch: 24, eager: false, patience: 400_000 },
  eager: { period: 0, samples: 1, batch: 1, eager: true, patience: 0 },
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
