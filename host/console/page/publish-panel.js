/** Publishes a component that is dropped here, or chosen: how much of it has left, then what the host made of it, step by step. */

import { announce } from './announcer.js';
import { Api, path } from './api.js';
import { element, field, fill, panel } from './element.js';
import { problemNotice } from './notice.js';
import { bytes, duration } from './quantity.js';
import { table } from './table.js';

/** @import { PublishOutcome } from './api.js' */
/** @import { PublishedJson } from '../../control-plane/schemas.ts' */

/** As a person reads them while they run. @type {Readonly<Record<string, string>>} */
const STEPS = {
  wait: 'Waiting for other uploads',
  check: 'Check',
  componentize: 'Make a component of it',
  transpile: 'Transpile',
  instrument: 'Write the metering in',
  compile: 'Compile',
  store: 'Store',
  activate: 'Let it answer',
  warm: 'Make an instance',
};

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * @param {object} options
 * @param {Api} options.api
 * @param {string} options.tenant
 * @param {AbortSignal} options.signal
 * @param {() => void} options.onPublished
 */
export function publishPanel({ api, tenant, signal, onPublished }) {
  if (!api.may('deploy'))
    return panel(
      'Publish',
      element('p', { class: 'muted' }, 'This key lacks the scope “deploy”: it publishes nothing.'),
    );
  /** @type {File | undefined} */
  let chosen;
  const name = element('input', {
    type: 'text',
    autocomplete: 'off',
    spellcheck: 'false',
    maxlength: 63,
    required: true,
  });
  const file = element('input', { type: 'file', accept: '.wasm,application/wasm', class: 'file' });
  const zone = element(
    'div',
    { class: 'drop' },
    field('Component (.wasm)', file, 'Drop a file here, or choose one.'),
  );
  const button = element('button', { type: 'submit', class: 'primary' }, 'Publish');
  const result = element('div', { class: 'result' });

  const take = (/** @type {File | undefined} */ taken) => {
    if (taken === undefined) return;
    chosen = taken;
    if (name.value === '') name.value = nameFrom(taken.name);
    fill(result, element('p', {}, `${taken.name}, ${bytes(taken.size)}: ready to publish.`));
    announce(`${taken.name} is chosen.`);
  };
  file.addEventListener('change', () => take(file.files?.[0]));
  zone.addEventListener('dragover', (event) => {
    event.preventDefault();
    zone.classList.add('over');
  });
  zone.addEventListener('dragleave', () => zone.classList.remove('over'));
  zone.addEventListener('drop', (event) => {
    event.preventDefault();
    zone.classList.remove('over');
    take(event.dataTransfer?.files[0]);
  });

  const form = element('form', { class: 'row', novalidate: true }, zone, field('Function', name), button);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (chosen === undefined) return complain(result, file, 'Choose a component first: a .wasm file.');
    if (!NAME.test(name.value))
      return complain(result, name, 'A name is 1 to 63 lower-case letters, digits and inner hyphens.');
    button.disabled = true;
    try {
      const outcome = await publish(api, tenant, name.value, chosen, result, signal);
      const { published } = outcome;
      fill(result, success(tenant, outcome));
      onPublished();
      result.querySelector('a')?.focus();
      announce(`${published.name} version ${published.version} is published.`);
    } catch (cause) {
      if (!signal.aborted) fill(result, problemNotice(cause));
    } finally {
      button.disabled = false;
    }
  });
  return panel('Publish', form, result);
}

/**
 * @param {Api} api
 * @param {string} tenant
 * @param {string} name
 * @param {File} component
 * @param {Element} result
 * @param {AbortSignal} signal
 */
function publish(api, tenant, name, component, result, signal) {
  const progress = element('progress', { max: component.size, value: 0, 'aria-label': 'Upload' });
  const step = element('span', {}, 'Uploading …');
  const steps = element('ol', { class: 'steps' });
  /** @type {Map<string, HTMLElement>} */
  const lines = new Map();
  fill(result, element('p', { class: 'progress' }, progress, step), steps);
  return api.upload(path`/tenants/${tenant}/functions/${name}`, component, {
    signal,
    onSent: (sent) => {
      progress.value = sent;
      fill(step, `${bytes(sent)} of ${bytes(component.size)}`);
    },
    onReceived: () => {
      // Nobody can say how far the rest is.
      progress.removeAttribute('value');
      fill(step, 'Uploaded.');
      announce('Uploaded. The host checks and compiles it.');
    },
    onProgress: ({ step: at, ms }) => {
      const line = lines.get(at) ?? element('li', { 'data-step': at });
      if (!lines.has(at)) steps.append(line);
      lines.set(at, line);
      line.className = ms === undefined ? 'running' : 'done';
      fill(
        line,
        STEPS[at] ?? at,
        ms === undefined ? ' …' : [' ', element('span', { class: 'muted' }, duration(ms * 1_000))],
      );
      if (ms === undefined) fill(step, `${STEPS[at] ?? at} …`);
    },
  });
}

/** @param {string} tenant @param {PublishOutcome} outcome */
function success(tenant, { published, created, instances }) {
  const { name, version, handler, world, sizes, steps, url } = published;
  const link = { href: `#/tenants/${tenant}/functions/${name}` };
  return element(
    'div',
    { class: 'notice good' },
    element(
      'p',
      {},
      element('a', link, `${name} version ${version}`),
      ` answers at `,
      element('code', {}, url),
    ),
    element(
      'p',
      { class: 'muted' },
      `${handler} (${world}), ${bytes(sizes.uploadBytes)} uploaded, ${bytes(sizes.codeBytes)} of code`,
    ),
    instances === undefined
      ? element('p', { class: 'bad' }, 'No instance of it could be made: call it, and its log says why.')
      : undefined,
    steps.length === 0 || !created
      ? element('p', { class: 'muted' }, 'The host had compiled this component before.')
      : stepTable(steps),
  );
}

/** @param {PublishedJson['steps']} steps */
export function stepTable(steps) {
  return table(
    'Steps of publishing',
    [
      { title: 'Step', cell: (step) => step.name },
      { title: 'Time', isNumber: true, cell: ({ ms }) => duration(ms * 1_000) },
    ],
    steps,
  );
}

/** @param {Element} result @param {HTMLElement} input @param {string} text */
function complain(result, input, text) {
  fill(result, element('p', { class: 'notice bad', role: 'alert' }, text));
  input.focus();
}

/** `My Function_v2.wasm` -> `my-function-v2` @param {string} fileName */
function nameFrom(fileName) {
  return fileName
    .replace(/\.[^.]*$/, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63);
}
