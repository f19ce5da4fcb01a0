// What MQTT.js expects of Node.js as global names.
export { Buffer } from 'buffer';

export const process = {
    env: {},
    browser: true,
    version: '',
    versions: {},
    nextTick: (task, ...rest) => queueMicrotask(() => task(...rest)),
};
