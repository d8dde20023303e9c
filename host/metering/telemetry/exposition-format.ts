/** The formats of `GET /metrics`. Apart from what writes them, so that serving threads, which only hand texts on, do without the SDK. */
export type ExpositionFormat = 'text' | 'openmetrics';

export const EXPOSITION_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};
