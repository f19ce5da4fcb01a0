// The store, what it writes to the flash and how long a card lives with that, and memory by kind.
import { useState } from 'preact/hooks';
import { get } from '../api.js';
import { bytes, count, duration, isNumber, of, percent, visible } from '../format.js';
import { growthOf } from '../live.js';
import { Badge, Empty, Facts, Field, Meter, Name, Panel, Table, useLoaded, Waiting } from '../parts.jsx';

const REFRESH_S = 5;
const DAY_S = 86_400;
const CARD = { way: 'cycles', size_gb: 16, cycles: 1000, tbw: 30, amplification: 4 };

function savedCard() {
    try {
        return { ...CARD, ...JSON.parse(localStorage.getItem('card')) };
    } catch {
        return CARD;
    }
}

/** Bytes that may be written to the card in its life. */
const endurance = (card) => (card.way === 'cycles' ? card.size_gb * 1e9 * card.cycles : card.tbw * 1e12);

/** Years of life at `per_day` bytes, each of which costs the card `amplification` bytes. */
export function yearsOfLife(card, per_day) {
    const worn = per_day * card.amplification * 365.25;
    return worn > 0 ? endurance(card) / worn : Infinity;
}

function Wear({ store }) {
    const [card, setCard] = useState(savedCard);
    const change = (name) => (event) => {
        const value = name === 'way' ? event.target.value : Math.max(0, Number(event.target.value));
        const next = { ...card, [name]: value };
        localStorage.setItem('card', JSON.stringify(next));
        setCard(next);
    };
    const input = (name, label) => (
        <Field label={label}>
            <input type="number" min="0" step="any" value={card[name]} onInput={change(name)} />
        </Field>
    );
    const per_day = store.written_per_day_bytes;
    const years = yearsOfLife(card, per_day);
    return (
        <Panel title="Wear of the flash card">
            <p class="big">
                {!(per_day > 0) ? (
                    'Nothing is written, so nothing wears.'
                ) : (
                    <>
                        At {bytes(per_day)} a day this card lasts <b>{duration(years * 365.25 * DAY_S)}</b>.
                    </>
                )}
            </p>
            <div class="row fields">
                <Field label="Endurance is given as">
                    <select value={card.way} onChange={change('way')}>
                        <option value="cycles">size × cycles</option>
                        <option value="tbw">terabytes written</option>
                    </select>
                </Field>
                {card.way === 'cycles' && input('size_gb', 'Size (GB)')}
                {card.way === 'cycles' && input('cycles', 'Erase cycles')}
                {card.way === 'tbw' && input('tbw', 'Terabytes written')}
                {input('amplification', 'Write amplification')}
            </div>
            <small>
                Usual numbers of erase cycles: MLC 3000, TLC 1000, QLC 300. The write amplification says how many bytes
                the card writes for each byte that the broker writes.
            </small>
            <Facts
                rows={[
                    ['Written since the start', bytes(store.bytes_written)],
                    ['Written per day', bytes(per_day)],
                    store.daily_budget_bytes > 0 && [
                        'Budget per day',
                        `${bytes(store.daily_budget_bytes)} (${percent(per_day / store.daily_budget_bytes)} used)`,
                    ],
                    ['Commits', count(store.commits)],
                ]}
            />
        </Panel>
    );
}

function Store({ store }) {
    const growth = growthOf('used');
    const left_s = growth > 0 ? (store.size_max_bytes - store.used_bytes) / growth : null;
    const latency = store.commit_latency ?? {};
    return (
        <Panel title="Store" aside={<Badge tone={store.state === 'ok' ? 'ok' : 'bad'}>{store.state}</Badge>}>
            <Meter
                label="Used"
                value={store.used_bytes}
                max={store.size_max_bytes}
                text={of(store.used_bytes, store.size_max_bytes)}
            />
            <Facts
                rows={[
                    ['Path', <Name text={store.path} />],
                    ['Found at the start', store.found && visible(store.found)],
                    ['Full in', isNumber(left_s) && left_s < 3650 * DAY_S ? duration(left_s) : 'not in sight'],
                    ['Messages', count(store.messages)],
                    [
                        'Commit latency',
                        `median ${duration(latency.p50_s)}, p99 ${duration(latency.p99_s)}, ` +
                            `longest ${duration(latency.max_s)}`,
                    ],
                    ['Oldest waiting write', store.waiting_s ? duration(store.waiting_s) : 'none'],
                    ['Damaged rows', count(store.bad_rows)],
                ]}
            />
        </Panel>
    );
}

const KIND_COLUMNS = [
    { name: 'Kind', is_wide: true, sort: (k) => k.kind, cell: (k) => visible(k.kind).replaceAll('_', ' ') },
    { name: 'Size', is_number: true, sort: (k) => k.bytes, cell: (k) => bytes(k.bytes) },
];
const OWNER_COLUMNS = [
    { name: 'Owner', is_wide: true, sort: (o) => o.owner, cell: (o) => <Name text={o.owner} /> },
    { name: 'Size', is_number: true, sort: (o) => o.bytes, cell: (o) => bytes(o.bytes) },
];

function Memory({ memory }) {
    const used = memory.anonymous_bytes ?? memory.resident_bytes;
    const kinds = [...memory.by_kind].sort((a, b) => b.bytes - a.bytes);
    return (
        <div class="columns">
            <Panel title="Memory">
                <Meter label="Used" value={used} max={memory.budget_bytes} text={of(used, memory.budget_bytes)} />
                <Facts
                    rows={[
                        ['Resident', bytes(memory.resident_bytes)],
                        ['Of it the program’s own', bytes(memory.anonymous_bytes)],
                    ]}
                />
                <Table label="Memory by kind" columns={KIND_COLUMNS} rows={kinds} rowKey={(k) => k.kind} />
            </Panel>
            <Panel title="Largest owners" flush>
                <Table
                    label="Largest owners"
                    columns={OWNER_COLUMNS}
                    rows={memory.largest_owners ?? []}
                    rowKey={(o) => o.owner}
                    empty={
                        <Empty title="Nobody holds memory worth naming.">
                            Under pressure the largest owner gives way first.
                        </Empty>
                    }
                />
            </Panel>
        </div>
    );
}

export function StorageView({ title }) {
    const store = useLoaded((signal) => get('/store', { signal }), 'store', REFRESH_S);
    const memory = useLoaded((signal) => get('/memory', { signal }), 'memory', REFRESH_S);
    return (
        <>
            <h1>{title}</h1>
            <Waiting loaded={store} />
            {store.data &&
                (store.data.state === 'none' ? (
                    <Panel>
                        <Empty title="There is no store.">
                            Messages and sessions end with the process. <code>store.path</code> of the configuration
                            names a folder for them.
                        </Empty>
                    </Panel>
                ) : (
                    <div class="columns">
                        <Store store={store.data} />
                        <Wear store={store.data} />
                    </div>
                ))}
            <Waiting loaded={memory} />
            {memory.data && <Memory memory={memory.data} />}
        </>
    );
}
