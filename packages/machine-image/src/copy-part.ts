import { PAGE_BYTES, type PartReader, type PartWriter } from '@ashlar/hardware';

/** Writes all of `from` into `to`: how a saved part gets into another image unchanged. */
export function copyPart(from: PartReader, to: PartWriter): void {
  for (const key of from.keys()) to.put(key, from.get(key));
  const page = new Uint8Array(PAGE_BYTES);
  for (const key of from.pageKeys()) {
    for (const number of from.pages(key)) {
      from.page(key, number, page);
      to.page(key, number, page);
    }
  }
  for (const key of from.parts()) copyPart(from.part(key), to.part(key));
}
