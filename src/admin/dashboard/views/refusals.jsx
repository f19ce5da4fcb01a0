// What was refused or disconnected, why, and by which rule: the last 256, the newest first.
import { useState } from 'preact/hooks';
import { get, withQuery } from '../api.js';
import { duration, isNumber } from '../format.js';
import { Badge, Empty, Field, Name, Panel, Table, useLoaded, Waiting } from '../parts.jsx';

const REFRESH_S = 5;

const COLUMNS = [
    { name: 'Ago', is_number: true, sort: (r) => r.age_s, cell: (r) => duration(r.age_s) },
    { name: 'What', cell: (r) => <Badge tone={r.kind === 'refused' ? 'warn' : 'plain'}>{r.kind}</Badge> },
    {
        name: 'Client',
        is_wide: true,
        sort: (r) => r.client_id,
        cell: (r) => <Name text={r.client_id} empty="not known" />,
    },
    { name: 'User', sort: (r) => r.user, cell: (r) => <Name text={r.user} empty="none" /> },
    { name: 'Address', sort: (r) => r.address, cell: (r) => <Name text={r.address} /> },
    {
        name: 'Reason',
        is_wide: true,
        sort: (r) => r.reason,
        cell: (r) => (
            <span class="text">
                <Name text={r.reason} />
                {isNumber(r.reason_code) && r.reason_code > 0 && (
                    <small> 0x{r.reason_code.toString(16).padStart(2, '0')}</small>
                )}
                {r.detail && (
                    <small class="under">
                        <Name text={r.detail} />
                    </small>
                )}
            </span>
        ),
    },
    { name: 'Rule', is_wide: true, cell: (r) => <Name text={r.rule} empty="none" /> },
];

export function RefusalsView({ title }) {
    const [kind, setKind] = useState('');
    const [client, setClient] = useState('');
    const path = withQuery('/refusals', { kind, client_id: client });
    const loaded = useLoaded((signal) => get(path, { signal }), path, REFRESH_S);
    return (
        <>
            <h1>{title}</h1>
            <form class="row fields" role="search" onSubmit={(event) => event.preventDefault()}>
                <Field label="Show">
                    <select value={kind} onChange={(event) => setKind(event.target.value)}>
                        <option value="">refusals and disconnects</option>
                        <option value="refused">refusals</option>
                        <option value="disconnected">disconnects</option>
                    </select>
                </Field>
                <Field label="Client id">
                    <input
                        type="search"
                        placeholder="any"
                        value={client}
                        onInput={(event) => setClient(event.target.value)}
                    />
                </Field>
            </form>
            <Panel flush>
                <Waiting loaded={loaded} />
                {loaded.data && (
                    <Table
                        label="Refusals"
                        columns={COLUMNS}
                        rows={loaded.data.refusals}
                        rowKey={(r) => r.number}
                        empty={
                            <Empty title="Nothing was refused.">
                                Refused connections, subscriptions and messages appear here with the reason and the
                                rule.
                            </Empty>
                        }
                    />
                )}
            </Panel>
        </>
    );
}
