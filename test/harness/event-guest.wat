;; Handlers of mayfly:events. The first byte of the first message's body (or of the tick's input) says what is done.
(module
  (memory (export "memory") 4)
  (global $top (mut i32) (i32.const 65536))
  (data (i32.const 16) "nobody")
  (data (i32.const 32) "\ff\fe")
  (data (i32.const 48) "all of it")
  ;; The result is at 1024, failures from 2048 on: id, detail; 16 bytes each.
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $p i32)
    (local.set $p (i32.and (i32.add (global.get $top) (i32.sub (local.get 2) (i32.const 1)))
                           (i32.sub (i32.const 0) (local.get 2))))
    (global.set $top (i32.add (local.get $p) (local.get 3)))
    (block $fits
      (br_if $fits (i32.le_u (global.get $top) (i32.mul (memory.size) (i32.const 65536))))
      (drop (memory.grow (i32.sub
        (i32.div_u (i32.add (global.get $top) (i32.const 65535)) (i32.const 65536)) (memory.size)))))
    (local.get $p))
  (func $name (param $at i32) (param $id i32) (param $id-length i32) (param $detail i32) (param $detail-length i32)
    (i32.store (local.get $at) (local.get $id))
    (i32.store offset=4 (local.get $at) (local.get $id-length))
    (i32.store offset=8 (local.get $at) (local.get $detail))
    (i32.store offset=12 (local.get $at) (local.get $detail-length)))
  ;; `failures` of them, all naming the first message, with these details.
  (func $fail-first (param $message i32) (param $failures i32) (param $detail i32) (param $detail-length i32) (result i32)
    (local $i i32)
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $failures)))
      (call $name (i32.add (i32.const 2048) (i32.mul (local.get $i) (i32.const 16)))
        (i32.load (local.get $message)) (i32.load offset=4 (local.get $message))
        (local.get $detail) (local.get $detail-length))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
    (call $ok (local.get $failures)))
  (func $ok (param $failures i32) (result i32)
    (i32.store (i32.const 1024) (i32.const 0))
    (i32.store (i32.const 1028) (i32.const 2048))
    (i32.store (i32.const 1032) (local.get $failures))
    (i32.const 1024))
  (func $error (result i32)
    (i32.store (i32.const 1024) (i32.const 1))
    (i32.store (i32.const 1028) (i32.const 48))
    (i32.store (i32.const 1032) (i32.const 9))
    (i32.const 1024))
  (func (export "mayfly:events/queue-handler@0.1.0#handle")
    (param $source i32) (param $source-length i32) (param $messages i32) (param $count i32)
    (param $traced i32) (param $trace i32) (param $trace-length i32) (result i32)
    (local $what i32) (local $i i32) (local $message i32)
    (local.set $what (i32.load8_u (i32.load offset=52 (local.get $messages))))
    (if (i32.eq (local.get $what) (i32.const 107)) (then (return (call $ok (i32.const 0))))) ;; k: all is done
    (if (i32.eq (local.get $what) (i32.const 101)) (then (return (call $error)))) ;; e
    (if (i32.eq (local.get $what) (i32.const 116)) (then (unreachable))) ;; t
    (if (i32.eq (local.get $what) (i32.const 108)) (then (loop $for-ever (br $for-ever)))) ;; l
    (if (i32.eq (local.get $what) (i32.const 117)) (then ;; u: unknown
      (call $name (i32.const 2048) (i32.const 16) (i32.const 6) (i32.const 16) (i32.const 6))
      (return (call $ok (i32.const 1)))))
    ;; m: one more than there are
    (if (i32.eq (local.get $what) (i32.const 109)) (then
      (return (call $fail-first (local.get $messages) (i32.add (local.get $count) (i32.const 1)) (i32.const 16) (i32.const 6)))))
    ;; d: 100,000 bytes of zeros as a detail
    (if (i32.eq (local.get $what) (i32.const 100)) (then
      (return (call $fail-first (local.get $messages) (i32.const 1) (i32.const 150000) (i32.const 100000)))))
    ;; x: not UTF-8
    (if (i32.eq (local.get $what) (i32.const 120)) (then
      (return (call $fail-first (local.get $messages) (i32.const 1) (i32.const 32) (i32.const 2)))))
    ;; b: a list beyond the memory
    (if (i32.eq (local.get $what) (i32.const 98)) (then
      (drop (call $ok (i32.const 0)))
      (i32.store (i32.const 1032) (i32.const 0x0fffffff))
      (return (i32.const 1024))))
    ;; Else: each message fails that has a group key, which is the detail, unless it is the first attempt.
    (local.set $what (i32.const 0))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $count)))
      (local.set $message (i32.add (local.get $messages) (i32.mul (local.get $i) (i32.const 64))))
      (if (i32.and (i32.load8_u offset=24 (local.get $message)) (i32.gt_u (i32.load offset=8 (local.get $message)) (i32.const 1)))
        (then
          (if (i64.ne (i64.load offset=16 (local.get $message)) (i64.const 1700000000000)) (then (unreachable)))
          (call $name (i32.add (i32.const 2048) (i32.mul (local.get $what) (i32.const 16)))
            (i32.load (local.get $message)) (i32.load offset=4 (local.get $message))
            (i32.load offset=28 (local.get $message)) (i32.load offset=32 (local.get $message)))
          (local.set $what (i32.add (local.get $what) (i32.const 1)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
    (call $ok (local.get $what)))
  (func (export "mayfly:events/schedule-handler@0.1.0#handle")
    (param $id i32) (param $id-length i32) (param $attempt i32) (param $schedule i32) (param $schedule-length i32)
    (param $due i64) (param $cron-is i32) (param $cron i32) (param $cron-length i32)
    (param $type i32) (param $type-length i32) (param $input i32) (param $input-length i32)
    (param $traced i32) (param $trace i32) (param $trace-length i32) (result i32)
    (if (i64.ne (local.get $due) (i64.const 1700000060000)) (then (unreachable)))
    (if (i32.eq (i32.load8_u (local.get $input)) (i32.const 101)) (then (return (call $error))))
    (i32.store (i32.const 1024) (i32.const 0))
    (i32.const 1024)))
