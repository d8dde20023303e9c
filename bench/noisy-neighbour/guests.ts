/** The guests of this bench, as text: a command that does nothing, and one that holds its place for 20 ms. */
import { clockCommand, plainCommand } from '../../test/harness/wat-commands.ts';

export const SMALL: string = plainCommand('(func (export "run") (result i32) (i32.const 0))');

export const NAP: string = clockCommand(
  '(func (export "run") (result i32) (call $sleep (i64.const 20000000)) (i32.const 0))',
);
