// The first page: the sentences that matter, then rates, slow subscribers, and how full everything is.
import { bytes, count, duration, isNumber, of, rate, visible } from '../format.js';
import { findings, isUp } from '../findings.js';
import { Chart, Sparkline } from '../chart.jsx';
import { growthOf, live, refusals, series, sumOf } from '../live.js';
import { Badge, ClientLink, Empty, Meter, Name, Panel, Table } from '../parts.jsx';
import { useStore } from '../store.js';

const WORDS = { bad: 'Problem', warn: 'Look at this', note: 'Note', ok: 'In order' };
const MARKS = { bad: '!', warn: '!', note: 'i', ok: '✓' };

function Findings({ list }) {
    return (
        <section class="panel findings" aria-label="Right now">
            <ul>
                {list.map(({ level, text, to }) => (
                    <li key={text} class={level}>
                        <span class="mark" aria-hidden="true">
                            {MARKS[level]}
                        </span>
                        <span class="unseen">{WORDS[level]}: </span>
                        <a href={to}>{text}</a>
                    </li>
                ))}
            </ul>
        </section>
    );
}

function Tile({ label, value, unit, note, values, tone }) {
    return (
        <div class="tile">
            <span class="tile-label">{label}</span>
            <span class="tile-value">
                {value}
                {unit && <small> {unit}</small>}
            </span>
            <span class="tile-foot">
                <span>{note}</span>
                {values && <Sparkline values={values.slice(-60)} tone={tone} />}
            </span>
        </div>
    );
}

const newest = (name) => series[name][series[name].length - 1];

function Tiles({ overview }) {
    const { clients, queued, retained, store } = overview;
    const latency = store?.commit_latency;
    return (
        <section class="tiles" aria-label="Figures">
            <Tile
                label="Messages in"
                value={rate(newest('in'))}
                unit="/s"
                values={series.in}
                tone="--in"
                note={`${bytes(newest('bytesIn'))}/s`}
            />
            <Tile
                label="Messages out"
                value={rate(newest('out'))}
                unit="/s"
                values={series.out}
                tone="--out"
                note={`${bytes(newest('bytesOut'))}/s`}
            />
            <Tile
                label="Clients"
                value={count(clients.connected)}
                values={series.connected}
                tone="--ink-2"
                note={`${count(clients.sessions)} sessions, ${count(clients.subscriptions)} subscriptions`}
            />
            <Tile
                label="Waiting"
                value={count(queued.messages)}
                values={series.queued}
                tone="--warn"
                note={`${bytes(queued.bytes)} in queues`}
            />
            <Tile
                label="Commit latency, p99"
                value={latency ? duration(latency.p99_s) : '–'}
                values={series.p99}
                tone="--p99"
                note={latency ? `median ${duration(latency.p50_s)}` : 'no store'}
            />
            <Tile label="Retained" value={count(retained.messages)} note={bytes(retained.bytes)} />
        </section>
    );
}

function Slow({ clients }) {
    const behind = (clients ?? []).filter(({ queue, dropped }) => queue.messages > 0 || dropped > 0);
    const columns = [
        { name: 'Client', is_wide: true, cell: (c) => <ClientLink id={c.client_id} /> },
        { name: 'State', cell: (c) => (c.connected ? <Badge tone="ok">connected</Badge> : <Badge>away</Badge>) },
        { name: 'Waiting', is_number: true, cell: (c) => count(c.queue.messages) },
        { name: 'Size', is_number: true, cell: (c) => bytes(c.queue.bytes) },
        { name: 'Oldest', is_number: true, cell: (c) => duration(c.queue.age_s) },
        { name: 'Dropped', is_number: true, cell: (c) => count(c.dropped) },
    ];
    return (
        <Panel title="Slow subscribers" flush aside={<a href="#/clients?order=queue">All clients</a>}>
            <Table
                label="Slow subscribers"
                columns={columns}
                rows={behind.slice(0, 8)}
                rowKey={(c) => c.client_id}
                empty={<Empty title="Nobody is behind.">A client appears here when messages wait for it.</Empty>}
            />
        </Panel>
    );
}

function Room({ overview: { store, memory, flash } }) {
    const hasStore = store && store.state !== 'none';
    const used = memory?.anonymous_bytes ?? memory?.resident_bytes;
    return (
        <Panel title="Room" aside={<a href="#/storage">Details</a>}>
            {hasStore && (
                <Meter
                    label="Store"
                    value={store.used_bytes}
                    max={store.size_max_bytes}
                    text={of(store.used_bytes, store.size_max_bytes)}
                />
            )}
            <Meter label="Memory" value={used} max={memory?.budget_bytes} text={of(used, memory?.budget_bytes)} />
            {hasStore && (
                <Meter
                    label="Flash writes a day"
                    value={flash?.written_per_day_bytes}
                    max={flash?.daily_budget_bytes}
                    text={of(flash?.written_per_day_bytes, flash?.daily_budget_bytes)}
                />
            )}
        </Panel>
    );
}

function Listeners({ listeners }) {
    const columns = [
        { name: 'Listener', cell: (l) => <Name text={l.name} /> },
        { name: 'Address', is_wide: true, cell: (l) => <Name text={l.url} /> },
        { name: 'Connections', is_number: true, cell: (l) => count(l.connections) },
    ];
    return (
        <Panel title="Listeners" flush>
            <Table
                label="Listeners"
                columns={columns}
                rows={(listeners ?? []).filter(({ url }) => url)}
                rowKey={(l) => l.name}
                empty={<Empty title="No listener is open." />}
            />
        </Panel>
    );
}

function Bridges({ list }) {
    if (!list?.length) return null;
    const columns = [
        { name: 'Bridge', is_wide: true, cell: (b) => <Name text={b.name} /> },
        {
            name: 'Stage',
            cell: (b) => <Badge tone={isUp(b) && b.health === 'ok' ? 'ok' : 'warn'}>{visible(b.stage)}</Badge>,
        },
        { name: 'Waiting', is_number: true, cell: (b) => count(b.queue_messages) },
        {
            name: 'Full in',
            is_number: true,
            cell: (b) => (isNumber(b.time_to_full_s) ? duration(b.time_to_full_s) : 'not in sight'),
        },
    ];
    return (
        <Panel title="Bridges" flush aside={<a href="#/bridges">Details</a>}>
            <Table label="Bridges" columns={columns} rows={list} rowKey={(b) => b.name} />
        </Panel>
    );
}

function Charts() {
    const { t } = series;
    return (
        <div class="columns">
            <Chart
                title="Messages per second"
                times={t}
                format={rate}
                lines={[
                    { label: 'in', color: '--in', values: series.in, fill: true },
                    { label: 'out', color: '--out', values: series.out },
                ]}
            />
            <Chart
                title="Commit latency"
                times={t}
                format={duration}
                lines={[
                    { label: 'p99', color: '--p99', values: series.p99, fill: true },
                    { label: 'median', color: '--p50', values: series.p50 },
                ]}
            />
        </div>
    );
}

export function OverviewView() {
    const { overview } = useStore(live);
    const { list } = useStore(refusals);
    if (!overview)
        return (
            <>
                <h1>Overview</h1>
                <p class="loading" role="status">
                    The first figures are on their way.
                </p>
            </>
        );
    const sentences = findings(overview, list, { growth: growthOf('used'), dropped: sumOf('dropped', 60) });
    return (
        <>
            <h1 class="unseen">Overview</h1>
            <Findings list={sentences} />
            <Tiles overview={overview} />
            <Charts />
            <div class="columns uneven">
                <div class="stack">
                    <Slow clients={overview.slow} />
                    <Bridges list={overview.bridges} />
                </div>
                <div class="stack">
                    <Room overview={overview} />
                    <Listeners listeners={overview.listeners} />
                </div>
            </div>
        </>
    );
}
