/** The form of a config, for who reads or writes one without starting it. Loads zod and a YAML parser, which starting a typed config does without. */
export { type ReadConfig, readObject } from './read.ts';
export { readYaml } from './read-yaml.ts';
export { stackJsonSchema, stackSchema } from './schema.ts';
