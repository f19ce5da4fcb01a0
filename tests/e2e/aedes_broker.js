// Aedes as a broker on the loopback interface. The environment says the port, and the user whose password is asked for.
const { Aedes } = require('aedes');
const net = require('net');

const { AEDES_PORT, AEDES_USER, AEDES_PASSWORD } = process.env;

async function main() {
    const broker = await Aedes.createBroker();
    if (AEDES_USER) {
        broker.authenticate = (client, user, password, done) => {
            done(null, user === AEDES_USER && String(password) === AEDES_PASSWORD);
        };
    }
    const server = net.createServer(broker.handle);
    server.listen(Number(AEDES_PORT), '127.0.0.1');
    process.on('SIGTERM', () => {
        server.close();
        broker.close(() => process.exit(0));
    });
}

main();
