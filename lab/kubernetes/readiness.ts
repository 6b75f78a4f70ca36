import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Place } from './plan.ts';

/** A path that answers 200 on a port of the node, or a socket in it that takes connections. */
export type Readiness = { scheme: 'http' | 'https'; port: number; path: string } | { socket: string };

const answerMs = 2000;

/** Asks once. `ca` (PEM) vouches for servers with TLS. Rejects when nobody answers. */
export function isReady(node: Place, ready: Readiness, ca: string): Promise<boolean> {
  if ('socket' in ready) return takesConnections(`${node.root}${ready.socket}`);
  return answers200(`${ready.scheme}://${node.address}:${ready.port}${ready.path}`, ca);
}

function takesConnections(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, timeout: answerMs }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('timeout', () => socket.destroy(new Error(`${path} does not answer`)));
    socket.on('error', reject);
  });
}

function answers200(url: string, ca: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const options = { agent: false, timeout: answerMs };
    const request = url.startsWith('https:') ? httpsRequest(url, { ...options, ca }) : httpRequest(url, options);
    request.on('response', (response) => {
      response.resume();
      if (response.statusCode === 200) resolve(true);
      else reject(new Error(`${url} answers ${response.statusCode}`));
    });
    request.on('timeout', () => request.destroy(new Error(`${url} does not answer`)));
    request.on('error', reject);
    request.end();
  });
}
