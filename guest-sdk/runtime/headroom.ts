/**
 * Puts the engine's next garbage collection off until after the usual invocation. QuickJS collects once its objects have
 * grown by half since the last time. Pre-initialisation ends at any distance from there, and a collection costs 480,000
 * units of fuel, more than a small call does, and writes to every object. So collections are provoked here, with
 * many objects alive that are freed right behind them: the next one comes when there are as many again. (What a string
 * or an ArrayBuffer holds does not count for the engine.) Imported last, behind the author's own initialisation.
 */
const OBJECTS = 3000;

function collect(): number {
  return Array.from({ length: OBJECTS }, (_, at) => ({ at })).length;
}

if (collect() < OBJECTS) throw new Error('no headroom');
