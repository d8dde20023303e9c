/** A component that tries to get a socket and to resolve a name. */
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { createImports } from '../../../host/wasi/imports.ts';
import { createFakeContext } from '../fake-context.ts';
import { loadComponent } from '../guest-component.ts';

const WIT = `
package test:guest;
world guest {
  import wasi:sockets/network@0.2.0;
  import wasi:sockets/instance-network@0.2.0;
  import wasi:sockets/tcp-create-socket@0.2.0;
  import wasi:sockets/udp-create-socket@0.2.0;
  import wasi:sockets/ip-name-lookup@0.2.0;
  export act: func(what: string) -> u32;
}
package wasi:sockets@0.2.0 {
  interface network {
    resource network;
    enum error-code { unknown, access-denied, not-supported }
    enum ip-address-family { ipv4, ipv6 }
  }
  interface instance-network { use network.{network}; instance-network: func() -> network; }
  interface tcp { resource tcp-socket; }
  interface tcp-create-socket {
    use network.{error-code, ip-address-family};
    use tcp.{tcp-socket};
    create-tcp-socket: func(family: ip-address-family) -> result<tcp-socket, error-code>;
  }
  interface udp { resource udp-socket; }
  interface udp-create-socket {
    use network.{error-code, ip-address-family};
    use udp.{udp-socket};
    create-udp-socket: func(family: ip-address-family) -> result<udp-socket, error-code>;
  }
  interface ip-name-lookup {
    use network.{network, error-code};
    resource resolve-address-stream;
    resolve-addresses: func(network: borrow<network>, name: string) -> result<resolve-address-stream, error-code>;
  }
}
`;

/** Gives the three error codes as decimal digits; a success would show as 9. */
const WAT = `
(module
  (import "wasi:sockets/instance-network@0.2.0" "instance-network" (func $network (result i32)))
  (import "wasi:sockets/tcp-create-socket@0.2.0" "create-tcp-socket" (func $tcp (param i32 i32)))
  (import "wasi:sockets/udp-create-socket@0.2.0" "create-udp-socket" (func $udp (param i32 i32)))
  (import "wasi:sockets/ip-name-lookup@0.2.0" "resolve-addresses" (func $resolve (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func $code (param $at i32) (result i32)
    (if (result i32) (i32.load8_u (local.get $at))
      (then (i32.load8_u offset=4 (local.get $at)))
      (else (i32.const 9))))
  (func (export "act") (param $name i32) (param $length i32) (result i32)
    (call $tcp (i32.const 0) (i32.const 16))
    (call $udp (i32.const 1) (i32.const 32))
    (call $resolve (call $network) (local.get $name) (local.get $length) (i32.const 48))
    (i32.add (i32.mul (call $code (i32.const 16)) (i32.const 100))
      (i32.add (i32.mul (call $code (i32.const 32)) (i32.const 10)) (call $code (i32.const 48))))))
`;

test('a component gets access-denied for TCP, UDP and names', async (t) => {
  const core = await componentEmbed({ binary: await parse(WAT), witSource: WIT, world: 'guest' });
  const guest = await loadComponent(await componentNew(core, []), ['act']);
  const { act } = await guest.instantiate(createImports(createFakeContext()));
  t.is(await act?.('localhost'), 111);
});
