/**
 * What the parameters of WASI preview 1 functions are, a letter each, in the order of their core signature
 * (`witx` of snapshot 1 lowered to wasm32):
 *
 * - `i`, `l`: an i32 or i64 that is no address
 * - `p`: an address whose target holds no addresses
 * - `v`, `n`: the address of an array of iovec or ciovec (`{ buf: u32, buf_len: u32 }`), and its length
 * - `a`: the address of an array that the callee fills with addresses, as many as the function of
 *   {@link PREVIEW1_COUNTS} says
 */
export const PREVIEW1_PARAMETERS: ReadonlyMap<string, string> = new Map([
  ['args_get', 'ap'],
  ['args_sizes_get', 'pp'],
  ['environ_get', 'ap'],
  ['environ_sizes_get', 'pp'],
  ['clock_res_get', 'ip'],
  ['clock_time_get', 'ilp'],
  ['fd_advise', 'illi'],
  ['fd_allocate', 'ill'],
  ['fd_close', 'i'],
  ['fd_datasync', 'i'],
  ['fd_fdstat_get', 'ip'],
  ['fd_fdstat_set_flags', 'ii'],
  ['fd_fdstat_set_rights', 'ill'],
  ['fd_filestat_get', 'ip'],
  ['fd_filestat_set_size', 'il'],
  ['fd_filestat_set_times', 'illi'],
  ['fd_pread', 'ivnlp'],
  ['fd_prestat_dir_name', 'ipi'],
  ['fd_prestat_get', 'ip'],
  ['fd_pwrite', 'ivnlp'],
  ['fd_read', 'ivnp'],
  ['fd_readdir', 'ipilp'],
  ['fd_renumber', 'ii'],
  ['fd_seek', 'ilip'],
  ['fd_sync', 'i'],
  ['fd_tell', 'ip'],
  ['fd_write', 'ivnp'],
  ['path_create_directory', 'ipi'],
  ['path_filestat_get', 'iipip'],
  ['path_filestat_set_times', 'iipilli'],
  ['path_link', 'iipiipi'],
  ['path_open', 'iipiillip'],
  ['path_readlink', 'ipipip'],
  ['path_remove_directory', 'ipi'],
  ['path_rename', 'ipiipi'],
  ['path_symlink', 'piipi'],
  ['path_unlink_file', 'ipi'],
  ['poll_oneoff', 'ppip'],
  ['proc_exit', 'i'],
  ['proc_raise', 'i'],
  ['random_get', 'pi'],
  ['sched_yield', ''],
  ['sock_accept', 'iip'],
  ['sock_recv', 'ivnipp'],
  ['sock_send', 'ivnip'],
  ['sock_shutdown', 'ii'],
]);

/** The function whose first result is the number of addresses that another one writes. */
export const PREVIEW1_COUNTS: ReadonlyMap<string, string> = new Map([
  ['args_get', 'args_sizes_get'],
  ['environ_get', 'environ_sizes_get'],
]);

/** Whether a function with these parameters reads or writes the caller's memory. */
export function takesAddresses(parameters: string): boolean {
  return /[pva]/.test(parameters);
}
