// All clients, searched and sorted by the broker, a page at a time; and the bans.
import { useState } from 'preact/hooks';
import { get, post, remove, token, withQuery } from '../api.js';
import { bytes, count, duration, isNumber } from '../format.js';
import { act, Action, Badge, ClientLink, Empty, Field, Name, Panel, Table, useLoaded, Waiting } from '../parts.jsx';
import { useStore } from '../store.js';

const REFRESH_S = 5;

const COLUMNS = [
    { name: 'Client', is_wide: true, sort: (c) => c.client_id, cell: (c) => <ClientLink id={c.client_id} /> },
    {
        name: 'State',
        sort: (c) => (c.connected ? 0 : 1),
        cell: (c) =>
            c.connected ? (
                <Badge tone="ok">connected{isNumber(c.connected_s) ? ` ${duration(c.connected_s)}` : ''}</Badge>
            ) : (
                <Badge>away{isNumber(c.offline_s) ? ` ${duration(c.offline_s)}` : ''}</Badge>
            ),
    },
    { name: 'User', sort: (c) => c.user, cell: (c) => <Name text={c.user} empty="none" /> },
    { name: 'Address', is_minor: true, sort: (c) => c.address, cell: (c) => <Name text={c.address} /> },
    { name: 'Listener', is_minor: true, sort: (c) => c.listener, cell: (c) => <Name text={c.listener} /> },
    { name: 'MQTT', is_minor: true, sort: (c) => c.protocol, cell: (c) => c.protocol },
    {
        name: 'Filters',
        is_minor: true,
        is_number: true,
        sort: (c) => c.subscriptions,
        cell: (c) => count(c.subscriptions),
    },
    {
        name: 'Waiting',
        is_number: true,
        sort: (c) => c.queue.messages,
        cell: (c) =>
            c.queue.messages ? (
                <>
                    {count(c.queue.messages)} <small>{bytes(c.queue.bytes)}</small>
                </>
            ) : (
                '0'
            ),
    },
    { name: 'Dropped', is_number: true, sort: (c) => c.dropped, cell: (c) => count(c.dropped) },
];

function Search({ query, onQuery }) {
    const change = (name) => (event) => onQuery({ ...query, [name]: event.target.value });
    return (
        <form class="row fields" role="search" onSubmit={(event) => event.preventDefault()}>
            <Field label="Client id has">
                <input type="search" value={query.client_id} onInput={change('client_id')} />
            </Field>
            <Field label="User has">
                <input type="search" value={query.user} onInput={change('user')} />
            </Field>
            <Field label="State">
                <select value={query.state} onChange={change('state')}>
                    <option value="">all</option>
                    <option value="connected">connected</option>
                    <option value="offline">away</option>
                </select>
            </Field>
            <Field label="First">
                <select value={query.order} onChange={change('order')}>
                    <option value="client_id">by client id</option>
                    <option value="queue">longest queue</option>
                    <option value="dropped">most drops</option>
                </select>
            </Field>
        </form>
    );
}

export function ClientsView({ title, query: given }) {
    const [query, setQuery] = useState({
        client_id: given.get('client_id') ?? '',
        user: '',
        state: given.get('state') ?? '',
        order: given.get('order') ?? 'client_id',
    });
    const [pages, setPages] = useState(['']); // the cursors of the pages up to this one
    const after = pages[pages.length - 1];
    const path = withQuery('/clients', { ...query, limit: 50, after });
    const loaded = useLoaded((signal) => get(path, { signal }), path, REFRESH_S);
    const choose = (next) => {
        setPages(['']);
        setQuery(next);
    };
    return (
        <>
            <h1>{title}</h1>
            <Search query={query} onQuery={choose} />
            <Panel flush>
                <Waiting loaded={loaded} />
                {loaded.data && (
                    <Table
                        label="Clients"
                        columns={COLUMNS}
                        rows={loaded.data.clients}
                        rowKey={(c) => c.client_id}
                        empty={<Empty title="No client fits.">Clients appear here with their first connection.</Empty>}
                    />
                )}
            </Panel>
            {(pages.length > 1 || loaded.data?.next) && (
                <div class="row end">
                    <button type="button" disabled={pages.length === 1} onClick={() => setPages(pages.slice(0, -1))}>
                        Back
                    </button>
                    <button
                        type="button"
                        disabled={!loaded.data?.next}
                        onClick={() => setPages([...pages, loaded.data.next])}
                    >
                        Next
                    </button>
                </div>
            )}
            <Bans />
        </>
    );
}

function BanForm({ onDone }) {
    const [form, setForm] = useState({ kind: 'client_id', subject: '', seconds: 600, reason: '' });
    const change = (name) => (event) => setForm({ ...form, [name]: event.target.value });
    const submit = async (event) => {
        event.preventDefault();
        const body = { [form.kind]: form.subject, seconds: Number(form.seconds), reason: form.reason };
        if (await act(() => post('/bans', body), 'The ban holds.')) {
            setForm({ ...form, subject: '', reason: '' });
            onDone();
        }
    };
    return (
        <form class="row fields pad" onSubmit={submit}>
            <Field label="Ban a">
                <select value={form.kind} onChange={change('kind')}>
                    <option value="client_id">client id</option>
                    <option value="user">user</option>
                    <option value="address">address</option>
                </select>
            </Field>
            <Field label="Name">
                <input required value={form.subject} onInput={change('subject')} />
            </Field>
            <Field label="Seconds">
                <input type="number" min="1" required value={form.seconds} onInput={change('seconds')} />
            </Field>
            <Field label="Reason">
                <input value={form.reason} onInput={change('reason')} />
            </Field>
            <button type="submit">Ban</button>
        </form>
    );
}

function Bans() {
    const mayAct = useStore(token) !== '';
    const loaded = useLoaded((signal) => get('/bans', { signal }), 'bans');
    const lift = (number) => act(() => remove(`/bans/${number}`), 'The ban is lifted.').then(loaded.reload);
    const columns = [
        { name: 'Who', is_wide: true, cell: (b) => <Name text={b.client_id || b.user || b.address} /> },
        { name: 'Kind', cell: (b) => (b.client_id ? 'client id' : b.user ? 'user' : 'address') },
        { name: 'Ends in', is_number: true, cell: (b) => duration(b.remaining_s) },
        { name: 'Reason', is_wide: true, cell: (b) => <Name text={b.reason} empty="none given" /> },
        { name: '', cell: (b) => <Action label="Lift" onAct={() => lift(b.number)} /> },
    ];
    return (
        <Panel title="Bans" flush>
            <Waiting loaded={loaded} />
            {loaded.data && (
                <Table
                    label="Bans"
                    columns={columns}
                    rows={loaded.data.bans}
                    rowKey={(b) => b.number}
                    empty={<Empty title="Nobody is banned.">Bans are kept in memory and end with the process.</Empty>}
                />
            )}
            {mayAct && <BanForm onDone={loaded.reload} />}
        </Panel>
    );
}
