import { join } from 'node:path';
import { runCommand } from './command.ts';

/** Paths of a PEM certificate and its key. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority that lives as long as the lab, and one server certificate for the loopback address. */
export interface ServerCertificates {
  readonly ca: string;
  readonly caKey: string;
  readonly server: CertificateFiles;
}

const EC_PAIR = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30'.split(
  ' ',
) as readonly string[];

/** Makes a CA and a certificate for 127.0.0.1, localhost and what virtual machines call their host, in `directory`. Valid for 30 days. */
export async function makeServerCertificates(directory: string): Promise<ServerCertificates> {
  const path = (name: string) => join(directory, name);
  const files = (name: string) => ['-keyout', path(`${name}.key`), '-out', path(`${name}.crt`)];
  await runCommand('openssl', [...EC_PAIR, '-subj', '/CN=kmm-lab-ca', ...files('ca')]);
  await runCommand('openssl', [
    ...[
      ...EC_PAIR,
      '-subj',
      '/CN=kmm-lab',
      ...files('server'),
      '-CA',
      path('ca.crt'),
      '-CAkey',
      path('ca.key'),
    ],
    ...[
      '-addext',
      'subjectAltName=IP:127.0.0.1,IP:10.0.2.2,DNS:localhost',
      '-addext',
      'extendedKeyUsage=serverAuth',
    ],
    ...['-addext', 'basicConstraints=critical,CA:FALSE'],
  ]);
  return {
    ca: path('ca.crt'),
    caKey: path('ca.key'),
    server: { cert: path('server.crt'), key: path('server.key') },
  };
}

/** A certificate by which a user logs in where `ca` is trusted. */
export async function makeClientCertificate(
  directory: string,
  { ca, caKey }: Pick<ServerCertificates, 'ca' | 'caKey'>,
  { name, groups = [] }: { readonly name: string; readonly groups?: readonly string[] },
): Promise<CertificateFiles> {
  const files = { cert: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) };
  const subject = [...groups.map((group) => `/O=${group}`), `/CN=${name}`].join('');
  await runCommand('openssl', [
    ...[...EC_PAIR, '-subj', subject, '-CA', ca, '-CAkey', caKey],
    ...['-addext', 'extendedKeyUsage=clientAuth', '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-keyout', files.key, '-out', files.cert],
  ]);
  return files;
}

/** An RSA key pair, private and public part in PEM: what service account tokens are signed with. */
export async function makeTokenKeys(
  directory: string,
): Promise<{ readonly key: string; readonly pub: string }> {
  const files = {
    key: join(directory, 'service-accounts.key'),
    pub: join(directory, 'service-accounts.pub'),
  };
  await runCommand('openssl', ['genrsa', '-out', files.key, '2048']);
  await runCommand('openssl', ['rsa', '-in', files.key, '-pubout', '-out', files.pub]);
  return files;
}

/** A key pair as the guide makes it for Secure Boot: RSA-2048, self-signed; the certificate in DER. */
export async function makeSigningPair(directory: string, name: string): Promise<CertificateFiles> {
  const files = { cert: join(directory, `${name}.der`), key: join(directory, `${name}.priv`) };
  await runCommand('openssl', [
    ...[
      'req',
      '-x509',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-utf8',
      '-sha256',
      '-days',
      '36500',
      '-batch',
    ],
    ...['-subj', `/CN=${name}`, '-outform', 'DER', '-out', files.cert, '-keyout', files.key],
  ]);
  return files;
}
