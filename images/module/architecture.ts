/** Processors that Kubernetes nodes have, by the number that ELF files carry: the name that images use. */
const ARCHITECTURES: Readonly<Record<number, string>> = {
  3: '386',
  21: 'ppc64le',
  22: 's390x',
  40: 'arm',
  62: 'amd64',
  183: 'arm64',
  243: 'riscv64',
  258: 'loong64',
};

/**
 * The architecture of an ELF file in the words of image configs (Go's GOARCH).
 *
 * @param machine `e_machine` of the file
 * @returns `amd64`, `arm64`, …, or `machine 12` for what is not known here
 */
export function architectureOf(machine: number): string {
  return ARCHITECTURES[machine] ?? `machine ${machine}`;
}
