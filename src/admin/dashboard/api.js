// The broker's API as seen from a page: requests with the token, problems as errors, and server-sent events. Events are
// read with fetch, since EventSource cannot send the Authorization header.
import { createStore } from './store.js';

export const token = createStore(sessionStorage.getItem('token') ?? '');

export function setToken(text) {
    if (text) sessionStorage.setItem('token', text);
    else sessionStorage.removeItem('token');
    token.set(text);
}

/** A link of an operator may carry the token behind '#', which browsers never send. It leaves the address at once. */
export function takeTokenFromAddress() {
    const match = /[#&]token=([^&]+)/.exec(location.hash);
    if (!match) return;
    setToken(decodeURIComponent(match[1]));
    history.replaceState(null, '', `${location.pathname}#/`);
}

/** What the broker has answered instead of what was asked for: RFC 9457. */
export class Problem extends Error {
    constructor(status, body) {
        super(body.detail || body.title || `The broker answered with status ${status}.`);
        this.status = status;
        this.field = body.field;
    }
}

async function problemOf(answer) {
    const body = await answer.json().catch(() => ({}));
    return new Problem(answer.status, body);
}

function headers(more) {
    return token.get() ? { ...more, Authorization: `Bearer ${token.get()}` } : more;
}

async function ask(method, path, { body, signal } = {}) {
    const options = { method, signal, headers: headers({}), credentials: 'omit', redirect: 'error' };
    if (body !== undefined) {
        options.body = JSON.stringify(body);
        options.headers['Content-Type'] = 'application/json';
    }
    let answer;
    try {
        answer = await fetch(`/api/v1${path}`, options);
    } catch (error) {
        if (error.name === 'AbortError') throw error;
        throw new Problem(0, { detail: 'The broker cannot be reached.' });
    }
    if (!answer.ok) throw await problemOf(answer);
    return answer.status === 204 ? null : answer.json();
}

export const get = (path, options) => ask('GET', path, options);
export const post = (path, body) => ask('POST', path, { body });
export const put = (path, body) => ask('PUT', path, { body });
export const remove = (path) => ask('DELETE', path);

/** A path below /api/v1 with parameters; those without a value are left out. */
export function withQuery(path, parameters) {
    const query = Object.entries(parameters)
        .filter(([, value]) => value !== '' && value != null)
        .map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    return query.length ? `${path}?${query.join('&')}` : path;
}

/** Topics and client ids may hold '/' and everything else, so the whole name is one encoded part of the path. */
export const segment = encodeURIComponent;

/** Reads server-sent events until the broker ends them or `signal` aborts. `onEvent` gets the name and the data. */
export async function events(path, signal, onEvent, onOpen = () => {}) {
    const answer = await fetch(`/api/v1${path}`, {
        headers: headers({ Accept: 'text/event-stream' }),
        signal,
        credentials: 'omit',
        redirect: 'error',
        cache: 'no-store',
    });
    if (!answer.ok) throw await problemOf(answer);
    onOpen();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let pending = '';
    for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        pending += value;
        const blocks = pending.split(/\r?\n\r?\n/);
        pending = blocks.pop();
        for (const block of blocks) dispatch(block, onEvent);
    }
}

function dispatch(block, onEvent) {
    let name = 'message';
    const data = [];
    for (const line of block.split(/\r?\n/)) {
        if (line.startsWith('event:')) name = line.slice(6).trim();
        else if (line.startsWith('data:')) data.push(line.slice(5).trimStart());
    }
    if (data.length) onEvent(name, JSON.parse(data.join('\n')));
}
