;; A wasi:http 0.2 guest that says back all it was told: the request's header fields as the response's, method and
;; path in two more, the body as the body. A path that begins with three digits asks for that status, a `t` after
;; them for a trailer. The version 0.2.12 is replaced before it is built.
(module
  (import "wasi:http/types@0.2.12" "[method]incoming-request.method" (func $method (param i32 i32)))
  (import "wasi:http/types@0.2.12" "[method]incoming-request.path-with-query" (func $path (param i32 i32)))
  (import "wasi:http/types@0.2.12" "[method]incoming-request.headers" (func $headers (param i32) (result i32)))
  (import "wasi:http/types@0.2.12" "[method]incoming-request.consume" (func $consume (param i32 i32)))
  (import "wasi:http/types@0.2.12" "[method]incoming-body.stream" (func $body-stream (param i32 i32)))
  (import "wasi:http/types@0.2.12" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.2.12" "[method]fields.entries" (func $entries (param i32 i32)))
  (import "wasi:http/types@0.2.12" "[static]fields.from-list" (func $from-list (param i32 i32 i32)))
  (import "wasi:http/types@0.2.12" "[method]fields.append" (func $append (param i32 i32 i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.12" "[constructor]outgoing-response" (func $response (param i32) (result i32)))
  (import "wasi:http/types@0.2.12" "[method]outgoing-response.set-status-code"
    (func $set-status (param i32 i32) (result i32)))
  (import "wasi:http/types@0.2.12" "[method]outgoing-response.body" (func $response-body (param i32 i32)))
  (import "wasi:http/types@0.2.12" "[method]outgoing-body.write" (func $body-write (param i32 i32)))
  (import "wasi:http/types@0.2.12" "[static]outgoing-body.finish" (func $finish (param i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.12" "[static]response-outparam.set"
    (func $set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.12" "[method]output-stream.blocking-splice"
    (func $splice (param i32 i32 i64 i32)))
  (import "wasi:io/streams@0.2.12" "[resource-drop]output-stream" (func $drop-output (param i32)))

  (memory (export "memory") 4)
  (global $heap (mut i32) (i32.const 4096))
  (data (i32.const 1024) "x-method")
  (data (i32.const 1040) "x-path")
  (data (i32.const 1056) "x-trailer")
  (data (i32.const 1072) "late")

  (func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (local.get $at))

  ;; Payload of the result<own<..>, ..> at address 0, or a trap.
  (func $own (result i32)
    (if (i32.load8_u (i32.const 0)) (then unreachable))
    (i32.load (i32.const 4)))

  (func $digit (param $at i32) (result i32)
    (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))

  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param $req i32) (param $out i32)
    (local $answer i32) (local $text i32) (local $length i32) (local $trailers i32)
    (local $res i32) (local $body i32) (local $input i32) (local $output i32)
    ;; A list of fields has the same layout coming and going.
    (call $entries (call $headers (local.get $req)) (i32.const 0))
    (call $from-list (i32.load (i32.const 0)) (i32.load (i32.const 4)) (i32.const 0))
    (local.set $answer (call $own))
    (call $method (local.get $req) (i32.const 0))
    (if (i32.ne (i32.load8_u (i32.const 0)) (i32.const 9))
      (then ;; a method without a name of its own: its number
        (i32.store8 (i32.const 16) (i32.add (i32.const 48) (i32.load8_u (i32.const 0))))
        (i32.store (i32.const 4) (i32.const 16))
        (i32.store (i32.const 8) (i32.const 1))))
    (call $append (local.get $answer) (i32.const 1024) (i32.const 8)
      (i32.load (i32.const 4)) (i32.load (i32.const 8)) (i32.const 32))
    (call $path (local.get $req) (i32.const 0))
    (local.set $text (i32.load (i32.const 4)))
    (local.set $length (i32.load (i32.const 8)))
    (call $append (local.get $answer) (i32.const 1040) (i32.const 6)
      (local.get $text) (local.get $length) (i32.const 32))

    (local.set $res (call $response (local.get $answer)))
    (if (i32.and (i32.ge_u (local.get $length) (i32.const 4))
          (i32.lt_u (call $digit (i32.add (local.get $text) (i32.const 1))) (i32.const 10)))
      (then
        (drop (call $set-status (local.get $res)
          (i32.add
            (i32.add
              (i32.mul (call $digit (i32.add (local.get $text) (i32.const 1))) (i32.const 100))
              (i32.mul (call $digit (i32.add (local.get $text) (i32.const 2))) (i32.const 10)))
            (call $digit (i32.add (local.get $text) (i32.const 3))))))
        (if (i32.eq (i32.load8_u offset=4 (local.get $text)) (i32.const 0x74))
          (then
            (local.set $trailers (call $fields))
            (call $append (local.get $trailers) (i32.const 1056) (i32.const 9)
              (i32.const 1072) (i32.const 4) (i32.const 32))))))

    (call $response-body (local.get $res) (i32.const 0))
    (local.set $body (call $own))
    (call $set (local.get $out) (i32.const 0) (local.get $res) (i32.const 0) (i64.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (call $body-write (local.get $body) (i32.const 0))
    (local.set $output (call $own))
    (call $consume (local.get $req) (i32.const 0))
    (call $body-stream (call $own) (i32.const 0))
    (local.set $input (call $own))
    (loop $more
      (call $splice (local.get $output) (local.get $input) (i64.const 65536) (i32.const 0))
      (br_if $more (i32.eqz (i32.load8_u (i32.const 0)))))
    (call $drop-output (local.get $output))
    (call $finish (local.get $body)
      (i32.ne (local.get $trailers) (i32.const 0)) (local.get $trailers) (i32.const 0))
    (if (i32.load8_u (i32.const 0)) (then unreachable))))
