;; Answers every request with one line of text. Each import is a function of tiny.wit in its canonical form:
;; handles are i32, a list is address and length, and a result with a payload is written to an address.
(module
  (import "wasi:http/types@0.2.0" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.2.0" "[constructor]outgoing-response" (func $response (param i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-response.body" (func $response.body (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-body.write" (func $body.write (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[static]outgoing-body.finish" (func $body.finish (param i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.0" "[static]response-outparam.set"
    (func $outparam.set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.0" "[resource-drop]incoming-request" (func $request.drop (param i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $stream.write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[resource-drop]output-stream" (func $stream.drop (param i32)))

  (memory (export "memory") 1)
  (data (i32.const 0) "A mayfly lives for a day.\n")

  ;; Only the text of an error-code would ever be put here, and nobody reads it.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))

  ;; The canonical result<own<T>> at address 64: a discriminant byte, then the handle.
  (func $handle-at-64 (result i32)
    (if (i32.load8_u (i32.const 64)) (then unreachable))
    (i32.load (i32.const 68)))

  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $out i32)
    (local $response i32) (local $body i32) (local $stream i32)
    (call $request.drop (local.get $request))
    (local.set $response (call $response (call $fields)))
    (call $response.body (local.get $response) (i32.const 64))
    (local.set $body (call $handle-at-64))
    ;; The discriminant 0 is `ok`; what follows the handle is room for an error-code.
    (call $outparam.set (local.get $out) (i32.const 0) (local.get $response)
      (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (call $body.write (local.get $body) (i32.const 64))
    (local.set $stream (call $handle-at-64))
    (call $stream.write (local.get $stream) (i32.const 0) (i32.const 26) (i32.const 64))
    (call $stream.drop (local.get $stream))
    (call $body.finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 64))))
