export default {
  files: ['test/**/*.test.ts'],
  extensions: ['ts'],
  // Without any result. A file that begins by building its guest takes a minute for that on a busy machine.
  timeout: '240s',
  workerThreads: false,
  // On two cores: a third of the time a file waits (for a lease, a scrape, a process that starts), and another one has the core.
  concurrency: 3,
};
