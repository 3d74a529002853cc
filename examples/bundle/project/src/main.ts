import { stack } from './stack.ts';
import { tiers } from './tiers.ts';

for (const tier of stack(tiers)) console.log(tier);
