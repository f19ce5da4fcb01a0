// Builds the bundle: node build.mjs FOLDER, where FOLDER has node_modules and gets the folder dist. Each NAME.gz there
// is what the broker sends, and bundle.cpp holds all of them for the compiler. The sum of the sizes is limited.
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const BYTES_MAX = 150 * 1000; // of all files on the wire
const source = dirname(fileURLToPath(import.meta.url));
const folder = resolve(process.argv[2]);
const esbuild = createRequire(join(folder, 'package.json'))('esbuild');

const common = {
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['es2022'],
    legalComments: 'none',
    logLevel: 'warning',
    nodePaths: [join(folder, 'node_modules')],
    charset: 'utf8',
    write: false,
    outdir: 'dist',
};
const absent = join(source, 'mqtt_absent.cjs');
const [app, mqtt] = await Promise.all([
    esbuild.build({
        ...common,
        entryPoints: { app: join(source, 'main.jsx') },
        jsx: 'automatic',
        jsxImportSource: 'preact',
        external: ['./mqtt.js'],
    }),
    esbuild.build({
        ...common,
        entryPoints: { mqtt: join(source, 'mqtt_entry.js') },
        define: { global: 'globalThis' },
        inject: [join(source, 'mqtt_globals.js')],
        alias: { ws: absent, debug: absent, 'worker-timers': absent },
    }),
]);
const files = [...app.outputFiles, ...mqtt.outputFiles].map(({ path, contents }) => [path.split('/').pop(), contents]);
for (const name of ['index.html', 'icon.svg']) files.push([name, readFileSync(join(source, name))]);

const dist = join(folder, 'dist');
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
const TYPES = {
    html: 'text/html; charset=utf-8',
    css: 'text/css; charset=utf-8',
    js: 'text/javascript; charset=utf-8',
    svg: 'image/svg+xml',
};
const rows = [];
let sum = 0;
for (const [name, contents] of files) {
    const packed = gzipSync(contents, { level: 9 });
    sum += packed.length;
    writeFileSync(join(dist, `${name}.gz`), packed);
    rows.push(rowOf(name, packed));
    console.log(`${String(packed.length).padStart(7)} bytes  ${name}`);
}
console.log(`${String(sum).padStart(7)} bytes  of at most ${BYTES_MAX}`);
if (sum > BYTES_MAX) {
    console.error(`The dashboard has ${sum} bytes compressed; at most ${BYTES_MAX} are allowed.`);
    process.exit(1);
}
writeFileSync(
    join(dist, 'bundle.cpp'),
    `// Made by build.mjs: the files of the dashboard, compressed.
#include "dashboard_bundle.hpp"

namespace ledge::admin {
namespace {

using namespace std::string_view_literals;

constexpr BundleFile files[] = {
${rows.join('')}};

}  // namespace

std::span<const BundleFile> bundle_files() { return files; }

}  // namespace ledge::admin
`,
);

/** A row of the table in C++. The tag changes with the bytes. */
function rowOf(name, packed) {
    const path = name === 'index.html' ? '/' : `/${name}`;
    const tag = createHash('sha256').update(packed).digest('hex').slice(0, 16);
    return `    {"${path}", "${TYPES[name.split('.').pop()]}", "\\"${tag}\\"",\n${literal(packed)}},\n`;
}

/** String literals of 4 KiB in lines of their own: each byte as itself or as three octal digits. */
function literal(packed) {
    const lines = [];
    for (let at = 0; at < packed.length; at += 4096) {
        let text = '';
        for (const byte of packed.subarray(at, at + 4096)) {
            const isPlain = byte > 31 && byte < 127 && !'"\\?'.includes(String.fromCharCode(byte));
            text += isPlain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
        }
        lines.push(`"${text}"`);
    }
    return `${lines.join('\n')}sv`;
}
