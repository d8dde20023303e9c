/** Light, dark, or what the system says. Whoever paints on a canvas listens for `themechange` on the document. */
import { element, uniqueId } from './element.js';

const THEMES = [
  ['system', 'System'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

export function themeSwitch() {
  const root = document.documentElement;
  const id = uniqueId('theme');
  const select = element(
    'select',
    {
      id,
      onchange: () => {
        root.dataset['theme'] = select.value;
        localStorage.setItem('mayfly-theme', select.value);
        document.dispatchEvent(new Event('themechange'));
      },
    },
    ...THEMES.map(([value = '', label]) =>
      element('option', { value, selected: root.dataset['theme'] === value }, label),
    ),
  );
  return element(
    'span',
    { class: 'theme' },
    element('label', { for: id, class: 'unseen' }, 'Colours'),
    select,
  );
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  document.dispatchEvent(new Event('themechange'));
});

/**
 * What a custom property comes to in the theme that is on.
 * @param {string} name
 */
export function colour(name) {
  const probe = element('span');
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}
