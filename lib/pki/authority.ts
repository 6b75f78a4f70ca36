import './reflect.ts';
import { createPrivateKey, type webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { Clock } from '../clock.ts';

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const dayMs = 86_400_000;
const leafDays = 365;
/** A machine whose clock is behind accepts a new certificate all the same. */
const backdateMs = 3_600_000;

export interface CertificateRequest {
  /** Common name: the NATS user, such as `monitor.edge-1`. */
  name: string;
  /** To Kubernetes, the user's group. */
  organization?: string;
  /** Addresses and DNS names at which it serves; none for a certificate that only asks. */
  serves?: { addresses: readonly string[]; names: readonly string[] };
  /** How long it is good for; a year by default. */
  days?: number;
}

export interface Issued {
  /** PEM. */
  certificate: string;
  /** PEM, PKCS#8. */
  key: string;
}

export interface Authority {
  /** PEM. */
  certificate: string;
  issue(request: CertificateRequest): Promise<Issued>;
}

/** A new certificate authority: its own certificate, and the key that signs. */
export async function makeAuthority(name: string, days: number, clock: Clock): Promise<Issued> {
  const keys = await crypto.subtle.generateKey(ecdsa, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [name] }],
    ...validity(clock, days),
    keys,
    signingAlgorithm: ecdsa,
    serialNumber: serial(),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: await keyPem(keys.privateKey) };
}

/** The authority of that certificate and key. */
export async function authorityOf({ certificate, key }: Issued, clock: Clock): Promise<Authority> {
  const issuer = new x509.X509Certificate(certificate);
  const der = createPrivateKey(key).export({ type: 'pkcs8', format: 'der' });
  const signingKey = await crypto.subtle.importKey('pkcs8', new Uint8Array(der), ecdsa, false, ['sign']);
  return { certificate, issue: (request) => issue(issuer, signingKey, request, clock) };
}

async function issue(
  issuer: x509.X509Certificate,
  signingKey: webcrypto.CryptoKey,
  request: CertificateRequest,
  clock: Clock,
): Promise<Issued> {
  const keys = await crypto.subtle.generateKey(ecdsa, true, ['sign', 'verify']);
  const { clientAuth, serverAuth } = x509.ExtendedKeyUsage;
  const names: x509.JsonGeneralNames = [
    ...(request.serves?.addresses ?? []).map((value) => ({ type: 'ip' as const, value })),
    ...(request.serves?.names ?? []).map((value) => ({ type: 'dns' as const, value })),
  ];
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [...(request.organization ? [{ O: [request.organization] }] : []), { CN: [request.name] }],
    issuer: issuer.subjectName,
    ...validity(clock, request.days ?? leafDays),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ecdsa,
    serialNumber: serial(),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(request.serves ? [serverAuth, clientAuth] : [clientAuth]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: await keyPem(keys.privateKey) };
}

const validity = (clock: Clock, days: number): { notBefore: Date; notAfter: Date } => ({
  notBefore: new Date(clock.now() - backdateMs),
  notAfter: new Date(clock.now() + days * dayMs),
});

/** 128 random bits, the first one clear and the second one set: positive, and of full length in DER (RFC 5280 §4.1.2.2). */
function serial(): string {
  const random = crypto.getRandomValues(new Uint8Array(16));
  random[0] = ((random[0] ?? 0) & 0x3f) | 0x40;
  return Buffer.from(random).toString('hex');
}

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', key));
  return `${x509.PemConverter.encode(der, 'PRIVATE KEY')}\n`;
}

/** When a PEM certificate ends, in milliseconds since the epoch, and its common name. */
export function readCertificate(pem: string): { name: string; endsAt: number } {
  const certificate = new X509Certificate(pem);
  return { name: certificate.subject.replace(/^CN=/, ''), endsAt: certificate.validToDate.getTime() };
}
