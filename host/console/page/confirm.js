/** Asks before what cannot be taken back. Escape means no; the focus goes back to where it was. */
import { element, uniqueId } from './element.js';

/**
 * @param {string} question
 * @param {string} action what the button says that does it
 * @returns {Promise<boolean>}
 */
export function confirmed(question, action) {
  const id = uniqueId('question');
  const dialog = element('dialog', { 'aria-labelledby': id });
  dialog.append(
    element('p', { id }, question),
    element(
      'div',
      { class: 'row' },
      element('button', { type: 'button', autofocus: true, onclick: () => dialog.close() }, 'Cancel'),
      element('button', { type: 'button', class: 'bad', onclick: () => dialog.close('yes') }, action),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
  });
}
