// A value that views subscribe to: the smallest thing that keeps a page and its data together.
import { useEffect, useState } from 'preact/hooks';

export function createStore(value) {
    const listeners = new Set();
    return {
        get: () => value,
        set(next) {
            value = typeof next === 'function' ? next(value) : next;
            for (const listener of [...listeners]) listener(value);
        },
        subscribe(listener) {
            listeners.add(listener);
            return () => listeners.delete(listener);
        },
    };
}

/** The value of a store; the component is drawn again with each new value. */
export function useStore(store) {
    const [, redraw] = useState(0);
    useEffect(() => store.subscribe(() => redraw((count) => count + 1)), [store]);
    return store.get();
}
