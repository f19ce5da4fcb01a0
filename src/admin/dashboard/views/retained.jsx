// Retained messages: browse by filter, look at one, change it, delete it, add one.
import { useEffect, useState } from 'preact/hooks';
import { get, put, remove, segment, token, withQuery } from '../api.js';
import { bytes, duration, isNumber, pretty, visible } from '../format.js';
import { act, Action, Badge, Empty, Facts, Field, Name, Panel, Table, useLoaded, Waiting } from '../parts.jsx';
import { useStore } from '../store.js';

const address = (topic) => `#/retained?topic=${encodeURIComponent(topic)}`;

const COLUMNS = [
    {
        name: 'Topic',
        is_wide: true,
        sort: (m) => m.topic,
        cell: (m) => (
            <a class="name" href={address(m.topic)} title={visible(m.topic)}>
                {visible(m.topic)}
            </a>
        ),
    },
    {
        name: 'Payload',
        is_wide: true,
        cell: (m) =>
            m.payload === undefined ? (
                <span class="faint">binary</span>
            ) : (
                <Name text={m.payload + (m.truncated ? ' …' : '')} empty="empty" />
            ),
    },
    { name: 'Size', is_number: true, sort: (m) => m.payload_bytes, cell: (m) => bytes(m.payload_bytes) },
    { name: 'QoS', is_number: true, cell: (m) => m.qos },
    {
        name: 'Expires in',
        is_number: true,
        cell: (m) => (isNumber(m.expires_in_s) ? duration(m.expires_in_s) : 'never'),
    },
];

/** Writes the retained message of a topic; `topic` null = a new one. */
function Editor({ topic, message, onDone }) {
    const [form, setForm] = useState({
        topic: topic ?? '',
        payload: message?.payload ?? '',
        qos: message?.qos ?? 0,
        expiry: '',
    });
    const change = (name) => (event) => setForm({ ...form, [name]: event.target.value });
    const submit = async (event) => {
        event.preventDefault();
        const body = { payload: form.payload, qos: Number(form.qos) };
        if (form.expiry !== '') body.expiry_interval_s = Number(form.expiry);
        if (await act(() => put(`/retained/${segment(form.topic)}`, body), 'The message is retained.'))
            onDone(form.topic);
    };
    return (
        <form class="stack" onSubmit={submit}>
            {topic === null && (
                <Field label="Topic">
                    <input required value={form.topic} onInput={change('topic')} />
                </Field>
            )}
            <Field label="Payload">
                <textarea rows="6" value={form.payload} onInput={change('payload')} />
            </Field>
            <div class="row fields">
                <Field label="QoS">
                    <select value={form.qos} onChange={change('qos')}>
                        <option>0</option>
                        <option>1</option>
                        <option>2</option>
                    </select>
                </Field>
                <Field label="Expires after (s)">
                    <input type="number" min="1" placeholder="never" value={form.expiry} onInput={change('expiry')} />
                </Field>
                <button type="submit" class="primary" disabled={!form.payload}>
                    {topic === null ? 'Retain' : 'Replace'}
                </button>
            </div>
        </form>
    );
}

const propertyRows = (properties) =>
    Object.entries(properties ?? {})
        .filter(([, value]) => value !== null && value !== '')
        .map(([name, value]) => [
            name.replaceAll('_', ' '),
            <Name text={typeof value === 'string' ? value : JSON.stringify(value)} />,
        ]);

function Message({ topic, onChange }) {
    const mayAct = useStore(token) !== '';
    const loaded = useLoaded((signal) => get(`/retained/${segment(topic)}`, { signal }), topic);
    const message = loaded.data;
    const erase = () =>
        act(() => remove(`/retained/${segment(topic)}`), 'The message is deleted.').then(
            (done) => done && (onChange(), (location.hash = '#/retained')),
        );
    return (
        <Panel title={<span class="name">{visible(topic)}</span>} aside={<a href="#/retained">Close</a>}>
            <Waiting loaded={loaded} />
            {message && (
                <>
                    <Facts
                        rows={[
                            ['QoS', message.qos],
                            isNumber(message.age_s) && ['Age', duration(message.age_s)],
                            ['Expires in', isNumber(message.expires_in_s) ? duration(message.expires_in_s) : 'never'],
                            ...propertyRows(message.properties),
                        ]}
                    />
                    {message.payload === undefined ? (
                        <p class="note">The payload is binary: {message.payload_base64?.slice(0, 2000)}</p>
                    ) : (
                        <pre tabindex="0" aria-label="Payload">
                            {pretty(message.payload) || '(empty payload)'}
                        </pre>
                    )}
                    <div class="row end">
                        <a class="button" href={`#/who-gets?topic=${encodeURIComponent(topic)}`}>
                            Who gets it?
                        </a>
                        <Action
                            label="Delete"
                            tone="danger"
                            ask={`Delete the retained message of ${visible(topic)}?`}
                            onAct={erase}
                        />
                    </div>
                    {mayAct && message.payload !== undefined && (
                        <details>
                            <summary>Change it</summary>
                            <Editor
                                key={topic}
                                topic={topic}
                                message={message}
                                onDone={() => (loaded.reload(), onChange())}
                            />
                        </details>
                    )}
                </>
            )}
        </Panel>
    );
}

export function RetainedView({ title, query }) {
    const mayAct = useStore(token) !== '';
    const topic = query.get('topic');
    const [filter, setFilter] = useState('');
    const [asked, setAsked] = useState('');
    const [after, setAfter] = useState('');
    useEffect(() => {
        const timer = setTimeout(() => (setAsked(filter), setAfter('')), 300);
        return () => clearTimeout(timer);
    }, [filter]);
    const path = withQuery('/retained', { filter: asked, limit: 100, after });
    const loaded = useLoaded((signal) => get(path, { signal }), path);
    return (
        <>
            <h1>{title}</h1>
            {topic && <Message key={topic} topic={topic} onChange={loaded.reload} />}
            <form class="row fields" role="search" onSubmit={(event) => event.preventDefault()}>
                <Field label="Topic filter">
                    <input
                        type="search"
                        placeholder="# for all, plant/+/state"
                        value={filter}
                        onInput={(event) => setFilter(event.target.value)}
                    />
                </Field>
                <button type="button" onClick={loaded.reload}>
                    Ask again
                </button>
            </form>
            <Panel flush aside={<Badge>{loaded.data?.retained.length}</Badge>}>
                <Waiting loaded={loaded} />
                {loaded.data && (
                    <Table
                        label="Retained messages"
                        columns={COLUMNS}
                        rows={loaded.data.retained}
                        rowKey={(m) => m.topic}
                        empty={
                            <Empty title="No retained message fits.">
                                A message that is published with the retain flag stays here for those who subscribe
                                later.
                            </Empty>
                        }
                    />
                )}
            </Panel>
            {(after || loaded.data?.next) && (
                <div class="row end">
                    <button type="button" disabled={!after} onClick={() => setAfter('')}>
                        First page
                    </button>
                    <button type="button" disabled={!loaded.data?.next} onClick={() => setAfter(loaded.data.next)}>
                        Next
                    </button>
                </div>
            )}
            {mayAct && (
                <Panel title="Retain a message">
                    <Editor topic={null} onDone={(written) => (loaded.reload(), (location.hash = address(written)))} />
                </Panel>
            )}
        </>
    );
}
