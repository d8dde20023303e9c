/** Asks for a key. It is tried before it is kept. */
import { Api } from './api.js';
import { element, field, fill } from './element.js';
import { problemNotice } from './notice.js';
import { Problem } from './problem.js';
import { sessionOf } from './session.js';

/** @import { Session } from './session.js' */

/** @param {(session: Session) => void} onSession */
export function signInView(onSession) {
  const key = element('input', {
    type: 'password',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
  });
  const button = element('button', { type: 'submit', class: 'primary' }, 'Sign in');
  const result = element('div', {});
  const form = element(
    'form',
    { class: 'sign-in', novalidate: true },
    element('h1', { tabindex: -1 }, 'Sign in'),
    field('Key', key, 'It stays in this tab, and is forgotten with it.'),
    button,
    result,
    element(
      'details',
      {},
      element('summary', {}, 'Where do I get a key?'),
      element('p', {}, "The operator's is where the host said when it started:"),
      element('pre', { class: 'command', tabindex: 0 }, 'cat .mayfly/admin.key'),
      element('p', {}, 'With it, one for a tenant:'),
      element(
        'pre',
        { class: 'command', tabindex: 0 },
        'npx mayfly keys create laptop --tenant acme --scope deploy --scope invoke --scope read',
      ),
    ),
  );
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const text = key.value.trim();
    button.disabled = true;
    try {
      if (!/^[\x21-\x7e]+$/.test(text))
        throw new Problem({
          code: 'invalid_key',
          detail: 'The key is empty, or has characters that no key has.',
          mend: 'Copy it once more, without what is around it.',
          status: 0,
        });
      onSession(sessionOf(text, await new Api({ key: text }).ask('/whoami')));
    } catch (cause) {
      fill(result, problemNotice(cause));
      key.focus();
    } finally {
      button.disabled = false;
    }
  });
  return form;
}
