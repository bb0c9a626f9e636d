import { h } from './dom.js';

export type Theme = 'light' | 'dark';

// Asked for when needed: workers have neither.
const system = () => matchMedia('(prefers-color-scheme: dark)');
const chosen = () => document.documentElement.dataset;

/** That of the switch, where it was used, else the system's. */
export const currentTheme = (): Theme =>
  (chosen().theme as Theme | undefined) ?? (system().matches ? 'dark' : 'light');

/** A button that goes over from light to dark and back. What is drawn by hand listens to the window's `themechange`. */
export function themeSwitch(): HTMLElement {
  const button = h('button', { type: 'button', class: 'theme' });
  const changed = () => {
    const other = currentTheme() === 'dark' ? 'light' : 'dark';
    button.textContent = other === 'dark' ? 'Dark' : 'Light';
    button.setAttribute('aria-label', `Switch to ${other} colours`);
    dispatchEvent(new Event('themechange'));
  };
  button.addEventListener('click', () => {
    chosen().theme = currentTheme() === 'dark' ? 'light' : 'dark';
    changed();
  });
  system().addEventListener('change', changed);
  changed();
  return button;
}
