// The page's own connection to the broker, an MQTT client like any other. The views of topics and of publish and
// subscribe share it. Everything that is kept is bounded: topics, values per topic, and messages.
import { get } from './api.js';
import { numberIn } from './format.js';
import { createStore } from './store.js';

const TOPICS_MAX = 2000;
const VALUES_MAX = 60;
const MESSAGES_MAX = 500;
const PAYLOAD_CHARACTERS_MAX = 4096;
const REDRAW_MS = 500;

/** state: none, connecting, connected or failed. `filters`: what is subscribed, with its QoS. */
export const session = createStore({ state: 'none', problem: '', url: '', filters: [] });
/** `topics`: name -> { name, payload, at, count, values, qos, retain }; `messages`: the newest last. */
export const received = createStore({ topics: new Map(), messages: [], total: 0, unkept: 0 });

let client = null;
let timer = 0;

const ANY_ADDRESS = ['', '0.0.0.0', '[::]'];

/**
 * The URLs of the WebSocket listeners as this page reaches them: one that listens at all addresses by the host of the
 * page. The policy of the page names the same ones. A page over HTTPS may use only those with TLS.
 */
export async function webSocketUrls() {
    const { listeners } = await get('/listeners');
    return listeners
        .map(({ url }) => /^(wss?):\/\/(.*?)(:\d+)?(\/.*)?$/.exec(url))
        .filter((match) => match && (location.protocol === 'http:' || match[1] === 'wss'))
        .map(
            ([, scheme, host, port = '', path = '/mqtt']) =>
                `${scheme}://${ANY_ADDRESS.includes(host) ? location.hostname : host}${port}${path}`,
        );
}

function redrawSoon() {
    if (timer) return;
    timer = setTimeout(() => {
        timer = 0;
        received.set((value) => ({ ...value }));
    }, REDRAW_MS);
}

function note(topic, payload, packet) {
    const value = received.get();
    value.total += 1;
    const text = new TextDecoder().decode(payload).slice(0, PAYLOAD_CHARACTERS_MAX);
    const at = Date.now() / 1000;
    value.messages.push({
        number: value.total,
        topic,
        payload: text,
        at,
        qos: packet.qos,
        retain: packet.retain,
        size: payload.length,
    });
    if (value.messages.length > MESSAGES_MAX) value.messages.splice(0, value.messages.length - MESSAGES_MAX);
    let entry = value.topics.get(topic);
    if (!entry && value.topics.size >= TOPICS_MAX) value.unkept += 1;
    else if (!entry) value.topics.set(topic, (entry = { name: topic, count: 0, values: [] }));
    if (entry) {
        Object.assign(entry, { payload: text, at, count: entry.count + 1, qos: packet.qos, retain: packet.retain });
        const number = numberIn(text);
        if (number !== null) entry.values.push(number);
        if (entry.values.length > VALUES_MAX) entry.values.shift();
    }
    redrawSoon();
}

export async function connectTo(url, { username, password } = {}) {
    disconnect();
    session.set({ state: 'connecting', problem: '', url, filters: [] });
    const { connect } = await import('./mqtt.js');
    const mine = connect(url, {
        protocolVersion: 5,
        clean: true,
        reconnectPeriod: 2000,
        connectTimeout: 10_000,
        username: username || undefined,
        password: password || undefined,
        clientId: `dashboard-${crypto.getRandomValues(new Uint32Array(1))[0].toString(16)}`,
        timerVariant: 'native',
        resubscribe: true,
    });
    client = mine;
    const set = (change) => mine === client && session.set((value) => ({ ...value, ...change }));
    mine.on('connect', () => set({ state: 'connected', problem: '' }));
    mine.on('close', () => set({ state: 'failed' }));
    mine.on('error', (error) => {
        set({ state: 'failed', problem: error.message });
        if (error.code) disconnect(error.message); // the broker has refused: it would refuse again
    });
    mine.on('message', (topic, payload, packet) => mine === client && note(topic, payload, packet));
}

export function disconnect(problem = '') {
    client?.end(true);
    client = null;
    session.set({ state: problem ? 'failed' : 'none', problem, url: '', filters: [] });
}

export async function subscribe(filter, qos) {
    const granted = await client.subscribeAsync(filter, { qos });
    const refused = granted.find((one) => one.qos >= 128);
    if (refused) throw new Error(`The broker refuses the filter (reason code 0x${refused.qos.toString(16)}).`);
    session.set((value) => ({
        ...value,
        filters: [...value.filters.filter((one) => one.filter !== filter), { filter, qos }],
    }));
}

export async function unsubscribe(filter) {
    await client.unsubscribeAsync(filter);
    session.set((value) => ({ ...value, filters: value.filters.filter((one) => one.filter !== filter) }));
}

export async function publish(topic, payload, options) {
    const answer = await client.publishAsync(topic, payload, options);
    if (answer?.reasonCode >= 128)
        throw new Error(`The broker refuses it (reason code 0x${answer.reasonCode.toString(16)}).`);
    return answer?.reasonCode === 16 ? 'Published. No client subscribes to this topic.' : 'Published.';
}

export function forget() {
    received.set({ topics: new Map(), messages: [], total: 0, unkept: 0 });
}
