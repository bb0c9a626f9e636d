/**
 * Write what follows from the components' descriptions: docs/components/*.md, the tables of the guide, the JSON Schema of specs. `--check` writes nothing and names
 * what is out of date. Needs dist/ (`npm run build`).
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMain, reporting, SetupError, say } from './setup/say.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'docs', 'components');

/** The pages: file, heading, kinds, introduction. */
const pages = [
  {
    file: 'stages.md',
    title: 'Stages',
    kinds: ['source', 'operator', 'sink'],
    text: 'What pipelines are made of, in a spec as `- name` or `- name: { parameters }`, in code as operators for `pipe`.',
  },
  {
    file: 'losses.md',
    title: 'Losses',
    kinds: ['loss'],
    text: 'Named by `loss` of [lossStep](stages.md#lossstep). s is the dot product of two embeddings, D their Euclidean distance, pd that of PyTorch, T the mined tuples.',
  },
  {
    file: 'miners.md',
    title: 'Miners',
    kinds: ['miner'],
    text: 'Named by `miner` of [mine](stages.md#mine).',
  },
  {
    file: 'reducers.md',
    title: 'Reducers and distances',
    kinds: ['reducer', 'distance'],
    text: 'Reducers, named by `reducer` of [lossStep](stages.md#lossstep), turn the losses of many tuples into one number. Distances are parameters of losses and miners.',
  },
  { file: 'spaces.md', title: 'Spaces', kinds: ['space'], text: 'Named by `space` of a spec.' },
  {
    file: 'benchmarks.md',
    title: 'Benchmarks',
    kinds: ['benchmark'],
    text: 'Named by `benchmark` of a spec.',
  },
  {
    file: 'searchers.md',
    title: 'Searchers',
    kinds: ['searcher'],
    text: 'Named by `searcher` of [rounds](stages.md#rounds).',
  },
  { file: 'engines.md', title: 'Engines', kinds: ['engine'], text: 'Named by `engine` of a spec.' },
];

/** What runs through `pipe` alone, in code: no component of specs, but time matters in it. */
const inCode = ['inTurn', 'pull', 'metered'];

/** The pages by path, relative to the root. */
export async function generated() {
  const load = (path) => import(join(root, 'dist', path));
  const { builtIns } = await load('pipelines/builtIns.js');
  const { specJsonSchema } = await load('core/spec/jsonSchema.js');
  const { defaultText, describeComponent, describeStructure, structureNames } =
    await load('core/spec/describe.js');
  const section = (component) => sectionOf(describeComponent(component), defaultText);
  const structures = structureNames.map((name) => sectionOf(describeStructure(name), defaultText));
  const files = pages.map(({ file, title, kinds, text }) => {
    const sections = kinds.flatMap((kind) => builtIns.list(kind)).map(section);
    const more =
      file === 'stages.md'
        ? ['# Stages that hold stages\n', ...structures, '# In code only\n', ...inCode.map(codeSection)]
        : [];
    const head = `<!-- Made by scripts/docs.mjs from what the components say of themselves: edit those. -->\n\n# ${title}\n\n${text}\n`;
    return [join('docs', 'components', file), `${[head, ...sections, ...more].join('\n')}`];
  });
  const guide = join('docs', 'custom-components.md');
  const { columnTypes, resources } = await load('core/spec/component.js');
  return new Map([
    ...files,
    [join('docs', 'spec.schema.json'), `${JSON.stringify(specJsonSchema(builtIns), null, 2)}\n`],
    [guide, filledGuide(readFileSync(join(root, guide), 'utf8'), columnTypes, resources)],
  ]);
}

/** The guide with the files of the example package that it shows, and the tables of what there is. */
function filledGuide(text, columnTypes, resources) {
  const between = (name, body) => (whole) =>
    whole.replace(
      new RegExp(`(<!-- ${name} -->\n)(?:.|\n)*?(<!-- end -->)`),
      (_, open, close) => `${open}${body}\n${close}`,
    );
  const withFiles = text.replace(/(<!-- file: (\S+) -->\n```[^\n]*\n)[\s\S]*?```/g, (_, open, path) => {
    const content = readFileSync(join(root, 'examples', 'custom-operator', path), 'utf8');
    return `${open}${content.trimEnd()}\n\`\`\``;
  });
  const list = columnTypes.map((type) => `\`${type}\``).join(', ');
  const rows = Object.entries(resources).map(([name, what]) => `| \`${name}\` | ${what} |`);
  const table = ['| needs | what |', '|---|---|', ...rows].join('\n');
  return [between('columns', `Types of columns: ${list}.`), between('resources', table)].reduce(
    (whole, fill) => fill(whole),
    withFiles,
  );
}

function sectionOf(description, defaultText) {
  const { kind, name, summary, stability, source, facts, params, example } = description;
  const { input, output, takes, gives, passes, needs } = description;
  const { text, diagram } = isStage(kind) ? docstring(name) : {};
  const flowsOut = [passes && 'the columns that flow in', output && columns(output)].filter(Boolean);
  const about = [
    ...(source ? [['source', source]] : []),
    ...Object.entries(facts).map(([label, fact]) => [label, label === 'formula' ? `\`${fact}\`` : fact]),
    ...(input && kind !== 'source' ? [['takes', form(takes) + (columns(input) || 'anything')]] : []),
    ...(output ? [['gives', form(gives) + flowsOut.join(', and ')]] : []),
    ...(needs?.length ? [['needs', needs.map((need) => `\`${need}\``).join(', ')]] : []),
  ];
  return [
    `## ${name}`,
    '',
    `*${kind}, ${stability}.* ${text ?? `${summary}.`}`,
    ...(diagram ? ['', '```text', diagram, '```'] : []),
    ...(about.length > 0 ? ['', ...about.map(([label, fact]) => `- **${label}**: ${fact}`)] : []),
    ...(params.length > 0
      ? [
          '',
          '| parameter | type | unit | default | range | what |',
          '|---|---|---|---|---|---|',
          ...params.map((param) =>
            [
              '',
              `\`${param.name}\``,
              param.type,
              param.unit ?? '',
              defaultText(param),
              param.range ?? '',
              param.description,
              '',
            ]
              .map((cell) => cell.replaceAll('|', '\\|'))
              .join(' | ')
              .trim(),
          ),
        ]
      : []),
    '',
    '```yaml fragment',
    example,
    '```',
    '',
  ].join('\n');
}

/** `batches: ` before their columns. */
const form = (items) => (items === undefined ? '' : `${items}: `);

const isStage = (kind) => ['source', 'operator', 'sink'].includes(kind);

const columns = (types) =>
  typeof types === 'string'
    ? 'what follows from the parameters'
    : Object.entries(types)
        .map(([name, type]) => `\`${name}\` ${type}`)
        .join(', ');

/** An operator that no spec names. */
function codeSection(name) {
  const { text, diagram } = docstring(name);
  return [`## ${name}`, '', text, ...(diagram ? ['', '```text', diagram, '```'] : []), ''].join('\n');
}

/** The comment above an operator in its file: its text and its marble diagram. */
function docstring(name) {
  const path = join(root, 'src', 'operators', `${name}.ts`);
  if (!existsSync(path)) return {};
  const source = readFileSync(path, 'utf8');
  const declared = new RegExp(`/\\*\\*((?:(?!\\*/)[^])*)\\*/\\nexport (?:const|function) ${name}\\b`).exec(
    source,
  )?.[1];
  if (!declared) return {};
  const lines = declared.split('\n').map((line) => line.replace(/^\s*\* ?/, ''));
  const diagram = lines.filter((line) => line.startsWith('    ')).map((line) => line.slice(4));
  const text = lines
    .filter((line) => !line.startsWith('    ') && !line.startsWith('@'))
    .join(' ')
    .replaceAll(/\{@link (\S+?)(?: ([^}]+))?\}/g, (_, target, label) => label ?? `\`${target}\``)
    .replaceAll(/\s+/g, ' ')
    .trim();
  return { text, ...(diagram.length > 0 && { diagram: diagram.join('\n') }) };
}

export async function writeDocs({ check = false } = {}) {
  const wanted = await generated();
  const stale = [];
  for (const [path, text] of wanted) {
    const file = join(root, path);
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
    stale.push(path);
    if (check) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const path = relative(root, join(folder, name));
    if (wanted.has(path)) continue;
    stale.push(path);
    if (!check) rmSync(join(folder, name));
  }
  if (check && stale.length > 0) throw new SetupError(`out of date: ${stale.join(', ')}; run npm run docs`);
  say(stale.length === 0 ? 'docs are current' : `written: ${stale.join(', ')}`);
}

if (isMain(import.meta.url)) await reporting(() => writeDocs({ check: process.argv.includes('--check') }));
