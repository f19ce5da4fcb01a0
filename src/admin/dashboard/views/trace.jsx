// Where is my message: the events of one client, one topic filter or both, as they happen.
import { useEffect, useRef, useState } from 'preact/hooks';
import { events, withQuery } from '../api.js';
import { count, duration, visible } from '../format.js';
import { Badge, ClientLink, Empty, Failure, Field, Name, Panel } from '../parts.jsx';

const EVENTS_MAX = 1000;
const REDRAW_MS = 200;

const TONES = {
    refused: 'bad',
    dropped: 'bad',
    expired: 'bad',
    disconnected: 'warn',
    acknowledged: 'ok',
    stored: 'ok',
    sent: 'info',
};
const ENDS = {
    time: 'the time is over',
    count: 'the number of events is reached',
    stopped: 'it was stopped',
};

function Row({ event, start_us }) {
    const { stage, client_id, topic, qos, packet_id, message, detail } = event;
    return (
        <tr>
            <td class="number" data-name="After">
                {duration((event.t_us - start_us) / 1e6)}
            </td>
            <td data-name="Stage">
                <Badge tone={TONES[stage]}>{visible(stage)}</Badge>
            </td>
            <td class="wide" data-name="Client">
                {client_id ? <ClientLink id={client_id} /> : '–'}
            </td>
            <td class="wide" data-name="Topic">
                <Name text={topic} />
            </td>
            <td class="number minor" data-name="Message">
                {message ?? '–'}
            </td>
            <td class="number minor" data-name="QoS">
                {qos ?? '–'}
                {packet_id ? <small> id {packet_id}</small> : ''}
            </td>
            <td class="wide" data-name="Detail">
                {detail ? <Name text={detail} /> : null}
            </td>
        </tr>
    );
}

function Events({ list, focus, onFocus }) {
    const shown = focus === null ? list : list.filter((event) => event.message === focus);
    const messages = [...new Set(list.map((event) => event.message).filter(Boolean))].slice(-12);
    return (
        <Panel
            flush
            title={`${count(list.length)} events`}
            aside={
                messages.length > 1 && (
                    <select
                        aria-label="Message"
                        value={focus ?? ''}
                        onChange={(e) => onFocus(e.target.value === '' ? null : Number(e.target.value))}
                    >
                        <option value="">all messages</option>
                        {messages.map((number) => (
                            <option key={number} value={number}>
                                only message {number}
                            </option>
                        ))}
                    </select>
                )
            }
        >
            <table aria-label="Events">
                <thead>
                    <tr>
                        <th scope="col" class="number">
                            After
                        </th>
                        <th scope="col">Stage</th>
                        <th scope="col">Client</th>
                        <th scope="col">Topic</th>
                        <th scope="col" class="number">
                            Message
                        </th>
                        <th scope="col" class="number">
                            QoS
                        </th>
                        <th scope="col">Detail</th>
                    </tr>
                </thead>
                <tbody>
                    {shown.slice(-300).map((event, at) => (
                        <Row key={at} event={event} start_us={list[0].t_us} />
                    ))}
                </tbody>
            </table>
        </Panel>
    );
}

export function TraceView({ title, query }) {
    const [form, setForm] = useState({
        client_id: query.get('client_id') ?? '',
        filter: query.get('filter') ?? '',
        seconds: 60,
    });
    const [state, setState] = useState({ running: false, end: '', problem: '', list: [] });
    const [focus, setFocus] = useState(null);
    const control = useRef(null);
    useEffect(() => () => control.current?.abort(), []);
    const change = (name) => (event) => setForm({ ...form, [name]: event.target.value });
    const start = async (event) => {
        event.preventDefault();
        const mine = new AbortController();
        control.current = mine;
        const list = [];
        let timer = 0;
        const draw = (more) => setState((before) => ({ ...before, ...more, list: [...list] }));
        setFocus(null);
        setState({ running: true, end: '', problem: '', lost: 0, open: false, list });
        const onEvent = (name, data) => {
            if (name === 'end') return draw({ end: data.reason });
            if (name === 'lost') draw({ lost: data.events });
            if (name === 'trace') list.push(data);
            timer ||= setTimeout(() => ((timer = 0), draw({})), REDRAW_MS);
        };
        try {
            await events(withQuery('/trace', { ...form, events_max: EVENTS_MAX }), mine.signal, onEvent, () =>
                draw({ open: true }),
            );
        } catch (error) {
            draw(mine.signal.aborted ? { end: 'stopped' } : { problem: error.message });
        }
        draw({ running: false });
    };
    const { running, end, problem, lost, open, list } = state;
    return (
        <>
            <h1>{title}</h1>
            <form class="row fields" onSubmit={start}>
                <Field label="Client id">
                    <input value={form.client_id} placeholder="any" onInput={change('client_id')} />
                </Field>
                <Field label="Topic filter">
                    <input value={form.filter} placeholder="any" onInput={change('filter')} />
                </Field>
                <Field label="Seconds">
                    <input type="number" min="1" max="600" value={form.seconds} onInput={change('seconds')} />
                </Field>
                {running ? (
                    <button type="button" onClick={() => control.current.abort()}>
                        Stop
                    </button>
                ) : (
                    <button type="submit" class="primary" disabled={!form.client_id && !form.filter}>
                        Trace
                    </button>
                )}
            </form>
            {problem && <Failure text={problem} />}
            {lost > 0 && <Failure text={`${count(lost)} events are missing: the page has read too slowly.`} />}
            {end && (
                <p class="note" role="status">
                    The trace has ended: {ENDS[end] ?? visible(end)}.
                </p>
            )}
            {list.length > 0 ? (
                <Events list={list} focus={focus} onFocus={setFocus} />
            ) : (
                <Panel>
                    <Empty title={running ? (open ? 'The trace runs.' : 'The trace begins.') : 'Where is my message?'}>
                        {running
                            ? 'Events appear here as soon as something fits.'
                            : 'Name a client, a topic filter or both. The way of each message is shown, from its ' +
                              'arrival to the acknowledgement of each subscriber, or the reason why it was dropped.'}
                    </Empty>
                </Panel>
            )}
        </>
    );
}
