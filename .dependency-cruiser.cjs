/**
 * The house's walls: who may import whom (CONTRIBUTING.md, "The house"). `npm run lint` checks them.
 * @type {import('dependency-cruiser').IConfiguration}
 */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Modules that import each other in a circle cannot be read, loaded or tested one by one.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'core-stands-alone',
      comment: 'The nouns know nothing of the verbs that use them.',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { path: '^src/', pathNot: '^src/(core/|version\\.ts$)' },
    },
    {
      name: 'core-without-streams',
      comment:
        'RxJS appears in core as types only; streams are made of operators, in src/operators and src/pipelines.',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { path: 'node_modules/rxjs/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'operators-know-no-pipelines',
      comment: 'An operator is usable in any pipeline, so it knows none.',
      severity: 'error',
      from: { path: '^src/operators/' },
      to: { path: '^src/(pipelines|jobs|cli|report)/' },
    },
    {
      name: 'pipelines-know-no-jobs',
      comment:
        'A pipeline is streams only; run folders and settings are the business of the job that runs it.',
      severity: 'error',
      from: { path: '^src/pipelines/' },
      to: { path: '^src/(jobs|cli|report)/' },
    },
    {
      name: 'analytics-read-what-was-logged',
      comment: 'Questions about runs, whoever made them.',
      severity: 'error',
      from: { path: '^src/analytics/' },
      to: { path: '^src/(operators|pipelines|jobs|cli|report)/' },
    },
    {
      name: 'report-computes-nothing',
      comment: 'Plots and pages are made of what was logged, whoever logged it.',
      severity: 'error',
      from: { path: '^src/report/' },
      to: { path: '^src/(operators|pipelines|jobs|cli)/' },
    },
    {
      name: 'nothing-imports-cli',
      comment: 'The command line is one user of the library among others.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'nothing-imports-testing',
      comment: 'What components are tested with is for tests.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/testing/' },
      to: { path: '^src/testing/' },
    },
    {
      name: 'testing-knows-no-jobs',
      comment: 'What components are tested with needs what components are made of, and no more.',
      severity: 'error',
      from: { path: '^src/testing/' },
      to: { path: '^src/(operators|pipelines|jobs|cli|report|analytics)/' },
    },
    {
      name: 'tfjs-in-one-place',
      comment:
        'TensorFlow may be missing: only its engine loads it, and the rest of the program goes on without.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/core/engine/tfjs/' },
      to: { path: 'node_modules/@tensorflow/' },
    },
    {
      name: 'no-dev-packages',
      comment: 'What is published may use only what is installed with it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/core/(engine/simd|kernels)/assembly/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'resolvable',
      comment: 'An import that leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^src/core/(engine/simd|kernels)/assembly/' },
    // Types count: a module that needs another's types cannot be read without it either.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
