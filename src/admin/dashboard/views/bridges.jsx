// Bridges: the stage, how far behind, when the queue is full, and pause, resume, reconnect.
import { get, post, segment } from '../api.js';
import { isUp } from '../findings.js';
import { bytes, count, duration, isNumber, visible } from '../format.js';
import { act, Action, Badge, Empty, Facts, Panel, useLoaded, Waiting } from '../parts.jsx';

const REFRESH_S = 3;

function tone(bridge) {
    if (bridge.paused) return 'plain';
    return isUp(bridge) && (!bridge.health || bridge.health === 'ok') ? 'ok' : 'warn';
}

function Bridge({ bridge, reload }) {
    const { name, paused } = bridge;
    const go = (verb, done) => act(() => post(`/bridges/${segment(name)}/${verb}`), done).then(reload);
    const rows = [
        ['Server', <code class="name">{visible(bridge.server)}</code>],
        ['In this stage for', duration(bridge.stage_s)],
        ['Waiting', `${count(bridge.queue_messages)} (${bytes(bridge.queue_bytes)})`],
        [
            'Lag',
            bridge.queue_messages
                ? `${bridge.queue_age_is_minimum ? 'at least ' : ''}${duration(bridge.queue_age_s)}`
                : 'none',
        ],
        ['Queue full in', isNumber(bridge.time_to_full_s) ? duration(bridge.time_to_full_s) : 'not in sight'],
        ['Queue empty in', isNumber(bridge.time_to_empty_s) ? duration(bridge.time_to_empty_s) : 'not in sight'],
        ['Oldest unanswered', duration(bridge.oldest_unanswered_s)],
        ['Connections made', count(bridge.connections)],
        bridge.health_reason && ['Degraded', visible(bridge.health_reason)],
        bridge.last_problem && ['Last problem', visible(bridge.last_problem)],
    ];
    return (
        <Panel
            title={visible(name)}
            aside={<Badge tone={tone(bridge)}>{paused ? 'paused' : visible(bridge.stage)}</Badge>}
        >
            <Facts rows={rows} />
            <div class="row end">
                {paused ? (
                    <Action label="Resume" onAct={() => go('resume', `${visible(name)} goes on.`)} />
                ) : (
                    <Action
                        label="Pause"
                        ask={`Pause ${visible(name)}? Messages wait in its queue until it is resumed.`}
                        onAct={() => go('pause', `${visible(name)} is paused.`)}
                    />
                )}
                <Action label="Reconnect" onAct={() => go('reconnect', `${visible(name)} connects anew.`)} />
            </div>
        </Panel>
    );
}

export function BridgesView({ title }) {
    const loaded = useLoaded((signal) => get('/bridges', { signal }), 'bridges', REFRESH_S);
    return (
        <>
            <h1>{title}</h1>
            <Waiting loaded={loaded} />
            {loaded.data?.bridges.length === 0 && (
                <Panel>
                    <Empty title="This broker has no bridges.">
                        A section <code>[bridges.NAME]</code> of the configuration adds one.
                    </Empty>
                </Panel>
            )}
            <div class="columns">
                {loaded.data?.bridges.map((bridge) => (
                    <Bridge key={bridge.name} bridge={bridge} reload={loaded.reload} />
                ))}
            </div>
        </>
    );
}
