import test from 'ava';
import { ComponentTrap } from '../../host/component/component-trap.ts';
import { InstanceState } from '../../host/component/instance-state.ts';
import { LIFTED_BYTES_PER_CALL } from '../../host/limits/limits.ts';

test('what calls of the host hold is given back when they return', (t) => {
  const state = new InstanceState({ whenEnterable: (run) => run(), trap() {}, chargeYield() {} });
  for (let i = 0; i < 3; i++) {
    state.hold(LIFTED_BYTES_PER_CALL - 1);
    state.hold(1);
    state.release(1);
    state.release(LIFTED_BYTES_PER_CALL - 1);
  }
  state.hold(LIFTED_BYTES_PER_CALL);
  t.throws(() => state.hold(1), { instanceOf: ComponentTrap });
});
