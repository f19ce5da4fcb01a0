// Numbers, sizes and durations as people read them, and names of clients as visible text.

const plain = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3, notation: 'compact' });

export const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);

export function count(value) {
    if (!isNumber(value)) return '–';
    return Math.abs(value) < 1e6 ? plain.format(value) : short.format(value);
}

export function rate(value) {
    if (!isNumber(value)) return '–';
    if (value !== 0 && value < 10) return value.toFixed(1);
    return value < 1e5 ? plain.format(value) : short.format(value);
}

const sizes = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

export function bytes(value) {
    if (!isNumber(value)) return '–';
    let step = 0;
    while (Math.abs(value) >= 999.5 && step < sizes.length - 1) {
        value /= 1000;
        step += 1;
    }
    return `${step === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${sizes[step]}`;
}

/** "4.2 MB of 64.0 MB"; without a limit only the size. */
export const of = (value, max) => (max > 0 ? `${bytes(value)} of ${bytes(max)}` : bytes(value));

export function percent(fraction) {
    if (!isNumber(fraction)) return '–';
    const value = fraction * 100;
    if (value > 0 && value < 0.1) return 'less than 0.1 %';
    return `${value > 0 && value < 10 ? value.toFixed(1) : value.toFixed(0)} %`;
}

const plural = (value, word) => `${plain.format(value)} ${word}${value === 1 ? '' : 's'}`;

/** A duration in the two units that matter. */
export function duration(seconds) {
    if (!isNumber(seconds)) return '–';
    if (seconds === 0) return '0 s';
    if (seconds < 0.0005) return `${(seconds * 1e6).toFixed(0)} µs`;
    if (seconds < 1) return `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
    if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1).replace('.0', '') : seconds.toFixed(0)} s`;
    const minutes = Math.round(seconds / 60);
    if (minutes < 60) return `${minutes} min`;
    const hours = Math.floor(minutes / 60);
    if (hours < 24) return minutes % 60 && hours < 10 ? `${hours} h ${minutes % 60} min` : plural(hours, 'hour');
    const days = seconds / 86400;
    if (days < 730) return plural(Math.round(days), 'day');
    return days < 36525 ? `${(days / 365.25).toFixed(1)} years` : 'more than 100 years';
}

/**
 * Names and payloads come from strangers. Control characters become escapes (ESC is \x1b), and characters that turn the
 * direction of writing or have no width are named, so that a name looks like what it is.
 */
export function visible(text) {
    return String(text ?? '')
        .replace(
            /[\u0000-\u001f\u007f]/g,
            (c) =>
                ({ '\n': '\\n', '\r': '\\r', '\t': '\\t' })[c] ??
                `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
        )
        .replace(
            /[\u0080-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
            (c) => `⟨U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`,
        );
}

/** A name within a sentence: a long one loses its middle. */
export function brief(text) {
    const name = visible(text);
    return name.length <= 44 ? name : `${name.slice(0, 28)} … ${name.slice(-12)}`;
}

/** A payload for people: pretty JSON where the payload is JSON, otherwise its text with its own lines. */
export function pretty(payload) {
    let text = payload;
    if (/^\s*[[{]/.test(payload)) {
        try {
            text = JSON.stringify(JSON.parse(payload), null, 2);
        } catch {
            // It only begins like JSON.
        }
    }
    return text.split('\n').map(visible).join('\n');
}

/** The number in a payload: the payload itself, or the first number in a JSON object. */
export function numberIn(payload) {
    const direct = payload.trim() === '' ? NaN : Number(payload);
    if (Number.isFinite(direct)) return direct;
    if (payload[0] !== '{') return null;
    try {
        const first = Object.entries(JSON.parse(payload)).find(
            ([name, value]) => isNumber(value) && !/^(t|ts|time|timestamp|seq|id|n)(_\w+)?$/i.test(name),
        );
        return first ? first[1] : null;
    } catch {
        return null;
    }
}
