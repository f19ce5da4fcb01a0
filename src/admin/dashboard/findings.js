// The few sentences at the top of the overview: what runs, who is slow, what was refused, how full the broker is. Each
// has a level (bad, warn, ok) and a link to the view that tells more.
import { brief, bytes, count, duration, isNumber, percent, visible } from './format.js';

const SLOW_MESSAGES = 100; // below it a queue is the ordinary delay of a network
const SLOW_AGE_S = 10;
const MINUTE_S = 60;
const DAY_S = 86_400;

const number = (value, word) => `${count(value)} ${word}${value === 1 ? '' : 's'}`;
const are = (value) => (value === 1 ? 'is' : 'are');

function storeProblem(store) {
    const wanting = {
        failed: 'The store has failed. Nothing new becomes durable until the broker is restarted with a sound disk.',
        postponed: 'The disk has no room, so writes to the store wait. Free some space; the broker goes on by itself.',
        full: 'The store is full, so new durable messages are refused.',
        slow: `The disk is slow: the oldest write has waited for ${duration(store?.waiting_s)}.`,
    };
    return wanting[store?.state];
}

function readiness({ ready, clients, listeners, uptime_s, store }) {
    const problem = storeProblem(store);
    if (!ready) return { level: 'bad', text: problem ?? 'The broker is not ready.', to: '#/storage' };
    if (problem) return { level: store.state === 'slow' ? 'warn' : 'bad', text: problem, to: '#/storage' };
    const open = (listeners ?? []).filter(({ url }) => url); // others are parts of the program
    const where = open.length ? ` at ${number(open.length, 'listener')}` : '';
    return {
        level: 'ok',
        text:
            `The broker is ready: it has served for ${duration(uptime_s)} and ` +
            `${number(clients.connected, 'client')} ${are(clients.connected)} connected${where}.`,
        to: '#/clients',
    };
}

/** "wrong password (2), not allowed (1)" */
function reasons(list) {
    const counts = new Map();
    for (const { reason } of list) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    return [...counts]
        .sort((a, b) => b[1] - a[1])
        .slice(0, 3)
        .map(([reason, n]) => `${visible(reason)} (${n})`)
        .join(', ');
}

function refused(refusals) {
    const since = Date.now() / 1000 - MINUTE_S;
    const recent = refusals.filter(({ kind, at }) => kind === 'refused' && at >= since);
    if (recent.length === 0) return { level: 'ok', text: 'Nothing was refused in the last minute.', to: '#/refusals' };
    const what = recent.length === 1 ? 'One request was refused' : `${count(recent.length)} requests were refused`;
    return { level: 'warn', text: `${what} in the last minute: ${reasons(recent)}.`, to: '#/refusals' };
}

function slow(clients) {
    const behind = (clients ?? []).filter(({ queue }) => queue.messages >= SLOW_MESSAGES || queue.age_s >= SLOW_AGE_S);
    if (behind.length === 0) return { level: 'ok', text: 'No subscriber is slow.', to: '#/clients' };
    const [{ client_id, connected, queue }] = behind;
    const others =
        behind.length > 1 ? ` ${number(behind.length - 1, 'other')} ${are(behind.length - 1)} slow too.` : '';
    const age = isNumber(queue.age_s) ? `, the oldest for ${duration(queue.age_s)}` : '';
    return {
        level: connected ? 'warn' : 'note',
        to: `#/clients/${encodeURIComponent(client_id)}`,
        text:
            `${brief(client_id)} is ${connected ? 'slow' : 'away'}: ${number(queue.messages, 'message')} ` +
            `(${bytes(queue.bytes)}) ${queue.messages === 1 ? 'waits' : 'wait'} for it${age}.${others}`,
    };
}

function fullness(store, growth) {
    if (!store || store.state === 'none' || !store.size_max_bytes) {
        return {
            level: 'note',
            text: 'There is no store: messages and sessions end with the process.',
            to: '#/storage',
        };
    }
    const fraction = store.used_fraction ?? store.used_bytes / store.size_max_bytes;
    const left_s = growth > 0 ? (store.size_max_bytes - store.used_bytes) / growth : Infinity;
    const when = left_s < 365 * DAY_S ? `; as it grows now, it is full in ${duration(left_s)}` : '';
    const level = fraction > 0.85 || left_s < DAY_S ? 'bad' : fraction > 0.6 || left_s < 7 * DAY_S ? 'warn' : 'ok';
    return { level, text: `The store is ${percent(fraction)} full${when}.`, to: '#/storage' };
}

function wear(flash) {
    if (!flash?.daily_budget_bytes || !(flash.written_per_day_bytes > flash.daily_budget_bytes)) return [];
    return [
        {
            level: 'warn',
            to: '#/storage',
            text:
                `The broker writes ${bytes(flash.written_per_day_bytes)} a day, ` +
                `more than the budget of ${bytes(flash.daily_budget_bytes)}.`,
        },
    ];
}

function memory({ memory }) {
    const used = memory?.anonymous_bytes ?? memory?.resident_bytes;
    if (!memory?.budget_bytes || used < 0.8 * memory.budget_bytes) return [];
    return [
        {
            level: 'warn',
            to: '#/storage',
            text: `Memory: ${bytes(used)} of ${bytes(memory.budget_bytes)} are used.`,
        },
    ];
}

/** A bridge that is connected, or that connects when there is something to send. */
export const isUp = ({ stage }) => stage === 'running' || stage === 'idle';

function bridges(list) {
    return (list ?? [])
        .filter((bridge) => !isUp(bridge) || bridge.paused || (bridge.health && bridge.health !== 'ok'))
        .map((bridge) => {
            const { name, stage, health, paused, queue_messages, time_to_full_s } = bridge;
            const full = isNumber(time_to_full_s) ? `; its queue is full in ${duration(time_to_full_s)}` : '';
            const down = paused ? 'is paused' : `is not connected (${visible(stage)})`;
            const state = isUp(bridge) && !paused ? `is ${visible(health)}` : down;
            return {
                level: time_to_full_s < DAY_S ? 'bad' : paused ? 'note' : 'warn',
                to: '#/bridges',
                text:
                    `Bridge ${brief(name)} ${state}: ${number(queue_messages, 'message')} ` +
                    `${queue_messages === 1 ? 'waits' : 'wait'}${full}.`,
            };
        });
}

function dropped(sum) {
    if (!sum) return [];
    return [
        {
            level: 'warn',
            to: '#/clients?order=dropped',
            text: `${number(sum, 'message')} ${sum === 1 ? 'was' : 'were'} dropped in the last minute.`,
        },
    ];
}

const RANK = { bad: 0, warn: 1, note: 2, ok: 3 };

/** All sentences, the gravest first; the first one is always about the broker itself. */
export function findings(overview, refusals, { growth, dropped: sum }) {
    const rest = [
        refused(refusals),
        slow(overview.slow),
        fullness(overview.store, growth),
        ...wear(overview.flash),
        ...memory(overview),
        ...bridges(overview.bridges),
        ...dropped(sum),
    ];
    return [readiness(overview), ...rest.sort((a, b) => RANK[a.level] - RANK[b.level])];
}
