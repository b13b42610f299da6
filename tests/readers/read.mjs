// Has the JS SDK read every file of the matrix, before the edit and after it.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, modules] = process.argv.slice(2);
const require = createRequire(join(modules, "package.json"));
const { loadSharedConfigFiles } = require("@smithy/shared-ini-file-loader");
const { fromIni } = require("@aws-sdk/credential-provider-ini");
const counts = { read: 0, fromIni: 0 };

const read = async (filepath) => {
  const { credentialsFile } = await loadSharedConfigFiles({ filepath, configFilepath: "/dev/null", ignoreCache: true });
  return Object.fromEntries(Object.entries(credentialsFile).map(([name, keys]) => [name, { ...keys }]));
};
const without = (sections, profile) =>
  Object.fromEntries(Object.entries(sections).filter(([name]) => name !== profile));

for (const name of readdirSync(folder).sort()) {
  const place = join(folder, name);
  const text = readFileSync(join(place, "case.json"), "utf8");
  const { title, curated, profile, outcome, keys, ...model } = JSON.parse(text);
  const [before, after] = [await read(join(place, "before")), await read(join(place, "after"))];
  const at = `${name} (${title})`;
  assert.deepEqual(before, model.before.javascript, `${at}: the first file is not read as by our model`);
  assert.deepEqual(after, model.after.javascript, `${at}: the second file is not read as by our model`);
  assert.deepEqual(without(before, profile), without(after, profile), `${at}: another profile has changed`);
  counts.read += 1;
  if (outcome !== "written" || keys === null) continue;
  for (const key of Object.keys(keys)) assert.equal(after[profile][key], keys[key], `${at}: ${key}`);
  if (!curated) continue;
  const options = { profile, filepath: join(place, "after"), configFilepath: "/dev/null", ignoreCache: true };
  const found = await fromIni(options)();
  const { accessKeyId, secretAccessKey, sessionToken } = found;
  assert.deepEqual([accessKeyId, secretAccessKey, sessionToken], Object.values(keys), `${at}: fromIni`);
  counts.fromIni += 1;
}

assert.ok(counts.read > 100 && counts.fromIni > 5, `too little was compared: ${JSON.stringify(counts)}`);
console.log("JS SDK:", counts);
