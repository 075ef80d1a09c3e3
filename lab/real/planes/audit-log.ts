import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { AuditedRequest } from '@kmm-fleet/policies';

/** Requests in a log of kube-apiserver (one line of JSON each). A last line that is half written is left out. */
export async function* readAuditLog(path: string): AsyncGenerator<AuditedRequest> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) if (line.endsWith('}')) yield JSON.parse(line) as AuditedRequest;
}
