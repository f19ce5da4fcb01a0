// What every view is made of: names, badges, panels, tables, states, and actions that ask first.
import { useEffect, useRef, useState } from 'preact/hooks';
import { token } from './api.js';
import { visible } from './format.js';
import { createStore, useStore } from './store.js';

/** A name from outside: shown as text, cut in the middle of the layout and complete in its title. */
export const Name = ({ text, empty = '–' }) =>
    text ? (
        <code class="name" title={visible(text)}>
            {visible(text)}
        </code>
    ) : (
        <span class="faint">{empty}</span>
    );

export const Badge = ({ tone = 'plain', children }) => <span class={`badge ${tone}`}>{children}</span>;

export const ClientLink = ({ id }) => (
    <a class="name" href={`#/clients/${encodeURIComponent(id)}`} title={visible(id)}>
        {visible(id)}
    </a>
);

export function Panel({ title, aside, children, flush = false }) {
    return (
        <section class={`panel${flush ? ' flush' : ''}`}>
            {title && (
                <header class="panel-head">
                    <h2>{title}</h2>
                    {aside}
                </header>
            )}
            {children}
        </section>
    );
}

export const Empty = ({ title, children }) => (
    <div class="empty">
        <p class="empty-title">{title}</p>
        {children && <p>{children}</p>}
    </div>
);

export const Failure = ({ text }) => (
    <p class="failure" role="alert">
        {text}
    </p>
);

export function Meter({ label, value, max, text }) {
    const fraction = max > 0 ? Math.min(1, value / max) : 0;
    const tone = fraction > 0.85 ? 'bad' : fraction > 0.6 ? 'warn' : 'ok';
    return (
        <div class="meter">
            <div class="meter-text">
                <span>{label}</span>
                <b>{text}</b>
            </div>
            {max > 0 && (
                <div
                    class="meter-bar"
                    role="meter"
                    aria-label={label}
                    aria-valuemin="0"
                    aria-valuemax="100"
                    aria-valuenow={Math.round(fraction * 100)}
                >
                    <i class={tone} style={{ width: `${Math.max(fraction * 100, value > 0 ? 0.6 : 0)}%` }} />
                </div>
            )}
        </div>
    );
}

export const Facts = ({ rows }) => (
    <dl class="facts">
        {rows.filter(Boolean).map(([name, value]) => (
            <div key={name}>
                <dt>{name}</dt>
                <dd>{value ?? '–'}</dd>
            </div>
        ))}
    </dl>
);

/**
 * A table. `columns`: { name, cell(row), sort?(row), is_number?, is_wide?, is_minor? }. On a phone each row becomes a
 * card, whose cells carry the names of their columns, and which leaves out the minor ones.
 */
export function Table({ label, columns, rows, rowKey, empty }) {
    const [order, setOrder] = useState(null); // { column, is_descending }
    if (rows.length === 0) return empty ?? null;
    const sorted = order
        ? [...rows].sort(
              (a, b) =>
                  compare(columns[order.column].sort(a), columns[order.column].sort(b)) *
                  (order.is_descending ? -1 : 1),
          )
        : rows;
    const choose = (column) =>
        setOrder((before) => ({
            column,
            is_descending: before?.column === column ? !before.is_descending : !!columns[column].is_number,
        }));
    return (
        <table aria-label={label} class={columns.length === 2 ? 'pair' : undefined}>
            <thead>
                <tr>
                    {columns.map((column, at) => (
                        <th
                            key={column.name}
                            scope="col"
                            class={column.is_number ? 'number' : ''}
                            aria-sort={
                                order?.column === at ? (order.is_descending ? 'descending' : 'ascending') : undefined
                            }
                        >
                            {column.sort ? (
                                <button type="button" class="sort" onClick={() => choose(at)}>
                                    {column.name}
                                </button>
                            ) : (
                                column.name || <span class="unseen">Actions</span>
                            )}
                        </th>
                    ))}
                </tr>
            </thead>
            <tbody>
                {sorted.map((row) => (
                    <tr key={rowKey(row)}>
                        {columns.map((column) => (
                            <td
                                key={column.name}
                                data-name={column.name}
                                class={['number', 'wide', 'minor'].filter((one) => column[`is_${one}`]).join(' ')}
                            >
                                {column.cell(row)}
                            </td>
                        ))}
                    </tr>
                ))}
            </tbody>
        </table>
    );
}

function compare(a, b) {
    if (typeof a === 'number' || typeof b === 'number') return (a ?? -1) - (b ?? -1);
    return String(a ?? '').localeCompare(String(b ?? ''));
}

// ---------------------------------------------------------------------------------------------------------------------
// Loading

/**
 * What `load(signal)` answers, again whenever `key` changes and every `every_s` seconds while the page is visible.
 * { data, problem, reload }
 */
export function useLoaded(load, key, every_s = 0) {
    const [state, setState] = useState({ data: null, problem: null, key: null });
    const credentials = useStore(token);
    const latest = useRef();
    latest.current = load;
    const reload = useRef(() => {});
    useEffect(() => {
        const control = new AbortController();
        const run = () =>
            latest.current(control.signal).then(
                (data) => setState({ data, problem: null, key }),
                (problem) => control.signal.aborted || setState((before) => ({ ...before, problem, key })),
            );
        reload.current = run;
        run();
        const timer = every_s ? setInterval(() => document.hidden || run(), every_s * 1000) : 0;
        return () => {
            control.abort();
            clearInterval(timer);
        };
    }, [key, credentials]);
    return { ...state, reload: () => reload.current() };
}

/** The states before there is something to show; null once there is. */
export function Waiting({ loaded }) {
    if (loaded.problem) return <Failure text={loaded.problem.message} />;
    return loaded.data === null ? (
        <p class="loading" role="status">
            The broker is being asked.
        </p>
    ) : null;
}

// ---------------------------------------------------------------------------------------------------------------------
// Actions

/** Short sentences about what was done, read out by screen readers. */
export const notices = createStore([]);
let noticeNumber = 0;

export function tell(text, tone = 'ok') {
    const number = ++noticeNumber;
    notices.set((list) => [...list.slice(-3), { number, text, tone }]);
    setTimeout(() => notices.set((list) => list.filter((one) => one.number !== number)), 6000);
}

/** Does `work`, and tells how that ended. True if it worked. */
export async function act(work, done) {
    try {
        const answer = await work();
        tell(typeof done === 'function' ? done(answer) : done);
        return true;
    } catch (problem) {
        tell(problem.message, 'bad');
        return false;
    }
}

/** A button for those who may act. With `ask`, the question is put in a dialog first. */
export function Action({ label, ask, tone = '', onAct, disabled = false }) {
    const dialog = useRef();
    const mayAct = useStore(token) !== '';
    if (!mayAct) return null;
    const confirm = () => {
        dialog.current.close();
        onAct();
    };
    return (
        <>
            <button
                type="button"
                class={tone}
                disabled={disabled}
                onClick={() => (ask ? dialog.current.showModal() : onAct())}
            >
                {label}
            </button>
            {ask && (
                <dialog ref={dialog} aria-label={label}>
                    <p>{ask}</p>
                    <div class="row end">
                        <button type="button" onClick={() => dialog.current.close()}>
                            Cancel
                        </button>
                        <button type="button" class={`primary ${tone}`} onClick={confirm}>
                            {label}
                        </button>
                    </div>
                </dialog>
            )}
        </>
    );
}

export function Field({ label, children }) {
    return (
        <label class="field">
            <span>{label}</span>
            {children}
        </label>
    );
}
