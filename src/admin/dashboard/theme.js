// Light or dark: as the system has it, or as chosen with the switch.
import { createStore } from './store.js';

const system = matchMedia('(prefers-color-scheme: dark)');
let chosen = localStorage.getItem('theme');

const current = () => chosen ?? (system.matches ? 'dark' : 'light');
export const theme = createStore(current());

function apply() {
    document.documentElement.dataset.theme = current();
    theme.set(current());
}

export function switchTheme() {
    const next = current() === 'dark' ? 'light' : 'dark';
    // The choice that the system makes anyway is no choice: the page then follows the system again.
    chosen = next === (system.matches ? 'dark' : 'light') ? null : next;
    if (chosen) localStorage.setItem('theme', chosen);
    else localStorage.removeItem('theme');
    apply();
}

export function startTheme() {
    system.addEventListener('change', apply);
    apply();
}
