// The second file of the bundle, loaded when a view connects: the client of MQTT.js over a WebSocket of the browser.
// Its connect() would bring TCP, TLS, proxies and the polyfills of each; the bundle would be half as large again.
import client from 'mqtt/lib/client';
import { browserStreamBuilder } from 'mqtt/lib/connect/ws';

export function connect(url, options) {
    const { protocol, hostname, port, pathname } = new URL(url);
    const all = {
        ...options,
        protocol: protocol.slice(0, -1),
        hostname,
        path: pathname,
        port: port || (protocol === 'wss:' ? 443 : 80),
    };
    return new client.default((one) => browserStreamBuilder(one, one.options), all);
}
