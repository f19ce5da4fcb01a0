// Who would get a message on a topic, and why others would not.
import { useState } from 'preact/hooks';
import { get, withQuery } from '../api.js';
import { visible } from '../format.js';
import { Badge, ClientLink, Empty, Failure, Field, Name, Panel, Table } from '../parts.jsx';
import { useEffect } from 'preact/hooks';

const COLUMNS = [
    { name: 'Client', is_wide: true, sort: (s) => s.client_id, cell: (s) => <ClientLink id={s.client_id} /> },
    {
        name: 'Gets it',
        sort: (s) => (s.would_get ? 0 : 1),
        cell: (s) =>
            s.would_get ? (
                <Badge tone="ok">yes</Badge>
            ) : (
                <span>
                    <Badge tone="warn">no</Badge> <small>{visible(s.why_not)}</small>
                </span>
            ),
    },
    { name: 'Filter', is_wide: true, sort: (s) => s.filter, cell: (s) => <Name text={s.filter} /> },
    { name: 'Shared by', cell: (s) => <Name text={s.share} empty="nobody" /> },
    { name: 'QoS', is_number: true, cell: (s) => s.qos },
    { name: 'State', cell: (s) => (s.connected ? 'connected' : 'away') },
];

export function WhoGetsView({ title, query }) {
    const [topic, setTopic] = useState(query.get('topic') ?? '');
    const [state, setState] = useState({ answer: null, problem: '' });
    const ask = (event) => {
        event?.preventDefault();
        get(withQuery('/who-gets', { topic, limit: 500 })).then(
            (answer) => setState({ answer, problem: '' }),
            (problem) => setState({ answer: null, problem: problem.message }),
        );
    };
    useEffect(() => {
        if (topic) ask();
    }, []);
    const { answer, problem } = state;
    const getting = answer?.subscribers.filter((one) => one.would_get).length;
    return (
        <>
            <h1>{title}</h1>
            <form class="row fields" role="search" onSubmit={ask}>
                <Field label="Topic">
                    <input
                        required
                        value={topic}
                        placeholder="plant/line1/temperature"
                        onInput={(event) => setTopic(event.target.value)}
                    />
                </Field>
                <button type="submit" class="primary">
                    Ask
                </button>
            </form>
            {problem && <Failure text={problem} />}
            {answer && (
                <Panel
                    flush
                    title={
                        <>
                            {getting === 1 ? '1 subscription gets' : `${getting} subscriptions get`} a message on{' '}
                            <span class="name">{visible(answer.topic)}</span>
                        </>
                    }
                    aside={
                        answer.retained && (
                            <a href={`#/retained?topic=${encodeURIComponent(answer.topic)}`}>Retained message</a>
                        )
                    }
                >
                    <Table
                        label="Subscribers"
                        columns={COLUMNS}
                        rows={answer.subscribers}
                        rowKey={(s) => `${s.client_id}/${s.share}/${s.filter}`}
                        empty={
                            <Empty title="Nobody subscribes to this topic.">
                                A message on it is kept only if it is published with the retain flag.
                            </Empty>
                        }
                    />
                </Panel>
            )}
            {!answer && !problem && (
                <Panel>
                    <Empty title="Name a topic.">
                        The broker answers with every subscription that fits, and with the reason where a client would
                        not get the message.
                    </Empty>
                </Panel>
            )}
        </>
    );
}
