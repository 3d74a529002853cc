/** An element as the JSX factory makes it; text stands for itself. */
export type Node =
  | string
  | number
  | undefined
  | readonly Node[]
  | { readonly tag: string; readonly attributes: object; readonly inner: readonly Node[] };

type Component<P> = (properties: P) => Node;

export const Fragment = '';

/** The JSX factory: calls components, and keeps elements as data. */
export function markup<P extends object>(tag: string | Component<P>, properties: P | null, ...inner: Node[]): Node {
  if (typeof tag === 'function') return tag({ ...(properties as P), inner });
  return { tag, attributes: properties ?? {}, inner };
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const encode = (text: string): string => text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);

/** HTML of a tree. */
export function render(node: Node): string {
  if (node === undefined) return '';
  if (typeof node !== 'object') return encode(`${node}`);
  if (!('tag' in node)) return node.map(render).join('');
  const attributes = Object.entries(node.attributes).filter(([, value]) => value !== undefined);
  const inner = node.inner.map(render).join('');
  if (node.tag === Fragment) return inner;
  return `<${node.tag}${attributes.map(([name, value]) => ` ${name}="${encode(String(value))}"`).join('')}>${inner}</${node.tag}>`;
}
