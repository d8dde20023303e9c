;; A whole component by hand. It answers every request with one line of text, through wasi:http 0.2.
;;
;; Tools that make components put two more modules between the code and its imports, because an import that returns
;; something through memory needs a memory that does not exist yet. Here the memory is a module of its own, made
;; first, so that the imports can be lowered before the code: 3 KB instead of 4.6 KB.
(component
  ;; What is imported, by its standard types: just the functions that are called, and the types these mention.
  (import "wasi:io/error@0.2.0" (instance $io-error (export "error" (type (sub resource)))))
  (alias export $io-error "error" (type $error))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "output-stream" (type $output-stream (sub resource)))
    (alias outer 1 $error (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (type $stream-error' (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $stream-error')))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $output-stream)) (param "contents" (list u8)) (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $output-stream))
  (import "wasi:http/types@0.2.0" (instance $types
    (export "fields" (type $fields (sub resource)))
    (export "headers" (type $headers (eq $fields)))
    (export "trailers" (type $trailers (eq $fields)))
    (export "incoming-request" (type (sub resource)))
    (export "outgoing-response" (type $response (sub resource)))
    (export "outgoing-body" (type $body (sub resource)))
    (export "response-outparam" (type $outparam (sub resource)))
    (alias outer 1 $output-stream (type $outer-stream))
    (export "output-stream" (type $stream (eq $outer-stream)))
    (type $dns' (record (field "rcode" (option string)) (field "info-code" (option u16))))
    (export "DNS-error-payload" (type $dns (eq $dns')))
    (type $alert' (record (field "alert-id" (option u8)) (field "alert-message" (option string))))
    (export "TLS-alert-received-payload" (type $alert (eq $alert')))
    (type $size' (record (field "field-name" (option string)) (field "field-size" (option u32))))
    (export "field-size-payload" (type $size (eq $size')))
    (type $error-code' (variant
      (case "DNS-timeout") (case "DNS-error" $dns) (case "destination-not-found") (case "destination-unavailable")
      (case "destination-IP-prohibited") (case "destination-IP-unroutable") (case "connection-refused")
      (case "connection-terminated") (case "connection-timeout") (case "connection-read-timeout")
      (case "connection-write-timeout") (case "connection-limit-reached") (case "TLS-protocol-error")
      (case "TLS-certificate-error") (case "TLS-alert-received" $alert) (case "HTTP-request-denied")
      (case "HTTP-request-length-required") (case "HTTP-request-body-size" (option u64))
      (case "HTTP-request-method-invalid") (case "HTTP-request-URI-invalid") (case "HTTP-request-URI-too-long")
      (case "HTTP-request-header-section-size" (option u32)) (case "HTTP-request-header-size" (option $size))
      (case "HTTP-request-trailer-section-size" (option u32)) (case "HTTP-request-trailer-size" $size)
      (case "HTTP-response-incomplete") (case "HTTP-response-header-section-size" (option u32))
      (case "HTTP-response-header-size" $size) (case "HTTP-response-body-size" (option u64))
      (case "HTTP-response-trailer-section-size" (option u32)) (case "HTTP-response-trailer-size" $size)
      (case "HTTP-response-transfer-coding" (option string)) (case "HTTP-response-content-coding" (option string))
      (case "HTTP-response-timeout") (case "HTTP-upgrade-failed") (case "HTTP-protocol-error") (case "loop-detected")
      (case "configuration-error") (case "internal-error" (option string))))
    (export "error-code" (type $error-code (eq $error-code')))
    (export "[constructor]fields" (func (result (own $fields))))
    (export "[constructor]outgoing-response" (func (param "headers" (own $headers)) (result (own $response))))
    (export "[method]outgoing-response.body" (func (param "self" (borrow $response)) (result (result (own $body)))))
    (export "[method]outgoing-body.write" (func (param "self" (borrow $body)) (result (result (own $stream)))))
    (export "[static]outgoing-body.finish"
      (func (param "this" (own $body)) (param "trailers" (option (own $trailers))) (result (result (error $error-code)))))
    (export "[static]response-outparam.set"
      (func (param "param" (own $outparam)) (param "response" (result (own $response) (error $error-code)))))))
  (alias export $types "incoming-request" (type $request))
  (alias export $types "response-outparam" (type $outparam))

  ;; The memory: the text, and room at 64 for results. cabi_realloc is where the text of an error-code would be put;
  ;; nobody reads it.
  (core module $memory-module
    (memory (export "m") 1)
    (func (export "r") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (data (i32.const 0) "A mayfly lives for a day.\n"))
  (core instance $m (instantiate $memory-module))
  (alias core export $m "m" (core memory $memory))
  (alias core export $m "r" (core func $realloc))

  (core func $fields (canon lower (func $types "[constructor]fields")))
  (core func $response (canon lower (func $types "[constructor]outgoing-response")))
  (core func $body (canon lower (func $types "[method]outgoing-response.body") (memory $memory)))
  (core func $write (canon lower (func $types "[method]outgoing-body.write") (memory $memory)))
  (core func $finish (canon lower (func $types "[static]outgoing-body.finish") (memory $memory) (realloc $realloc)))
  (core func $set (canon lower (func $types "[static]response-outparam.set") (memory $memory)))
  (core func $send (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $memory)))
  (core func $drop-request (canon resource.drop $request))
  (core func $drop-stream (canon resource.drop $output-stream))

  ;; The code. Handles are i32, a list is address and length, a result is written to an address.
  (core module $code
    (import "" "m" (memory 1))
    (import "" "f" (func $fields (result i32)))
    (import "" "p" (func $response (param i32) (result i32)))
    (import "" "b" (func $body (param i32 i32)))
    (import "" "w" (func $write (param i32 i32)))
    (import "" "e" (func $finish (param i32 i32 i32 i32)))
    (import "" "s" (func $set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
    (import "" "o" (func $send (param i32 i32 i32 i32)))
    (import "" "q" (func $drop-request (param i32)))
    (import "" "d" (func $drop-stream (param i32)))
    ;; The canonical result<own<T>> at address 64: a discriminant byte, then the handle.
    (func $handle (result i32)
      (if (i32.load8_u (i32.const 64)) (then unreachable))
      (i32.load (i32.const 68)))
    (func (export "h") (param $request i32) (param $out i32)
      (local $response i32) (local $body i32) (local $stream i32)
      (call $drop-request (local.get $request))
      (local.set $response (call $response (call $fields)))
      (call $body (local.get $response) (i32.const 64))
      (local.set $body (call $handle))
      ;; The discriminant 0 is `ok`; what follows the handle is room for an error-code.
      (call $set (local.get $out) (i32.const 0) (local.get $response)
        (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
      (call $write (local.get $body) (i32.const 64))
      (local.set $stream (call $handle))
      (call $send (local.get $stream) (i32.const 0) (i32.const 26) (i32.const 64))
      (call $drop-stream (local.get $stream))
      (call $finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 64))))
  (core instance $c (instantiate $code (with "" (instance
    (export "m" (memory $memory)) (export "f" (func $fields)) (export "p" (func $response)) (export "b" (func $body))
    (export "w" (func $write)) (export "e" (func $finish)) (export "s" (func $set)) (export "o" (func $send))
    (export "q" (func $drop-request)) (export "d" (func $drop-stream))))))

  (func $handle (param "request" (own $request)) (param "response-out" (own $outparam)) (canon lift (core func $c "h")))
  ;; An interface that is exported has its types under names of its own, which takes a component around the function.
  (component $interface
    (import "q" (type $request' (sub resource)))
    (import "o" (type $outparam' (sub resource)))
    (import "h" (func $handle' (param "request" (own $request')) (param "response-out" (own $outparam'))))
    (export $request "incoming-request" (type $request'))
    (export $outparam "response-outparam" (type $outparam'))
    (export "handle" (func $handle') (func (param "request" (own $request)) (param "response-out" (own $outparam)))))
  (instance $handler (instantiate $interface
    (with "q" (type $request)) (with "o" (type $outparam)) (with "h" (func $handle))))
  (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))
