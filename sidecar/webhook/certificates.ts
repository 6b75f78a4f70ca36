import { X509Certificate } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import { authorityOf, makeAuthority } from '../../lib/pki/authority.ts';

/** All PEM. */
export interface Held {
  /** Authorities that the API server is to trust: the one that signs, and the one before it until it ends. */
  bundle: string;
  /** Key of the one that signs, which is the first of the bundle. */
  authorityKey: string;
  certificate: string;
  key: string;
}

export interface Lifetimes {
  authorityDays: number;
  servingDays: number;
}

/** What is made anew once a third of its life is left. */
export type Due = 'nothing' | 'certificate' | 'authority';

export function dueOf(held: Held | undefined, name: string, now: number): Due {
  if (!held) return 'authority';
  try {
    const [authority] = certificatesIn(held.bundle);
    const serving = new X509Certificate(held.certificate);
    if (!authority || isOld(authority, now)) return 'authority';
    const fits = serving.checkHost(name) !== undefined && serving.verify(authority.publicKey);
    return fits && !isOld(serving, now) ? 'nothing' : 'certificate';
  } catch {
    return 'authority';
  }
}

/** A certificate for `name`, by a new authority if that is due; the API server trusts the old one as long as it lasts. */
export async function renewed(
  held: Held | undefined,
  due: Exclude<Due, 'nothing'>,
  name: string,
  { authorityDays, servingDays }: Lifetimes,
  clock: Clock,
): Promise<Held> {
  const keeps = held && due === 'certificate';
  const [first] = keeps ? certificatesIn(held.bundle) : [];
  const authority =
    keeps && first
      ? { certificate: pemOf(first), key: held.authorityKey }
      : await makeAuthority('Godwit webhook authority', authorityDays, clock);
  const { issue } = await authorityOf(authority, clock);
  const issued = await issue({ name, serves: { addresses: [], names: [name] }, days: servingDays });
  const older = certificatesIn(held?.bundle ?? '').map(pemOf);
  const trusted = [authority.certificate, ...older.filter((one) => one !== authority.certificate)].slice(0, 2);
  return { bundle: trusted.join(''), authorityKey: authority.key, ...issued };
}

function isOld({ validFromDate, validToDate }: X509Certificate, now: number): boolean {
  const [from, to] = [validFromDate.getTime(), validToDate.getTime()];
  return now < from || now > to - (to - from) / 3;
}

const certificatesIn = (pem: string): X509Certificate[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (one) => new X509Certificate(one),
  );

const pemOf = (certificate: X509Certificate): string => `${certificate.toString().trim()}\n`;
