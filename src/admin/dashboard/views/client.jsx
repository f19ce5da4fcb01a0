// One client: its connection, its queue and windows, its subscriptions, why it went, and what can be done about it.
import { get, post, remove, segment, withQuery } from '../api.js';
import { bytes, count, duration, isNumber, rate, visible } from '../format.js';
import { act, Action, Badge, Empty, Facts, Name, Panel, Table, useLoaded, Waiting } from '../parts.jsx';

const REFRESH_S = 3;
const BAN_S = 600;
const FOREVER_S = 0xffffffff;

const WAITS = {
    nothing: 'for nothing',
    client: 'for the client, which is away',
    commit: 'for a commit of the store',
    receive_maximum: 'for acknowledgements of the client',
    socket: 'for the network: the client reads slowly',
};

function Actions({ client, reload }) {
    const id = segment(client.client_id);
    const name = visible(client.client_id);
    const go = (work, done) => act(work, done).then(reload);
    return (
        <div class="row">
            <a class="button" href={`#/trace?client_id=${id}`}>
                Trace
            </a>
            {client.connected && (
                <Action
                    label="Kick"
                    ask={`End the connection of ${name}? The client may connect again at once.`}
                    onAct={() => go(() => remove(`/clients/${id}/connection`), `${name} was disconnected.`)}
                />
            )}
            <Action
                label="Ban for 10 min"
                ask={`Refuse ${name} for 10 minutes? Its connection ends.`}
                onAct={() =>
                    go(
                        () =>
                            post('/bans', { client_id: client.client_id, seconds: BAN_S, reason: 'by the dashboard' }),
                        `${name} is banned for 10 minutes.`,
                    )
                }
            />
            <Action
                label="Clear the queue"
                tone="danger"
                disabled={!client.queue.messages}
                ask={`Throw away the ${count(client.queue.messages)} messages that wait for ${name}?`}
                onAct={() =>
                    go(
                        () => remove(`/clients/${id}/queue`),
                        (answer) => `${count(answer?.messages)} messages were thrown away.`,
                    )
                }
            />
            <Action
                label="Remove"
                tone="danger"
                ask={`Remove the session of ${name} for good, with its subscriptions and waiting messages?`}
                onAct={() =>
                    act(() => remove(`/clients/${id}`), `The session of ${name} was removed.`).then(
                        (done) => done && (location.hash = '#/clients'),
                    )
                }
            />
        </div>
    );
}

const lifetime = (seconds) => (seconds === FOREVER_S ? 'never' : isNumber(seconds) ? duration(seconds) : null);

function connectionRows(c) {
    return [
        ['User', <Name text={c.user} empty="none" />],
        ['Address', <Name text={c.address} />],
        ['Listener', <Name text={c.listener} />],
        ['Transport', c.transport],
        ['MQTT', c.protocol],
        ['Keep alive', isNumber(c.keep_alive_s) ? (c.keep_alive_s ? duration(c.keep_alive_s) : 'off') : null],
        ['Session ends after', lifetime(c.session_expiry_s)],
        !c.connected && isNumber(c.expires_in_s) && ['Session ends in', lifetime(c.expires_in_s)],
        c.tls && ['TLS', [c.tls.version, c.tls.cipher].filter(Boolean).join(', ')],
        c.tls?.certificate_subject && ['Certificate', <Name text={c.tls.certificate_subject} />],
        c.will && [
            'Will',
            <>
                <Name text={c.will.topic} /> QoS {c.will.qos}
                {c.will.retain ? ', retained' : ''}
            </>,
        ],
    ];
}

function queueRows(c) {
    const drops = Object.entries(c.dropped_by_reason ?? {})
        .filter(([, n]) => n > 0)
        .map(([reason, n]) => `${visible(reason).replaceAll('_', ' ')} (${count(n)})`)
        .join(', ');
    return [
        ['Waiting', `${count(c.queue.messages)} (${bytes(c.queue.bytes)})`],
        ['Oldest', c.queue.messages ? duration(c.queue.age_s) : 'nothing waits'],
        ['Waits', WAITS[c.waits_for] ?? (c.waits_for ? visible(c.waits_for) : null)],
        ['Unacknowledged', `${count(c.inflight)}${c.receive_maximum ? ` of ${count(c.receive_maximum)}` : ''}`],
        ['Dropped', drops ? `${count(c.dropped)}: ${drops}` : count(c.dropped)],
        ['Received from it', `${count(c.totals?.publish_received)} (${bytes(c.totals?.bytes_received)})`],
        ['Sent to it', `${count(c.totals?.publish_sent)} (${bytes(c.totals?.bytes_sent)})`],
        c.rates && [
            'Messages per second',
            `${rate(c.rates.publish_received_per_s)} from it, ${rate(c.rates.publish_sent_per_s)} to it`,
        ],
    ];
}

const SUBSCRIPTION_COLUMNS = [
    { name: 'Filter', is_wide: true, sort: (s) => s.filter, cell: (s) => <Name text={s.filter} /> },
    { name: 'QoS', is_number: true, sort: (s) => s.qos, cell: (s) => s.qos },
    { name: 'Shared by', cell: (s) => <Name text={s.share} empty="nobody" /> },
    {
        name: 'Options',
        cell: (s) =>
            [
                s.no_local && 'no local',
                s.retain_as_published && 'retain as published',
                s.id ? `identifier ${s.id}` : '',
            ]
                .filter(Boolean)
                .join(', ') || <span class="faint">none</span>,
    },
];

function LastEnd({ end }) {
    if (!end) return null;
    return (
        <p class="note">
            The last connection ended {duration(end.age_s)} ago: <b>{visible(end.reason)}</b>
            {isNumber(end.reason_code) ? ` (reason code 0x${end.reason_code.toString(16).padStart(2, '0')})` : ''}.
        </p>
    );
}

export function ClientView({ subject }) {
    const id = segment(subject);
    // The first answer comes at once; the following ones bring the rates of a second.
    const loaded = useLoaded(
        (signal) => get(withQuery(`/clients/${id}`, { rate_s: loaded.data ? 1 : 0 }), { signal }),
        subject,
        REFRESH_S,
    );
    const subscriptions = useLoaded(
        (signal) => get(withQuery(`/clients/${id}/subscriptions`, { limit: 200 }), { signal }),
        subject,
    );
    const client = loaded.data;
    return (
        <>
            <p class="trail">
                <a href="#/clients">Clients</a>
            </p>
            <h1 class="name">{visible(subject)}</h1>
            <Waiting loaded={loaded} />
            {client && (
                <>
                    <div class="row">
                        {client.connected ? (
                            <Badge tone="ok">connected {duration(client.connected_s)}</Badge>
                        ) : (
                            <Badge>away {duration(client.offline_s)}</Badge>
                        )}
                        <span class="grow" />
                        <Actions client={client} reload={loaded.reload} />
                    </div>
                    <LastEnd end={client.last_disconnect} />
                    <div class="columns">
                        <Panel title="Connection">
                            <Facts rows={connectionRows(client)} />
                        </Panel>
                        <Panel title="Messages">
                            <Facts rows={queueRows(client)} />
                        </Panel>
                    </div>
                    <Panel title="Subscriptions" flush>
                        <Waiting loaded={subscriptions} />
                        {subscriptions.data && (
                            <Table
                                label="Subscriptions"
                                columns={SUBSCRIPTION_COLUMNS}
                                rows={subscriptions.data.subscriptions}
                                rowKey={(s) => `${s.share}/${s.filter}`}
                                empty={<Empty title="This client has no subscriptions." />}
                            />
                        )}
                    </Panel>
                </>
            )}
        </>
    );
}
