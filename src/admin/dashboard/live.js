// The live overview: one stream of events while the page is visible, and the last half hour of it as series for charts.
import { events, get, Problem, token } from './api.js';
import { isNumber } from './format.js';
import { createStore } from './store.js';

const INTERVAL_S = 2; // half a wake-up of the broker per second and page
const POINTS_MAX = 900;
const REFUSALS_INTERVAL_MS = 10_000;
const SERIES = ['in', 'out', 'bytesIn', 'bytesOut', 'p50', 'p99', 'queued', 'connected', 'dropped', 'refused', 'used'];

/** state: connecting, live, paused (the page is hidden), lost, or unauthorized. */
export const live = createStore({ state: 'connecting', overview: null, problem: '', retry_s: 0 });
export const refusals = createStore({ list: [], problem: '' });
export const series = emptySeries();

function emptySeries() {
    return Object.fromEntries([['t', []], ...SERIES.map((name) => [name, []])]);
}

let last = null; // { at, totals } of the overview before
let running = null;
let delay_s = 0;
let newestRefusal = -1;
let refusalsAt = -Infinity;

function push(values) {
    for (const name of ['t', ...SERIES]) {
        series[name].push(values[name] ?? null);
        if (series[name].length > POINTS_MAX) series[name].shift();
    }
}

/** Rates come from the time between two arrivals. A total that has shrunk belongs to a new process: a gap. */
function onOverview(overview) {
    const at = performance.now() / 1000;
    const { totals, store } = overview;
    const elapsed_s = last ? at - last.at : 0;
    const restarted = last && totals.publish_received < last.totals.publish_received;
    const per_s = (name) =>
        last && !restarted && elapsed_s > 0.2 ? Math.max(0, totals[name] - last.totals[name]) / elapsed_s : null;
    if (elapsed_s > 3 * INTERVAL_S + 2) push({ t: Date.now() / 1000 - 1 }); // the page was hidden: no line across it
    push({
        t: Date.now() / 1000,
        in: per_s('publish_received'),
        out: per_s('publish_sent'),
        bytesIn: per_s('bytes_received'),
        bytesOut: per_s('bytes_sent'),
        p50: store?.commit_latency?.p50_s,
        p99: store?.commit_latency?.p99_s,
        queued: overview.queued?.messages,
        connected: overview.clients?.connected,
        dropped: per_s('dropped'),
        refused: per_s('connections_refused'),
        used: store?.used_bytes,
    });
    last = { at, totals };
    live.set({ state: 'live', overview, problem: '', retry_s: 0 });
    noteRefusals(overview.refusals_last);
}

/** Refusals are asked for only after a new one, and rarely: an idle page must not wake the broker. */
function noteRefusals(newest) {
    if (newest === newestRefusal || performance.now() - refusalsAt < REFUSALS_INTERVAL_MS) return;
    newestRefusal = newest;
    refusalsAt = performance.now();
    const at = Date.now() / 1000;
    get('/refusals').then(
        (answer) =>
            refusals.set({ list: answer.refusals.map((one) => ({ ...one, at: at - one.age_s })), problem: '' }),
        (problem) => refusals.set((value) => ({ ...value, problem: problem.message })),
    );
}

async function run(control) {
    while (!control.signal.aborted) {
        try {
            await events(`/stream?interval_s=${INTERVAL_S}`, control.signal, (name, data) => {
                delay_s = 0;
                if (name === 'overview') onOverview(data);
            });
        } catch (error) {
            if (control.signal.aborted) return;
            const isRefused = error instanceof Problem && (error.status === 401 || error.status === 403);
            if (isRefused) {
                live.set((value) => ({ ...value, state: 'unauthorized', problem: error.message }));
                return;
            }
        }
        if (control.signal.aborted) return;
        delay_s = Math.min(30, Math.max(1, delay_s * 2));
        live.set((value) => ({ ...value, state: 'lost', problem: 'The broker does not answer.', retry_s: delay_s }));
        await new Promise((resolve) => setTimeout(resolve, delay_s * 1000));
    }
}

function stop() {
    running?.abort();
    running = null;
}

export function restart() {
    stop();
    delay_s = 0;
    newestRefusal = -1;
    refusalsAt = -Infinity;
    running = new AbortController();
    run(running);
}

export function start() {
    token.subscribe(restart);
    document.addEventListener('visibilitychange', () => {
        if (document.hidden) {
            stop();
            live.set((value) => ({ ...value, state: 'paused' }));
        } else {
            live.set((value) => ({ ...value, state: 'connecting' }));
            restart();
        }
    });
    restart();
}

/** The sum of a rate over the last `seconds`: how many in that time. */
export function sumOf(name, seconds) {
    const since = Date.now() / 1000 - seconds;
    let sum = 0;
    for (let at = series.t.length - 1; at > 0 && series.t[at] >= since; --at) {
        sum += (series[name][at] ?? 0) * Math.min(10, series.t[at] - series.t[at - 1]);
    }
    return Math.round(sum);
}

/** Growth per second between the first and the last value of the series, or null while that is too short to tell. */
export function growthOf(name, seconds_min = 60) {
    const points = series.t.map((t, at) => [t, series[name][at]]).filter(([, value]) => isNumber(value));
    if (points.length < 2) return null;
    const [first, final] = [points[0], points[points.length - 1]];
    return final[0] - first[0] < seconds_min ? null : (final[1] - first[1]) / (final[0] - first[0]);
}
