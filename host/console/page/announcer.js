/** Says to a screen reader what a sighted person sees happen. */

/** @param {string} text */
export function announce(text) {
  const region = document.getElementById('announcements');
  if (region !== null) region.textContent = text;
}
