import type { ImageProgress } from '@ashlar/image';
import type { SingleBar } from 'cli-progress';
import { stderr } from './output.ts';

/** Draws how far images are, on a terminal; says nothing elsewhere. Call the second function when all are there. */
export function imageProgress(): { readonly progress: (event: ImageProgress) => void; readonly done: () => void } {
  if (!stderr.isTerminal) return { progress: () => undefined, done: () => undefined };
  let bar: SingleBar | undefined;
  let over = false;
  let opening = false;
  const open = async (spec: string, totalBytes: number): Promise<void> => {
    // Most runs find their images in the cache and draw nothing.
    const { Presets, SingleBar } = (await import('cli-progress')).default;
    if (over) return;
    const format = '{image} {bar} {percentage}%';
    bar = new SingleBar({ format, stream: stderr.open(), clearOnComplete: true }, Presets.shades_classic);
    bar.start(totalBytes, 0, { image: spec });
  };
  return {
    progress({ spec, doneBytes, totalBytes }) {
      if (totalBytes === undefined) return;
      if (!opening) void open(spec, totalBytes);
      opening = true;
      bar?.setTotal(totalBytes);
      bar?.update(Math.min(doneBytes, totalBytes), { image: spec });
    },
    done: () => {
      over = true;
      bar?.stop();
    },
  };
}
