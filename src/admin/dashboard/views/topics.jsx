// The tree of topics: live with last values and sparklines over the page's own connection, or the retained messages.
import { useEffect, useState } from 'preact/hooks';
import { get, withQuery } from '../api.js';
import { Sparkline } from '../chart.jsx';
import { count, duration, pretty, visible } from '../format.js';
import { received, session, subscribe } from '../mqtt_session.js';
import { act, Empty, Facts, Field, Panel, useLoaded, Waiting } from '../parts.jsx';
import { useStore } from '../store.js';
import { Connection } from './connect.jsx';

/** Topics as a tree of levels: { level, topic, entry, children }. */
function treeOf(topics, part) {
    const root = { children: new Map() };
    for (const entry of topics.values()) {
        if (part && !entry.name.toLowerCase().includes(part.toLowerCase())) continue;
        let node = root;
        const levels = entry.name.split('/');
        levels.forEach((level, at) => {
            if (!node.children.has(level)) {
                node.children.set(level, {
                    level,
                    topic: levels.slice(0, at + 1).join('/'),
                    children: new Map(),
                    entry: null,
                });
            }
            node = node.children.get(level);
        });
        node.entry = entry;
    }
    return root;
}

const sortedChildren = (node) =>
    [...node.children.values()].sort((a, b) => a.level.localeCompare(b.level, 'en', { numeric: true }));

function Leaf({ node, chosen, onChoose }) {
    const { entry, level } = node;
    return (
        <button type="button" class="leaf" aria-pressed={chosen === entry.name} onClick={() => onChoose(entry.name)}>
            <span class="level">{visible(level) || '(empty level)'}</span>
            <span class="value">{visible(entry.payload) || '(empty)'}</span>
            <Sparkline values={entry.values} width={72} height={20} />
        </button>
    );
}

function Node({ node, depth, chosen, onChoose }) {
    const [isOpen, setOpen] = useState(depth < 3);
    const children = sortedChildren(node);
    return (
        <li>
            {node.entry && <Leaf node={node} chosen={chosen} onChoose={onChoose} />}
            {children.length > 0 && (
                <>
                    <button type="button" class="branch" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
                        <span class="arrow" aria-hidden="true" />
                        {visible(node.level) || '(empty level)'}
                        <small> {children.length}</small>
                    </button>
                    {isOpen && (
                        <ul>
                            {children.map((child) => (
                                <Node
                                    key={child.level}
                                    node={child}
                                    depth={depth + 1}
                                    chosen={chosen}
                                    onChoose={onChoose}
                                />
                            ))}
                        </ul>
                    )}
                </>
            )}
        </li>
    );
}

function Detail({ entry }) {
    const encoded = encodeURIComponent(entry.name);
    return (
        <Panel title={<span class="name">{visible(entry.name)}</span>}>
            <Facts
                rows={[
                    ['Received', `${count(entry.count)} messages`],
                    ['Last', `${duration(Date.now() / 1000 - entry.at)} ago`],
                    ['QoS', `${entry.qos}${entry.retain ? ', from the retained messages' : ''}`],
                ]}
            />
            {entry.values.length > 1 && (
                <div class="wide-spark">
                    <Sparkline values={entry.values} width={400} height={64} />
                    <small>
                        {Math.min(...entry.values)} to {Math.max(...entry.values)}, the last {entry.values.length}{' '}
                        values
                    </small>
                </div>
            )}
            <pre tabindex="0" aria-label="Payload">
                {pretty(entry.payload) || '(empty payload)'}
            </pre>
            <div class="row end">
                <a class="button" href={`#/who-gets?topic=${encoded}`}>
                    Who gets it?
                </a>
                <a class="button" href={`#/trace?filter=${encoded}`}>
                    Trace
                </a>
                <a class="button" href={`#/retained?topic=${encoded}`}>
                    Retained
                </a>
            </div>
        </Panel>
    );
}

function LiveTree() {
    const { topics, unkept } = useStore(received);
    const [part, setPart] = useState('');
    const [chosen, setChosen] = useState(null);
    const tree = treeOf(topics, part);
    return (
        <div class="columns uneven">
            <Panel>
                <Field label="Topic has">
                    <input type="search" value={part} onInput={(e) => setPart(e.target.value)} />
                </Field>
                {unkept > 0 && <p class="note">Only the first {count(topics.size)} topics are shown.</p>}
                {tree.children.size === 0 ? (
                    <Empty title="No message has arrived yet.">Topics appear with their first message.</Empty>
                ) : (
                    <ul class="tree">
                        {sortedChildren(tree).map((node) => (
                            <Node key={node.level} node={node} depth={0} chosen={chosen} onChoose={setChosen} />
                        ))}
                    </ul>
                )}
            </Panel>
            {topics.has(chosen) ? (
                <Detail entry={topics.get(chosen)} />
            ) : (
                <Panel>
                    <Empty title="Choose a topic.">Its last payload and its values are shown here.</Empty>
                </Panel>
            )}
        </div>
    );
}

/** One level of the retained messages, asked for when it is opened. */
function RetainedLevel({ below }) {
    const loaded = useLoaded((signal) => get(withQuery('/retained-tree', { below, limit: 200 }), { signal }), below);
    if (!loaded.data) return <Waiting loaded={loaded} />;
    if (loaded.data.children.length === 0) return <Empty title="There are no retained messages." />;
    return (
        <ul class={below ? '' : 'tree'}>
            {loaded.data.children.map((child) => (
                <RetainedNode key={child.topic} child={child} />
            ))}
            {loaded.data.next && <li class="faint">There are more levels than are shown.</li>}
        </ul>
    );
}

function RetainedNode({ child }) {
    const [isOpen, setOpen] = useState(false);
    return (
        <li>
            {child.has_message && (
                <a class="leaf" href={`#/retained?topic=${encodeURIComponent(child.topic)}`}>
                    <span class="level">{visible(child.level) || '(empty level)'}</span>
                    <span class="value">retained message</span>
                </a>
            )}
            {child.descendants > 0 && (
                <>
                    <button type="button" class="branch" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
                        <span class="arrow" aria-hidden="true" />
                        {visible(child.level) || '(empty level)'}
                        <small> {count(child.descendants)}</small>
                    </button>
                    {isOpen && <RetainedLevel below={child.topic} />}
                </>
            )}
        </li>
    );
}

export function TopicsView({ title }) {
    const { state, filters } = useStore(session);
    useEffect(() => {
        if (state === 'connected' && filters.length === 0) act(() => subscribe('#', 0), 'All topics are watched.');
    }, [state]);
    return (
        <>
            <h1>{title}</h1>
            <Connection />
            {state === 'none' || (state === 'failed' && filters.length === 0) ? (
                <Panel title="Retained messages">
                    <RetainedLevel below="" />
                </Panel>
            ) : (
                <LiveTree />
            )}
        </>
    );
}
