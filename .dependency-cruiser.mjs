// The arrows of docs/architecture.md, as rules. tidy.test.ts runs them and fails when no file was seen.
const rooms = '^(api|runtime|images|hub|spoke|policies|cli|lab|e2e|bench)/';
const test = String.raw`\.(test|contract)\.ts$|/testing/`;
const pure = ['^api/', String.raw`/plan-[^/]+\.ts$`, String.raw`/diff-[^/]+\.ts$`, String.raw`-status\.ts$`];

const only = (room, allowed, comment) => ({
  name: `${room}-imports`,
  comment,
  severity: 'error',
  from: { path: `^${room}/`, pathNot: test },
  to: { path: rooms, pathNot: `^(${[room, ...allowed].join('|')})/` },
});

const never = (name, from, to, comment) => ({ name, comment, severity: 'error', from, to });

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    only('api', [], 'The contract imports nothing else of ours.'),
    only('runtime', [], 'Machinery knows no Module and no role.'),
    only('images', ['api', 'runtime'], 'Images know neither hub nor spoke.'),
    only('hub', ['api', 'runtime', 'images'], 'Hub and spoke meet on the wire, in api.'),
    only('spoke', ['api', 'runtime', 'images'], 'Hub and spoke meet on the wire, in api.'),
    only('policies', ['api', 'runtime'], 'How it is installed follows from names and kinds.'),
    only(
      'lab',
      ['api', 'runtime', 'images', 'policies'],
      'The lab is a neighbour of hub and spoke, not a part of them.',
    ),
    only(
      'cli',
      ['api', 'runtime', 'images', 'hub', 'spoke', 'policies', 'lab'],
      'The command uses all but the stories.',
    ),
    never(
      'spoke-loads-images-only-stand-alone',
      { path: '^spoke/', pathNot: [test, '^spoke/(main|standalone/)'] },
      { path: '^images/', dependencyTypesNot: ['type-only'] },
      'A managed spoke stays light: only the stand-alone entry loads the image room.',
    ),
    never(
      'pure-uses-no-machinery',
      { path: pure, pathNot: [test, '^api/(generate|generating/)'] },
      { path: '^node_modules/', pathNot: '^node_modules/(zod|re2js)/', dependencyTypesNot: ['type-only'] },
      'Planners, diffs, status and the contract get data in and give data out.',
    ),
    never(
      'pure-uses-no-node',
      { path: pure, pathNot: [test, '^api/(generate|generating/)'] },
      { dependencyTypes: ['core'] },
      'Planners, diffs, status and the contract do no input or output.',
    ),
    never(
      'node-http-comes-without-undici',
      { path: '^(api|runtime|images|hub|spoke|policies|cli)/', pathNot: test },
      { path: '^(node:)?http$', dependencyTypesNot: ['type-only'] },
      'runtime/node-http.ts has it: an import of node:http loads a client that nobody uses.',
    ),
    never('no-cycles', {}, { circular: true }, 'A cycle has no bottom to read from.'),
    never('resolves', {}, { couldNotResolve: true }, 'Every import leads somewhere.'),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types'] },
  },
};
