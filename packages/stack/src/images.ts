import { type Image, ImageError, type ResolveOptions, resolveImage } from '@ashlar/image';
import type { LeafPlan, StackPlan } from './plan.ts';
import { StackError } from './stack-error.ts';

/** How images are had. */
export type ImageOptions = Pick<ResolveOptions, 'cache' | 'offline' | 'progress' | 'signal'>;

/** The images of each share, by its name in the hardware. */
export async function resolveImages(plan: StackPlan, folder: string, options: ImageOptions): Promise<Map<string, readonly Image[]>> {
  const found = new Map<string, readonly Image[]>();
  try {
    for (const [name, device] of plan.devices) {
      if (device.kind !== 'share') continue;
      found.set(name, await Promise.all(device.images.map((image) => resolveImage(image, { ...options, cwd: folder }))));
    }
    return found;
  } catch (error) {
    for (const image of [...found.values()].flat()) image.tree.close();
    if (error instanceof ImageError) throw new StackError(`image ${error.spec}: ${error.reason}`, error.fix, { cause: error });
    throw error;
  }
}

/** The images of a leaf's root, lowest first. */
export const imagesOf = (leaf: LeafPlan, images: ReadonlyMap<string, readonly Image[]>): readonly Image[] =>
  images.get(leaf.devices.root?.from ?? '') ?? [];
