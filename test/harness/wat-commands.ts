/** Commands written by hand, for tests in which every instruction counts. Each gives the text of a component. */

const EXPORT_RUN = `
    (func $run (result (result)) (canon lift (core func $m "run")))
    (component $C (import "run" (func $r (result (result)))) (export "run" (func $r)))
    (instance $i (instantiate $C (with "run" (func $run))))
    (export "wasi:cli/run@0.2.0" (instance $i))`;

/** A command that imports nothing: `module` holds its core code and exports `run`, which gives 0 for ok. */
export function plainCommand(module: string): string {
  return `(component
    (core module $M ${module})
    (core instance $m (instantiate $M))
    ${EXPORT_RUN})`;
}

/** One that may ask for the time and sleep: `$now` and `$sleep` (ns) are functions of its module. */
export function clockCommand(module: string): string {
  return `(component
    (import "wasi:io/poll@0.2.0" (instance $poll
      (export "pollable" (type (sub resource)))
      (export "[method]pollable.block" (func (param "self" (borrow 0))))))
    (alias export $poll "pollable" (type $pollable))
    (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
      (alias outer 1 $pollable (type $outer))
      (export "pollable" (type (eq $outer)))
      (export "now" (func (result u64)))
      (export "subscribe-duration" (func (param "when" u64) (result (own 1))))))
    (core func $now (canon lower (func $clock "now")))
    (core func $subscribe (canon lower (func $clock "subscribe-duration")))
    (core func $block (canon lower (func $poll "[method]pollable.block")))
    (core func $drop (canon resource.drop $pollable))
    (core module $M
      (import "" "now" (func $now (result i64)))
      (import "" "subscribe" (func $subscribe (param i64) (result i32)))
      (import "" "block" (func $block (param i32)))
      (import "" "drop" (func $drop (param i32)))
      (func $sleep (param $ns i64) (local $pollable i32)
        (call $block (local.tee $pollable (call $subscribe (local.get $ns))))
        (call $drop (local.get $pollable)))
      ${module})
    (core instance $m (instantiate $M (with "" (instance
      (export "now" (func $now)) (export "subscribe" (func $subscribe)) (export "block" (func $block))
      (export "drop" (func $drop))))))
    ${EXPORT_RUN})`;
}

/** One that reads its arguments with `$args` (address of a list), for which the host calls `realloc`: code of a function. */
export function argumentsCommand(realloc: string, run = '(call $args (i32.const 8)) (i32.const 0)'): string {
  return `(component
    (import "wasi:cli/environment@0.2.0" (instance $environment
      (export "get-arguments" (func (result (list string))))))
    (core module $Memory
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) ${realloc}))
    (core instance $memory (instantiate $Memory))
    (core func $args (canon lower (func $environment "get-arguments")
      (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
    (core module $M
      (import "" "args" (func $args (param i32)))
      (func (export "run") (result i32) ${run}))
    (core instance $m (instantiate $M (with "" (instance (export "args" (func $args))))))
    ${EXPORT_RUN})`;
}

/** One that writes to standard output: \`$write\` sends 4,096 bytes and gives 0 while that works. */
export function writingCommand(run: string): string {
  return `(component
    (import "wasi:io/error@0.2.0" (instance $io-error (export "error" (type (sub resource)))))
    (alias export $io-error "error" (type $error))
    (import "wasi:io/streams@0.2.0" (instance $streams
      (export "output-stream" (type (sub resource)))
      (alias outer 1 $error (type $outer-error))
      (export "error" (type $e (eq $outer-error)))
      (type $failure' (variant (case "last-operation-failed" (own $e)) (case "closed")))
      (export "stream-error" (type $failure (eq $failure')))
      (export "[method]output-stream.blocking-write-and-flush"
        (func (param "self" (borrow 0)) (param "contents" (list u8)) (result (result (error $failure)))))))
    (alias export $streams "output-stream" (type $stream))
    (import "wasi:cli/stdout@0.2.0" (instance $stdout
      (alias outer 1 $stream (type $outer-stream))
      (export "output-stream" (type (eq $outer-stream)))
      (export "get-stdout" (func (result (own 1))))))
    (core module $Memory (memory (export "memory") 1))
    (core instance $memory (instantiate $Memory))
    (core func $stdout (canon lower (func $stdout "get-stdout")))
    (core func $send (canon lower (func $streams "[method]output-stream.blocking-write-and-flush")
      (memory (core memory $memory "memory"))))
    (core module $M
      (import "" "memory" (memory 1))
      (import "" "stdout" (func $stdout (result i32)))
      (import "" "send" (func $send (param i32 i32 i32 i32)))
      (global $stream (mut i32) (i32.const 0))
      (func $write (result i32)
        (call $send (global.get $stream) (i32.const 1024) (i32.const 4096) (i32.const 0))
        (i32.load8_u (i32.const 0)))
      (func (export "run") (result i32) (global.set $stream (call $stdout)) ${run}))
    (core instance $m (instantiate $M (with "" (instance
      (export "memory" (memory $memory "memory")) (export "stdout" (func $stdout)) (export "send" (func $send))))))
    ${EXPORT_RUN})`;
}

export const FOREVER = '(loop $again (br $again)) unreachable';
