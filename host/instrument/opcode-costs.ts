/** Instructions that emit no machine code, plus `unreachable`, which ends the program. All others cost 1. */
const FREE_OPCODES = [
  0x00, // unreachable
  0x01, // nop
  0x02, // block
  0x03, // loop
  0x05, // else
  0x06, // try
  0x07, // catch
  0x0b, // end
  0x18, // delegate
  0x19, // catch_all
  0x1a, // drop
  0x1f, // try_table
];

/** Fixed cost by first opcode byte; the prefixed instructions (0xfb, 0xfc, 0xfd) have a base of 1. */
export const OPCODE_COST: Uint8Array = new Uint8Array(256).fill(1);
for (const opcode of FREE_OPCODES) OPCODE_COST[opcode] = 0;
