// One end-to-end case with MQTT.js. Usage: node mqttjs_client.js VERSION CASE URL PREFIX
// NODE_PATH names the folder of the mqtt package. Prints "ok" and exits 0, or says what was wrong and exits 1.
'use strict';
const mqtt = require('mqtt');

const waitMs = 20000;
const [version, which, url, prefix] = process.argv.slice(2);
const isV5 = version === '5';

function check(claim, text) {
    if (!claim) throw new Error(text);
}

// A client whose packets wait in a list until somebody asks for them.
class Client {
    static async connect(suffix, options = {}) {
        const self = new Client();
        self.messages = [];
        self.waiting = [];
        const protocol = isV5 ? {protocolVersion: 5}
            : version === '3.1' ? {protocolVersion: 3, protocolId: 'MQIsdp'} : {protocolVersion: 4};
        self.client = mqtt.connect(url,
            {clientId: prefix + suffix, reconnectPeriod: 0, connectTimeout: waitMs, ...protocol, ...options});
        self.client.on('message', (topic, payload, packet) => {
            const waiter = self.waiting.shift();
            if (waiter) waiter(packet);
            else self.messages.push(packet);
        });
        self.closed = new Promise((resolve) => self.client.once('close', resolve));
        self.disconnected = new Promise((resolve) => self.client.once('disconnect', resolve));
        self.connack = await new Promise((resolve, reject) => {
            self.client.once('connect', resolve);
            self.client.once('error', reject);
            self.client.once('close', () => reject(new Error('closed before CONNACK')));
        });
        return self;
    }

    async subscribe(topic, qos) {
        const granted = await this.client.subscribeAsync(topic, {qos});
        check(granted.every((g) => g.qos === qos), `granted ${JSON.stringify(granted)}`);
    }

    publish(topic, payload, options) {
        return this.client.publishAsync(topic, payload, options);
    }

    async next() {
        return this.messages.shift() || new Promise((resolve) => this.waiting.push(resolve));
    }

    async expect(topic, payload, qos, retain = false) {
        const packet = await this.next();
        check(packet.topic === topic && packet.qos === qos && packet.retain === retain &&
            Buffer.from(payload).equals(packet.payload),
            `got ${packet.topic} qos ${packet.qos} retain ${packet.retain} ${String(packet.payload).slice(0, 40)}`);
        return packet;
    }

    leave() {
        return this.client.endAsync();
    }
}

// MQTT.js does not know the broker's Receive Maximum (100 by default): it must not have more under way.
async function runQos(qos) {
    const count = 80;
    const client = await Client.connect('');
    await client.subscribe(`${prefix}/t`, qos);
    const sent = [];
    for (let i = 0; i < count; ++i) sent.push(client.publish(`${prefix}/t`, String(i), {qos}));
    for (let i = 0; i < count; ++i) await client.expect(`${prefix}/t`, String(i), qos);
    await Promise.all(sent);
    await client.leave();
}

async function runRetained() {
    const client = await Client.connect('');
    await client.publish(`${prefix}/t`, 'kept', {qos: 1, retain: true});
    await client.subscribe(`${prefix}/t`, 1);
    await client.expect(`${prefix}/t`, 'kept', 1, true);
    await client.publish(`${prefix}/t`, '', {qos: 1, retain: true});
    await client.expect(`${prefix}/t`, '', 1, false);
    await client.leave();
}

async function runPersistent() {
    const lasting = {clean: false, properties: isV5 ? {sessionExpiryInterval: 600} : undefined};
    const keeper = await Client.connect('k', lasting);
    check(!keeper.connack.sessionPresent, 'a session before the first connect');
    await keeper.subscribe(`${prefix}/t`, 2);
    await keeper.leave();
    const sender = await Client.connect('s');
    for (let i = 0; i < 5; ++i) await sender.publish(`${prefix}/t`, String(i), {qos: 2});
    const again = await Client.connect('k', lasting);
    check(again.connack.sessionPresent || version === '3.1', 'no session present');
    for (let i = 0; i < 5; ++i) await again.expect(`${prefix}/t`, String(i), 2);
    await again.leave();
    await sender.leave();
}

async function runLarge() {
    const payload = Buffer.alloc(200000, 'ledge');
    const client = await Client.connect('');
    await client.subscribe(`${prefix}/t`, 2);
    await client.publish(`${prefix}/t`, payload, {qos: 2});
    await client.expect(`${prefix}/t`, payload, 2);
    await client.leave();
}

async function runWill() {
    const will = {topic: `${prefix}/will`, payload: Buffer.from('gone'), qos: 1, retain: false};
    const watcher = await Client.connect('w');
    await watcher.subscribe(`${prefix}/#`, 1);
    const leaving = await Client.connect('l', {will});
    await leaving.leave();
    const dying = await Client.connect('d', {will});
    await watcher.publish(`${prefix}/between`, 'x', {qos: 1});
    await watcher.expect(`${prefix}/between`, 'x', 1);
    dying.client.stream.destroy();
    await watcher.expect(`${prefix}/will`, 'gone', 1);
    await watcher.leave();
}

async function runTakeover() {
    const first = await Client.connect('');
    const second = await Client.connect('');
    if (isV5) check((await first.disconnected).reasonCode === 0x8e, 'another reason than 0x8E');
    await first.closed;
    check(second.client.connected, 'the second client is not connected');
    await second.leave();
}

// MQTT.js uses topic aliases by itself, both as sender and as receiver.
async function runAliases() {
    const properties = {topicAliasMaximum: 10};
    const options = {properties, autoUseTopicAlias: true, autoAssignTopicAlias: true};
    const client = await Client.connect('', options);
    await client.subscribe(`${prefix}/+`, 1);
    for (let i = 0; i < 50; ++i) {
        const topic = `${prefix}/${i % 15}`;
        await client.publish(topic, String(i), {qos: 1});
        const packet = await client.next();
        check(String(packet.payload) === String(i) && packet.qos === 1, `got ${packet.payload}`);
    }
    await client.leave();
}

async function runProperties() {
    const client = await Client.connect('');
    await client.subscribe(`${prefix}/t`, 1);
    const properties = {contentType: 'text/plain', responseTopic: 'answers', correlationData: Buffer.from([0, 1, 2]),
        payloadFormatIndicator: true, messageExpiryInterval: 600, userProperties: {unit: ['K', 'C']}};
    await client.publish(`${prefix}/t`, 'x', {qos: 1, properties});
    const got = (await client.expect(`${prefix}/t`, 'x', 1)).properties;
    check(got.contentType === 'text/plain' && got.responseTopic === 'answers', 'content type or response topic');
    check(got.correlationData.equals(properties.correlationData), 'correlation data');
    check(got.payloadFormatIndicator === true, 'payload format indicator');
    check(got.messageExpiryInterval <= 600 && got.messageExpiryInterval > 590, 'message expiry interval');
    check(JSON.stringify(got.userProperties.unit) === '["K","C"]', 'user properties');
    await client.leave();
}

async function runBurst() {
    const client = await Client.connect('');
    const all = [];
    for (let i = 0; i < 1000; ++i) all.push(client.publish(`${prefix}/t`, String(i), {qos: 2}));
    await Promise.all(all);
    await client.leave();
}

const cases = {qos0: () => runQos(0), qos1: () => runQos(1), qos2: () => runQos(2), retained: runRetained,
    persistent: runPersistent, large: runLarge, will: runWill, takeover: runTakeover, aliases: runAliases,
    properties: runProperties, burst: runBurst};

const timer = setTimeout(() => {
    console.error('nothing more happened');
    process.exit(1);
}, waitMs);
cases[which]().then(() => {
    clearTimeout(timer);
    console.log('ok');
    process.exit(0);
}, (error) => {
    console.error(error.message);
    process.exit(1);
});
