#!/usr/bin/env node
// The command is bundled, because importing its libraries one by one takes longer than starting a stack.
if (process.argv.includes('--debug')) process.setSourceMapsEnabled(true);
const { run } = await import('../bundle/main.js');

await run(process.argv.slice(2));
