import { hash } from 'node:crypto';

const hashesPerUnit = 500; // about a millisecond of one core

/** Hashes `input` over and over; the same input and units give the same digest on any machine. */
export function work(input: string, units: number): string {
  let digest = input;
  for (let i = 0; i < units * hashesPerUnit; i += 1) digest = hash('sha256', digest);
  return digest;
}
