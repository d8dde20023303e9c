/** Writes the pages that are rendered from the code; their tests fail until it has been run after a change. */
import { writeFileSync } from 'node:fs';
import { renderErrorTable } from './render-errors.ts';
import { renderLimits } from './render-limits.ts';
import { renderMetrics } from './render-metrics.ts';

writeFileSync(new URL('errors.md', import.meta.url), renderErrorTable());
writeFileSync(new URL('telemetry/metrics.md', import.meta.url), renderMetrics());
writeFileSync(new URL('limits.md', import.meta.url), renderLimits());
