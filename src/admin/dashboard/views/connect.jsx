// The form that opens the page's own MQTT connection, and the line that shows it.
import { useState } from 'preact/hooks';
import { token } from '../api.js';
import { Badge, Empty, Failure, Field, Panel, useLoaded, Waiting } from '../parts.jsx';
import { connectTo, disconnect, session, webSocketUrls } from '../mqtt_session.js';
import { useStore } from '../store.js';

const STATES = {
    connecting: ['wait', 'connecting'],
    connected: ['ok', 'connected'],
    failed: ['bad', 'not connected'],
};

export function Connection() {
    const { state, url, problem } = useStore(session);
    const listeners = useLoaded(webSocketUrls, 'listeners');
    const [form, setForm] = useState({ username: '', password: '', url: '' });
    useStore(token);
    if (url) {
        const [tone, word] = STATES[state];
        return (
            <div class="row line">
                <Badge tone={tone}>{word}</Badge>
                <code class="name">{url}</code>
                {problem && <span class="bad-text">{problem}</span>}
                <span class="grow" />
                <button type="button" onClick={() => disconnect()}>
                    Disconnect
                </button>
            </div>
        );
    }
    if (!listeners.data)
        return (
            <Panel>
                <Waiting loaded={listeners} />
            </Panel>
        );
    if (listeners.data.length === 0) {
        return (
            <Panel>
                <Empty title="No WebSocket listener can be reached from this page.">
                    A page connects over WebSocket: add a listener with a <code>ws://</code> or <code>wss://</code>{' '}
                    address to the configuration. A page over HTTPS needs <code>wss://</code>.
                </Empty>
            </Panel>
        );
    }
    const change = (name) => (event) => setForm({ ...form, [name]: event.target.value });
    const submit = (event) => {
        event.preventDefault();
        connectTo(form.url || listeners.data[0], form);
    };
    return (
        <Panel title="Connect as an MQTT client">
            {problem && <Failure text={problem} />}
            <form class="row fields" onSubmit={submit}>
                <Field label="Listener">
                    <select value={form.url || listeners.data[0]} onChange={change('url')}>
                        {listeners.data.map((one) => (
                            <option key={one} value={one}>
                                {one}
                            </option>
                        ))}
                    </select>
                </Field>
                <Field label="User">
                    <input
                        autocomplete="username"
                        value={form.username}
                        placeholder="none"
                        onInput={change('username')}
                    />
                </Field>
                <Field label="Password">
                    <input
                        type="password"
                        autocomplete="current-password"
                        value={form.password}
                        onInput={change('password')}
                    />
                </Field>
                <button type="submit" class="primary">
                    Connect
                </button>
            </form>
        </Panel>
    );
}
