/** The operator's ceilings over what a function may set: refused when set, and clamped when read. */
import { MayflyError } from '../errors/errors.ts';
import { FUNCTION_LIMITS, type FunctionLimitName, type FunctionLimitValues } from '../limits/limits.ts';
import type { FunctionConfiguration, FunctionConfigurationPatch } from '../model/function-configuration.ts';

/** What follows a value for people; fuel and counts say it in their names. */
const UNIT_WORDS = { By: ' bytes', ms: ' ms', fuel: '', '1': '' } as const;

const LIMIT_NAMES = Object.keys(FUNCTION_LIMITS) as FunctionLimitName[];

/** The ceilings of limits.ts, for a host whose operator set none. */
export function defaultCeilings(): FunctionLimitValues {
  const entries = LIMIT_NAMES.map((name) => [name, FUNCTION_LIMITS[name].ceiling]);
  return Object.fromEntries(entries) as FunctionLimitValues;
}

/** Clamps what was set, or is the default, to what the operator allows now. */
export function withinCeilings(
  configuration: FunctionConfiguration,
  ceilings: FunctionLimitValues,
): FunctionConfiguration {
  const bounded = LIMIT_NAMES.map((name) => [name, Math.min(configuration[name], ceilings[name])]);
  return { ...configuration, ...(Object.fromEntries(bounded) as FunctionLimitValues) };
}

/** @throws MayflyError limit_above_ceiling for the first setting that exceeds its ceiling */
export function refuseAboveCeiling(patch: FunctionConfigurationPatch, ceilings: FunctionLimitValues): void {
  for (const name of LIMIT_NAMES) {
    const value = patch[name];
    if (value !== undefined && value > ceilings[name]) throw aboveCeiling(name, ceilings);
  }
}

/** The error for a setting that exceeds what the operator allows; it names the range. */
export function aboveCeiling(name: FunctionLimitName, ceilings: FunctionLimitValues): MayflyError {
  const { floor, unit } = FUNCTION_LIMITS[name];
  const range = `from ${floor} to ${ceilings[name]}${UNIT_WORDS[unit]}`;
  return new MayflyError('limit_above_ceiling', `${name} may be ${range}.`, { field: name });
}
