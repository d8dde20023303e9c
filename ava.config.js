export default {
  files: ['test/**/*.test.ts'],
  extensions: ['ts'],
  timeout: '120s',
  workerThreads: false,
  concurrency: 2,
};
