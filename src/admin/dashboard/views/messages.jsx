// Publish and subscribe, as an MQTT client over WebSocket.
import { useState } from 'preact/hooks';
import { bytes, count, pretty, visible } from '../format.js';
import { forget, publish, received, session, subscribe, unsubscribe } from '../mqtt_session.js';
import { act, Badge, Empty, Field, Name, Panel } from '../parts.jsx';
import { useStore } from '../store.js';
import { Connection } from './connect.jsx';

const SHOWN_MAX = 100;

const QosSelect = ({ value, onChange }) => (
    <Field label="QoS">
        <select value={value} onChange={(event) => onChange(Number(event.target.value))}>
            <option value="0">0</option>
            <option value="1">1</option>
            <option value="2">2</option>
        </select>
    </Field>
);

function PublishForm() {
    const [form, setForm] = useState({ topic: '', payload: '', qos: 0, retain: false });
    const set = (name) => (value) => setForm({ ...form, [name]: value });
    const submit = (event) => {
        event.preventDefault();
        act(
            () => publish(form.topic, form.payload, { qos: form.qos, retain: form.retain }),
            (text) => text,
        );
    };
    return (
        <Panel title="Publish">
            <form class="stack" onSubmit={submit}>
                <Field label="Topic">
                    <input required value={form.topic} onInput={(e) => set('topic')(e.target.value)} />
                </Field>
                <Field label="Payload">
                    <textarea rows="4" value={form.payload} onInput={(e) => set('payload')(e.target.value)} />
                </Field>
                <div class="row fields">
                    <QosSelect value={form.qos} onChange={set('qos')} />
                    <label class="check">
                        <input
                            type="checkbox"
                            checked={form.retain}
                            onChange={(e) => set('retain')(e.target.checked)}
                        />
                        Retain
                    </label>
                    <span class="grow" />
                    <button type="submit" class="primary">
                        Publish
                    </button>
                </div>
            </form>
        </Panel>
    );
}

function SubscribeForm() {
    const { filters } = useStore(session);
    const [form, setForm] = useState({ filter: '#', qos: 0 });
    const submit = (event) => {
        event.preventDefault();
        act(() => subscribe(form.filter, form.qos), `${visible(form.filter)} is subscribed.`);
    };
    return (
        <Panel title="Subscribe">
            <form class="row fields" onSubmit={submit}>
                <Field label="Topic filter">
                    <input
                        required
                        value={form.filter}
                        onInput={(e) => setForm({ ...form, filter: e.target.value })}
                    />
                </Field>
                <QosSelect value={form.qos} onChange={(qos) => setForm({ ...form, qos })} />
                <button type="submit" class="primary">
                    Subscribe
                </button>
            </form>
            {filters.length === 0 ? (
                <p class="faint">Nothing is subscribed yet.</p>
            ) : (
                <ul class="chips">
                    {filters.map(({ filter, qos }) => (
                        <li key={filter}>
                            <Name text={filter} /> <small>QoS {qos}</small>
                            <button
                                type="button"
                                class="quiet"
                                aria-label={`Unsubscribe ${visible(filter)}`}
                                onClick={() =>
                                    act(() => unsubscribe(filter), `${visible(filter)} is not subscribed any more.`)
                                }
                            >
                                ×
                            </button>
                        </li>
                    ))}
                </ul>
            )}
        </Panel>
    );
}

function Received() {
    const { messages, total } = useStore(received);
    const [isPaused, setPaused] = useState(null);
    const list = (isPaused ?? messages).slice(-SHOWN_MAX).reverse();
    return (
        <Panel
            title={`Received: ${count(total)}`}
            flush
            aside={
                <span class="row">
                    <button
                        type="button"
                        aria-pressed={!!isPaused}
                        onClick={() => setPaused(isPaused ? null : [...messages])}
                    >
                        {isPaused ? 'Go on' : 'Hold'}
                    </button>
                    <button type="button" onClick={forget}>
                        Clear
                    </button>
                </span>
            }
        >
            {list.length === 0 ? (
                <Empty title="No message has arrived yet.">
                    Subscribe to a filter: <code>#</code> is every topic.
                </Empty>
            ) : (
                <ol class="log">
                    {list.map((message) => (
                        <li key={message.number}>
                            <span class="log-head">
                                <Name text={message.topic} />
                                <small>
                                    QoS {message.qos} · {bytes(message.size)} ·{' '}
                                    {new Date(message.at * 1000).toLocaleTimeString('en-GB')}
                                </small>
                                {message.retain && <Badge>retained</Badge>}
                            </span>
                            <pre>{pretty(message.payload) || '(empty payload)'}</pre>
                        </li>
                    ))}
                </ol>
            )}
        </Panel>
    );
}

export function MessagesView({ title }) {
    const { state, filters } = useStore(session);
    const isOpen = state === 'connected' || filters.length > 0;
    return (
        <>
            <h1>{title}</h1>
            <Connection />
            {isOpen && (
                <div class="columns">
                    <PublishForm />
                    <SubscribeForm />
                </div>
            )}
            {isOpen && <Received />}
        </>
    );
}
