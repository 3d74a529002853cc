import { Blueprint } from './blueprint.ts';
import courses from './courses.json';
// biome-ignore lint/correctness/noUnusedImports: tsconfig.json names them as what JSX is compiled to
import { Fragment, markup, render } from './markup.ts';
import preface from './preface.txt';

const plan = new Blueprint(courses);

function Course({ name, stones }: { name: string; stones: number }) {
  return (
    <li class={stones > plan.mean ? 'wide' : undefined}>
      {name}: {'▤'.repeat(stones)}
    </li>
  );
}

const page = (
  <>
    <p>{preface.trim()}</p>
    <ol>
      {plan.fromTheTop().map((course) => (
        <Course {...course} />
      ))}
    </ol>
  </>
);
console.log(render(page));
