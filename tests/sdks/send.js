// Has RudderStack's SDK for Node send calls. Arguments: URL. Standard input: [[method, arguments], …] as JSON, with
// {"moment": text} for a Date.
const Analytics = require('@rudderstack/rudder-sdk-node');

const calls = JSON.parse(require('fs').readFileSync(0, 'utf8'), (_, value) =>
  value && value.moment ? new Date(value.moment) : value,
);
const client = new Analytics('write-key', { dataPlaneUrl: process.argv[2] });
for (const [method, given] of calls) client[method](given);
client.flush();
