;; A WASI 0.2 guest by hand. The character after the slash of the path says what it does:
;;   h  answers "hello"                       e  echoes the body
;;   x  answers with an error-code            n  never answers
;;   u  answers, but leaves the body open     d  drops the body
;;   s  declares 9 bytes and writes 5         o  declares 2 bytes and writes 5
;;   f  fetches /1 and /2 of the authority that follows in the path, both at once, and joins the answers
;;   k  appends the field `Host`, and answers with the discriminant of header-error
(module
  (import "wasi:http/types@0.2.12" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.2.12" "[method]fields.append" (func $append (param i32 i32 i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.12" "[method]incoming-request.path-with-query" (func $path (param i32 i32)))
  (import "wasi:http/types@0.2.12" "[method]incoming-request.consume" (func $consume-request (param i32 i32)))
  (import "wasi:http/types@0.2.12" "[method]incoming-body.stream" (func $body-stream (param i32 i32)))
  (import "wasi:http/types@0.2.12" "[method]incoming-response.consume" (func $consume-response (param i32 i32)))
  (import "wasi:http/types@0.2.12" "[constructor]outgoing-response" (func $response (param i32) (result i32)))
  (import "wasi:http/types@0.2.12" "[method]outgoing-response.body" (func $response-body (param i32 i32)))
  (import "wasi:http/types@0.2.12" "[method]outgoing-body.write" (func $body-write (param i32 i32)))
  (import "wasi:http/types@0.2.12" "[static]outgoing-body.finish" (func $finish (param i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.12" "[resource-drop]outgoing-body" (func $drop-body (param i32)))
  (import "wasi:http/types@0.2.12" "[static]response-outparam.set"
    (func $set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.12" "[constructor]outgoing-request" (func $request (param i32) (result i32)))
  (import "wasi:http/types@0.2.12" "[method]outgoing-request.set-authority"
    (func $set-authority (param i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.2.12" "[method]outgoing-request.set-scheme"
    (func $set-scheme (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.2.12" "[method]outgoing-request.set-path-with-query"
    (func $set-path (param i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.2.12" "[method]future-incoming-response.subscribe"
    (func $subscribe (param i32) (result i32)))
  (import "wasi:http/types@0.2.12" "[method]future-incoming-response.get" (func $get (param i32 i32)))
  (import "wasi:http/outgoing-handler@0.2.12" "handle" (func $send (param i32 i32 i32 i32)))
  (import "wasi:io/poll@0.2.12" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/streams@0.2.12" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.12" "[method]output-stream.blocking-splice"
    (func $splice (param i32 i32 i64 i32)))
  (import "wasi:io/streams@0.2.12" "[resource-drop]output-stream" (func $drop-output (param i32)))

  (memory (export "memory") 1)
  (global $heap (mut i32) (i32.const 4096))
  (data (i32.const 1024) "hello")
  (data (i32.const 1040) "content-length")
  (data (i32.const 1060) "92")
  (data (i32.const 1064) "/1/2")
  (data (i32.const 1072) "host")

  (func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (local.get $at))

  ;; Payload of the result<own<..>> at address 0, or a trap.
  (func $own (result i32)
    (if (i32.load8_u (i32.const 0)) (then unreachable))
    (i32.load (i32.const 4)))

  ;; Answers with these fields and gives the body.
  (func $answer (param $out i32) (param $headers i32) (result i32)
    (local $res i32) (local $body i32)
    (local.set $res (call $response (local.get $headers)))
    (call $response-body (local.get $res) (i32.const 0))
    (local.set $body (call $own))
    (call $set (local.get $out) (i32.const 0) (local.get $res) (i32.const 0) (i64.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (local.get $body))

  (func $output (param $body i32) (result i32)
    (call $body-write (local.get $body) (i32.const 0))
    (call $own))

  (func $say-hello (param $body i32)
    (local $stream i32)
    (local.set $stream (call $output (local.get $body)))
    (call $write (local.get $stream) (i32.const 1024) (i32.const 5) (i32.const 0))
    (call $drop-output (local.get $stream)))

  (func $end (param $body i32)
    (call $finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 0)))

  ;; Fields with a content-length of the one digit at $digit.
  (func $declared (param $digit i32) (result i32)
    (local $headers i32)
    (local.set $headers (call $fields))
    (call $append (local.get $headers) (i32.const 1040) (i32.const 14) (local.get $digit) (i32.const 1) (i32.const 0))
    (local.get $headers))

  ;; Moves a whole incoming body into the stream.
  (func $pour (param $incoming i32) (param $stream i32)
    (local $input i32)
    (call $body-stream (local.get $incoming) (i32.const 0))
    (local.set $input (call $own))
    (loop $more
      (call $splice (local.get $stream) (local.get $input) (i64.const 65536) (i32.const 0))
      (br_if $more (i32.eqz (i32.load8_u (i32.const 0))))))

  ;; Starts a fetch of the two characters at $path from the authority.
  (func $start (param $path i32) (param $authority i32) (param $length i32) (result i32)
    (local $req i32)
    (local.set $req (call $request (call $fields)))
    (drop (call $set-authority (local.get $req) (i32.const 1) (local.get $authority) (local.get $length)))
    (drop (call $set-scheme (local.get $req) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
    (drop (call $set-path (local.get $req) (i32.const 1) (local.get $path) (i32.const 2)))
    (call $send (local.get $req) (i32.const 0) (i32.const 0) (i32.const 0))
    (if (i32.load8_u (i32.const 0)) (then unreachable))
    (i32.load (i32.const 8)))

  ;; Waits for a fetch and gives its body; a failed one answers with its error-code's discriminant instead.
  (func $await (param $future i32) (param $stream i32)
    (call $block (call $subscribe (local.get $future)))
    (call $get (local.get $future) (i32.const 0))
    (if (i32.load8_u (i32.const 16))
      (then
        (i32.store8 (i32.const 1080) (i32.add (i32.const 65) (i32.load8_u (i32.const 24))))
        (call $write (local.get $stream) (i32.const 1080) (i32.const 1) (i32.const 0))
        (return)))
    (call $consume-response (i32.load (i32.const 24)) (i32.const 0))
    (call $pour (call $own) (local.get $stream)))

  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param $req i32) (param $out i32)
    (local $what i32) (local $text i32) (local $length i32)
    (local $body i32) (local $stream i32) (local $one i32) (local $two i32)
    (call $path (local.get $req) (i32.const 0))
    (local.set $text (i32.load (i32.const 4)))
    (local.set $length (i32.load (i32.const 8)))
    (local.set $what (i32.load8_u offset=1 (local.get $text)))
    (if (i32.eq (local.get $what) (i32.const 0x68)) ;; h
      (then
        (local.set $body (call $answer (local.get $out) (call $fields)))
        (call $say-hello (local.get $body))
        (call $end (local.get $body))))
    (if (i32.eq (local.get $what) (i32.const 0x65)) ;; e
      (then
        (local.set $body (call $answer (local.get $out) (call $fields)))
        (local.set $stream (call $output (local.get $body)))
        (call $consume-request (local.get $req) (i32.const 0))
        (call $pour (call $own) (local.get $stream))
        (call $drop-output (local.get $stream))
        (call $end (local.get $body))))
    (if (i32.eq (local.get $what) (i32.const 0x78)) ;; x: case 6, connection-refused
      (then
        (call $set (local.get $out) (i32.const 1) (i32.const 6) (i32.const 0) (i64.const 0)
          (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))))
    (if (i32.eq (local.get $what) (i32.const 0x75)) ;; u
      (then (call $say-hello (call $answer (local.get $out) (call $fields)))))
    (if (i32.eq (local.get $what) (i32.const 0x64)) ;; d
      (then
        (local.set $body (call $answer (local.get $out) (call $fields)))
        (call $say-hello (local.get $body))
        (call $drop-body (local.get $body))))
    (if (i32.eq (local.get $what) (i32.const 0x73)) ;; s
      (then
        (local.set $body (call $answer (local.get $out) (call $declared (i32.const 1060))))
        (call $say-hello (local.get $body))
        (call $end (local.get $body))
        (if (i32.eqz (i32.load8_u (i32.const 0))) (then unreachable))))
    (if (i32.eq (local.get $what) (i32.const 0x6f)) ;; o
      (then
        (local.set $body (call $answer (local.get $out) (call $declared (i32.const 1061))))
        (call $say-hello (local.get $body))
        (call $end (local.get $body))))
    (if (i32.eq (local.get $what) (i32.const 0x66)) ;; f
      (then
        (local.set $text (i32.add (local.get $text) (i32.const 2)))
        (local.set $length (i32.sub (local.get $length) (i32.const 2)))
        (local.set $one (call $start (i32.const 1064) (local.get $text) (local.get $length)))
        (local.set $two (call $start (i32.const 1066) (local.get $text) (local.get $length)))
        (local.set $body (call $answer (local.get $out) (call $fields)))
        (local.set $stream (call $output (local.get $body)))
        (call $await (local.get $one) (local.get $stream))
        (call $await (local.get $two) (local.get $stream))
        (call $drop-output (local.get $stream))
        (call $end (local.get $body))))
    (if (i32.eq (local.get $what) (i32.const 0x6b)) ;; k
      (then
        (call $append (call $fields) (i32.const 1072) (i32.const 4) (i32.const 1024) (i32.const 5) (i32.const 0))
        (if (i32.eqz (i32.load8_u (i32.const 0))) (then unreachable))
        (i32.store8 (i32.const 1080) (i32.add (i32.const 48) (i32.load8_u (i32.const 1))))
        (local.set $body (call $answer (local.get $out) (call $fields)))
        (local.set $stream (call $output (local.get $body)))
        (call $write (local.get $stream) (i32.const 1080) (i32.const 1) (i32.const 0))
        (call $drop-output (local.get $stream))
        (call $end (local.get $body))))))
