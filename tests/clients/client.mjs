// A program that runs for days, with the JS SDK as its documentation says: the default chain of providers, one client. Asks
// the STS of AWS_ENDPOINT_URL_STS who it is, at odd moments, until standard input ends; then prints one line of JSON.
// Argument: the folder with the modules. The SDK asks for credentials again from 5 minutes before their end, and there is
// no way to change that: with sessions of seconds it asks at every call.

import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

const require = createRequire(join(process.argv[2], "package.json"));
const { STSClient, GetCallerIdentityCommand } = require("@aws-sdk/client-sts");

let stopped = false;
process.stdin.resume().on("end", () => (stopped = true));
const client = new STSClient({});
const start = performance.now();
let [calls, failed, first] = [0, 0, null];
while (!stopped) {
  calls += 1;
  try {
    await client.send(new GetCallerIdentityCommand({}));
  } catch (error) {
    failed += 1;
    first ??= [(performance.now() - start) / 1000, error.Code ?? error.name ?? String(error)];
  }
  await setTimeout(Math.random() * 1500);
}
console.log(JSON.stringify({ calls, failed, first }));
