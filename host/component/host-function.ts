import type { GuestPorts } from './guest-ports.ts';
import { camelCase } from './record-codec.ts';

/** Calls a function of the host with lifted arguments; gives its result, or a promise of it. */
export type HostFunction = (values: readonly unknown[]) => unknown;
/** Gives the function for one instance, which knows its invocation's imports. */
export type BindHostFunction = (ports: Pick<GuestPorts, 'imports'>) => HostFunction;

type Callable = (...args: readonly unknown[]) => unknown;
type Members = Readonly<Record<string, Callable>>;
type Classes = Readonly<Record<string, Callable & Members & (new (...args: readonly unknown[]) => unknown)>>;

/** `input-stream` -> `InputStream` */
export function className(resource: string): string {
  const name = camelCase(resource);
  return name.charAt(0).toUpperCase() + name.slice(1);
}

const NAME = /^\[(constructor|method|static)\]([^.]+)(?:\.(.+))?$/;

/**
 * The function behind an import, found anew at each call: methods on the object they are called on, everything else in
 * what the invocation offers: a function under the import's own name (`[constructor]fields`) comes before the class, which
 * need not be made for an invocation then. It is called by the number of its arguments, since a spread costs 20 ns more.
 */
export function bindHostFunction(interfaceKey: string, name: string, parameters: number): BindHostFunction {
  const parsed = NAME.exec(name);
  if (parsed?.[1] === 'method') {
    const call = method(camelCase(parsed[3] ?? ''), parameters);
    return () => call;
  }
  if (parsed === null) {
    const member = camelCase(name);
    return (ports) => functionCall(() => ports.imports()[interfaceKey] as Members, member, parameters);
  }
  const resource = className(parsed[2] ?? '');
  if (parsed[1] === 'constructor') {
    return (ports) => (values) => {
      const members = ports.imports()[interfaceKey] as Classes;
      const make = members[name];
      if (make !== undefined) return make(...values);
      // Not in one expression: the compiler drops parentheses that `new` needs around a call.
      const Resource = members[resource]!;
      return new Resource(...values);
    };
  }
  const member = camelCase(parsed[3] ?? '');
  return (ports) => {
    const own = functionCall(() => ports.imports()[interfaceKey] as Members, name, parameters);
    const ofClass = functionCall(
      () => (ports.imports()[interfaceKey] as Classes)[resource]!,
      member,
      parameters,
    );
    return (values) =>
      ((ports.imports()[interfaceKey] as Members)[name] === undefined ? ofClass : own)(values);
  };
}

function method(name: string, count: number): HostFunction {
  switch (count) {
    case 1:
      return (values) => (values[0] as Members)[name]!();
    case 2:
      return (values) => (values[0] as Members)[name]!(values[1]);
    case 3:
      return (values) => (values[0] as Members)[name]!(values[1], values[2]);
    default:
      return (values) => (values[0] as Members)[name]!(...values.slice(1));
  }
}

function functionCall(owner: () => Members, name: string, count: number): HostFunction {
  switch (count) {
    case 0:
      return () => owner()[name]!();
    case 1:
      return (values) => owner()[name]!(values[0]);
    case 2:
      return (values) => owner()[name]!(values[0], values[1]);
    default:
      return (values) => owner()[name]!(...values);
  }
}

/** What a host function throws for the `err` case of its result: an object with a `payload` of its own. */
export function isErrorCase(error: unknown): error is { readonly payload: unknown } {
  return typeof error === 'object' && error !== null && Object.hasOwn(error, 'payload');
}

/** What a call of the guest throws for the `err` case of its result. No `Error`: a stack would say nothing. */
export class ErrorCase {
  readonly payload: unknown;

  constructor(payload: unknown) {
    this.payload = payload;
  }
}
