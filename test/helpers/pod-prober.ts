import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

// Runs in a node of a lab: asks each URL on stdin, one a line, every few milliseconds from when it is told, on a connection of its own each
// time, and prints a line for each answer: when, from which, and the body.
const everyMs = 3;
const timeoutMs = 1000;

function ask(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const asked = request(url, { agent: false, timeout: timeoutMs }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on('end', () => resolve(body));
      response.on('error', () => resolve(undefined));
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(undefined));
    asked.end();
  });
}

async function askForEver(url: string): Promise<never> {
  for (;;) {
    const body = await ask(url);
    if (body) process.stdout.write(`${JSON.stringify({ at: Date.now(), url, body: JSON.parse(body) })}\n`);
    await delay(everyMs);
  }
}

process.stdin.on('data', (chunk: Buffer) => {
  for (const url of chunk.toString().split('\n').filter(Boolean)) void askForEver(url);
});
process.stdin.on('end', () => process.exit(0));
