import { fileURLToPath } from 'node:url';
import { buildGo } from '../planes/build-go.ts';
import { kubernetesFlags } from '../planes/program.ts';

const SOURCES = fileURLToPath(new URL('./kubelet/', import.meta.url));

/** The kubelet of the planes' version of Kubernetes, built once. */
export function kubeletProgram(progress: (line: string) => void): Promise<string> {
  const program = { name: 'kubelet', what: 'the kubelet', folder: SOURCES };
  return buildGo({ ...program, linkerFlags: kubernetesFlags(SOURCES) }, progress);
}
