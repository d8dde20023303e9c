/** What the audit log keeps of a change of settings: those that were named, before and after. */
import type { FunctionConfiguration, FunctionConfigurationPatch } from '../model/function-configuration.ts';

export function auditedSettings(
  configuration: FunctionConfiguration,
  patch: FunctionConfigurationPatch,
): { readonly before: object; readonly after: object } {
  const named = Object.entries(configuration).filter(([name]) => Object.hasOwn(patch, name));
  return { before: namesOnly(Object.fromEntries(named)), after: namesOnly(patch) };
}

/** Credentials are often put into the environment, whatever the secrets are for: its names are kept alone. */
function namesOnly({ environment, ...others }: FunctionConfigurationPatch): object {
  return environment === undefined ? others : { ...others, environment: Object.keys(environment) };
}
