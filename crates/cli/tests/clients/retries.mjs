// One call of each case by an official SDK as it comes, whose retries a server counts.
//
//     retries.mjs openai|anthropic URL CASES    CASES is JSON: [{"name", "stream", "timeout"}]
//
// Prints, as JSON, how long each took in seconds and what it raised.

import { createRequire } from "node:module";

const [sdk, url, text] = process.argv.slice(2);
// The packages are installed beside the working folder.
const require = createRequire(`${process.cwd()}/`);

async function openai(base, { stream, timeout }) {
  const { OpenAI } = require("openai");
  const options = timeout ? { timeout: timeout * 1000 } : {};
  const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: "sk-1", ...options });
  const messages = [{ role: "user", content: "hi" }];
  return client.chat.completions.create({ model: "m", max_tokens: 5, messages, stream });
}

async function anthropic(base, { stream, timeout }) {
  const { Anthropic } = require("@anthropic-ai/sdk");
  const options = timeout ? { timeout: timeout * 1000 } : {};
  const client = new Anthropic({ baseURL: base, apiKey: "sk-1", ...options });
  const messages = [{ role: "user", content: "hi" }];
  return client.messages.create({ model: "m", max_tokens: 5, messages, stream });
}

async function measured(testCase) {
  const start = performance.now();
  let raised = null;
  try {
    const call = { openai, anthropic }[sdk];
    const answer = await call(testCase.url ?? `${url}/${testCase.name}`, testCase);
    if (testCase.stream) for await (const _ of answer);
  } catch (error) {
    raised = `${error?.constructor?.name}: ${error?.message}`;
  }
  return [testCase.name, { seconds: (performance.now() - start) / 1000, raised }];
}

const results = await Promise.all(JSON.parse(text).map(measured));
console.log(JSON.stringify(Object.fromEntries(results)));
process.exit(0);
