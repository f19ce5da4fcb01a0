// The frame of the page: navigation, the state of the connection, the token, and the view that the address names.
import { render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import './app.css';
import { setToken, takeTokenFromAddress, token } from './api.js';
import { duration, visible } from './format.js';
import { live, restart, start } from './live.js';
import { Field, notices } from './parts.jsx';
import { useStore } from './store.js';
import { startTheme, switchTheme, theme } from './theme.js';
import { BridgesView } from './views/bridges.jsx';
import { ClientView } from './views/client.jsx';
import { ClientsView } from './views/clients.jsx';
import { MessagesView } from './views/messages.jsx';
import { OverviewView } from './views/overview.jsx';
import { RefusalsView } from './views/refusals.jsx';
import { RetainedView } from './views/retained.jsx';
import { StorageView } from './views/storage.jsx';
import { TopicsView } from './views/topics.jsx';
import { TraceView } from './views/trace.jsx';
import { WhoGetsView } from './views/who_gets.jsx';

const VIEWS = [
    ['', 'Overview', OverviewView],
    ['clients', 'Clients', ClientsView],
    ['topics', 'Topics', TopicsView],
    ['retained', 'Retained', RetainedView],
    ['messages', 'Publish & subscribe', MessagesView],
    ['trace', 'Trace', TraceView],
    ['who-gets', 'Who gets it?', WhoGetsView],
    ['bridges', 'Bridges', BridgesView],
    ['storage', 'Storage & memory', StorageView],
    ['refusals', 'Refusals', RefusalsView],
];

/** #/clients/ID?order=queue */
function parseAddress() {
    const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
    const [view, ...rest] = path.split('/');
    const decode = (text) => {
        try {
            return decodeURIComponent(text);
        } catch {
            return text;
        }
    };
    return { view, subject: decode(rest.join('/')), query: new URLSearchParams(query) };
}

function useAddress() {
    const [address, setAddress] = useState(parseAddress);
    useEffect(() => {
        const follow = () => {
            takeTokenFromAddress();
            setAddress(parseAddress());
        };
        addEventListener('hashchange', follow);
        return () => removeEventListener('hashchange', follow);
    }, []);
    return address;
}

const STATES = {
    connecting: ['wait', 'Connecting'],
    live: ['ok', 'Live'],
    paused: ['wait', 'Paused'],
    lost: ['bad', 'Disconnected'],
    unauthorized: ['warn', 'Token wanted'],
};

function TokenDialog({ dialog }) {
    const current = useStore(token);
    const [text, setText] = useState('');
    const submit = (event) => {
        event.preventDefault();
        setToken(text.trim());
        setText('');
        dialog.current.close();
    };
    return (
        <dialog ref={dialog} aria-labelledby="token-title">
            <form onSubmit={submit}>
                <h2 id="token-title">Token</h2>
                <p>
                    With a token of <code>[[admin.tokens]]</code> this page may act, or read where a token is required.
                    The token stays in this tab until the tab is closed.
                </p>
                <Field label="Token">
                    <input type="password" autocomplete="off" value={text} onInput={(e) => setText(e.target.value)} />
                </Field>
                <div class="row end">
                    <button type="button" onClick={() => dialog.current.close()}>
                        Cancel
                    </button>
                    {current && (
                        <button type="button" onClick={() => (setToken(''), dialog.current.close())}>
                            Forget the token
                        </button>
                    )}
                    <button type="submit" class="primary" disabled={!text.trim()}>
                        Use the token
                    </button>
                </div>
            </form>
        </dialog>
    );
}

function Header({ onToken }) {
    const { state, overview } = useStore(live);
    const mode = useStore(theme);
    const mayAct = useStore(token) !== '';
    const [tone, word] = STATES[state];
    return (
        <header class="top">
            <a class="brand" href="#/">
                <img src="icon.svg" alt="" width="28" height="28" />
                LedgeMQ
            </a>
            <span class={`state ${tone}`} role="status">
                <i aria-hidden="true" />
                {word}
            </span>
            <span class="where">
                {location.host}
                {overview && (
                    <>
                        {' '}
                        · {visible(overview.version)} · up {duration(overview.uptime_s)}
                    </>
                )}
            </span>
            <span class="grow" />
            <button type="button" class="quiet" onClick={onToken}>
                {mayAct ? 'Token set' : 'Read only'}
            </button>
            <button type="button" class="quiet" onClick={switchTheme}>
                {mode === 'dark' ? 'Light' : 'Dark'}
            </button>
        </header>
    );
}

function Nav({ current }) {
    const bar = useRef();
    // On a phone the views are one line that is longer than the screen.
    useEffect(() => {
        const { offsetLeft, offsetWidth } = bar.current.querySelector('[aria-current]');
        bar.current.scrollTo({ left: offsetLeft + offsetWidth / 2 - bar.current.clientWidth / 2 });
    }, [current]);
    return (
        <nav aria-label="Views" ref={bar}>
            {VIEWS.map(([path, title]) => (
                <a key={path} href={`#/${path}`} aria-current={path === current ? 'page' : undefined}>
                    {title}
                </a>
            ))}
        </nav>
    );
}

/** Above every view while the figures are not live. */
function Banner({ onToken }) {
    const { state, problem, retry_s, overview } = useStore(live);
    if (state === 'unauthorized') {
        return (
            <div class="banner warn" role="alert">
                {problem || 'The broker wants a token.'}
                <button type="button" onClick={onToken}>
                    Enter a token
                </button>
            </div>
        );
    }
    if (state !== 'lost') return null;
    return (
        <div class="banner bad" role="alert">
            The broker cannot be reached.{overview && ' The figures below are old.'}
            {` The next attempt follows in ${duration(retry_s)}.`}
            <button type="button" onClick={restart}>
                Try now
            </button>
        </div>
    );
}

function Notices() {
    return (
        <div class="notices" role="status">
            {useStore(notices).map(({ number, text, tone }) => (
                <p key={number} class={tone}>
                    {text}
                </p>
            ))}
        </div>
    );
}

function App() {
    const { view, subject, query } = useAddress();
    const dialog = useRef();
    const main = useRef();
    const isFirst = useRef(true);
    const [path, title, View] = VIEWS.find(([name]) => name === view) ?? VIEWS[0];
    useEffect(() => {
        document.title = `${title} · LedgeMQ`;
        scrollTo(0, 0);
        // The focus goes to the new view, as it would with a new page; screen readers then read its heading.
        if (!isFirst.current) main.current.focus({ preventScroll: true });
        isFirst.current = false;
    }, [view, subject]);
    const Shown = path === 'clients' && subject ? ClientView : View;
    const openToken = () => dialog.current.showModal();
    const skip = (event) => {
        event.preventDefault();
        main.current.focus();
    };
    return (
        <>
            <a class="skip" href="#main" onClick={skip}>
                To the content
            </a>
            <Header onToken={openToken} />
            <div class="frame">
                <Nav current={path} />
                <main id="main" ref={main} tabindex="-1">
                    <Banner onToken={openToken} />
                    <Shown key={`${path}/${subject}`} subject={subject} query={query} title={title} />
                </main>
            </div>
            <Notices />
            <TokenDialog dialog={dialog} />
        </>
    );
}

takeTokenFromAddress();
startTheme();
start();
const root = document.getElementById('app');
root.replaceChildren();
render(<App />, root);
