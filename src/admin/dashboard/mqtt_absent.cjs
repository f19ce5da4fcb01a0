// Stands for what MQTT.js names but a browser never uses: the `ws` package, timers in workers (which the Content
// Security Policy forbids), and its debug log.
const nothing = () => nothing;
module.exports = nothing;
