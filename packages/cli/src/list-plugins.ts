import { stdout } from './output.ts';
import { registry } from './registry.ts';

/** `ashlar plugins`: what is installed, by tier. */
export async function listPlugins(json: boolean): Promise<void> {
  const rows = (await registry().all()).map(({ manifest, origin }) => ({
    tier: manifest.tier,
    name: manifest.name,
    interface: manifest.interface,
    version: manifest.version ?? '',
    traits: manifest.traits ?? {},
    configurable: manifest.config !== undefined,
    summary: manifest.summary ?? '',
    origin,
  }));
  if (json) {
    stdout.say(`${JSON.stringify({ plugins: rows }, undefined, 2)}\n`);
    return;
  }
  const width = (key: 'tier' | 'name' | 'version'): number => Math.max(key.length, ...rows.map((row) => row[key].length));
  const columns = [width('tier'), width('name'), width('version')] as const;
  const line = (tier: string, name: string, version: string, rest: string): string =>
    `${tier.padEnd(columns[0])}  ${name.padEnd(columns[1])}  ${version.padEnd(columns[2])}  ${rest}`.trimEnd();
  stdout.say(`${line('tier', 'name', 'version', 'summary')}\n`);
  for (const row of rows) {
    stdout.say(`${line(row.tier, row.name, row.version, row.summary)}\n`);
    for (const [trait, value] of Object.entries(row.traits)) {
      stdout.say(`${line('', '', '', `  ${trait}: ${Array.isArray(value) ? value.join(', ') : String(value)}`)}\n`);
    }
  }
}
