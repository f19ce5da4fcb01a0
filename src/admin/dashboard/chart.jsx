// Charts: uPlot for the series over time, and one SVG line for sparklines in tables.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef } from 'preact/hooks';
import { theme } from './theme.js';
import { useStore } from './store.js';

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function axis(more) {
    return {
        stroke: color('--ink-2'),
        font: '12px system-ui, sans-serif',
        gap: 6,
        grid: { stroke: color('--line'), width: 1 },
        ticks: { show: false },
        ...more,
    };
}

function optionsOf(lines, format, width, height) {
    return {
        width,
        height,
        legend: { show: false },
        padding: [10, 4, 0, 0],
        cursor: { drag: { x: false, y: false }, points: { size: 7 } },
        scales: { x: { time: true }, y: { range: (_, low, high) => [0, Math.max(high || 0, 1e-6) * 1.15] } },
        axes: [
            axis({
                space: 80,
                size: 30,
                values: (_, ticks) =>
                    ticks.map((t) =>
                        new Date(t * 1000).toLocaleTimeString([], {
                            hour: '2-digit',
                            minute: '2-digit',
                            second: '2-digit',
                            hour12: false,
                        }),
                    ),
            }),
            axis({ size: 62, space: 36, values: (_, ticks) => ticks.map((value) => format(value)) }),
        ],
        series: [
            {},
            ...lines.map((line) => ({
                label: line.label,
                stroke: color(line.color),
                width: 2,
                spanGaps: false,
                fill: line.fill ? color(`${line.color}-soft`) : undefined,
                points: { show: false },
            })),
        ],
    };
}

/**
 * A chart of `lines` ({ label, color, values }) over `times`. The heading shows the newest values, so that nobody has
 * to read the picture.
 */
export function Chart({ title, times, lines, format, height = 176 }) {
    const box = useRef();
    const plot = useRef();
    const chosen = useStore(theme);
    useEffect(() => {
        const make = () => {
            plot.current?.destroy();
            plot.current = new uPlot(
                optionsOf(lines, format, box.current.clientWidth, height),
                [times, ...lines.map((line) => line.values)],
                box.current,
            );
        };
        make();
        const observer = new ResizeObserver(() => {
            plot.current.setSize({ width: box.current.clientWidth, height });
        });
        observer.observe(box.current);
        return () => {
            observer.disconnect();
            plot.current.destroy();
            plot.current = null;
        };
    }, [chosen]);
    useEffect(() => plot.current?.setData([times, ...lines.map((line) => line.values)]));
    const newest = (values) => format(values[values.length - 1]);
    return (
        <figure class="panel chart">
            <figcaption>
                <h2>{title}</h2>
                <ul class="legend">
                    {lines.map((line) => (
                        <li key={line.label}>
                            <i class="swatch" style={{ background: `var(${line.color})` }} aria-hidden="true" />
                            {line.label} <b>{newest(line.values)}</b>
                        </li>
                    ))}
                </ul>
            </figcaption>
            <div ref={box} class="plot" style={{ height: `${height}px` }} aria-hidden="true" />
        </figure>
    );
}

/** A line of the last values; null is a gap. */
export function Sparkline({ values, width = 96, height = 24, tone = '--in' }) {
    const known = values.filter((value) => value != null);
    if (known.length < 2) return <svg class="spark" width={width} height={height} aria-hidden="true" />;
    const low = Math.min(...known);
    const span = Math.max(...known) - low;
    const y = (value) => (span === 0 ? height / 2 : 2 + (height - 4) * (1 - (value - low) / span));
    let isOpen = false;
    const path = values
        .map((value, at) => {
            if (value == null) {
                isOpen = false;
                return '';
            }
            const x = (at / (values.length - 1)) * width;
            const command = `${isOpen ? 'L' : 'M'}${x.toFixed(1)} ${y(value).toFixed(1)}`;
            isOpen = true;
            return command;
        })
        .join('');
    return (
        <svg
            class="spark"
            viewBox={`0 0 ${width} ${height}`}
            width={width}
            height={height}
            aria-hidden="true"
            preserveAspectRatio="none"
        >
            <path
                d={path}
                fill="none"
                stroke={`var(${tone})`}
                stroke-width="1.5"
                stroke-linejoin="round"
                vector-effect="non-scaling-stroke"
            />
        </svg>
    );
}
