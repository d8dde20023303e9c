export default {
  files: ['test/**/*.test.ts'],
  extensions: ['ts'],
  // Without any result. A file that begins by building its guest takes a minute for that on a busy machine.
  timeout: '240s',
  workerThreads: false,
  concurrency: 2,
};
