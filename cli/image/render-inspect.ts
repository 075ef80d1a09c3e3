import { describeFinding, type Finding } from '@kmm-fleet/api';
import { type ImageContents, type KernelFolder, type ModuleFile, plainText } from '@kmm-fleet/images';
import { table } from '../output/table.ts';
import { type Paint, paintState } from '../output/terminal.ts';

export interface InspectReport extends ImageContents {
  readonly warnings: readonly Finding[];
}

const HEADING = [
  'MODULE',
  'SIZE',
  'PACKED',
  'NEEDS',
  'LOADS BEFORE',
  'SOFTDEP',
  'PARAMETERS',
  'FIRMWARE',
  'SIGNER',
  'KEY',
  'HASH',
];
const LINES_MAX = 20;

/** Warnings first, then a table per folder of lib/modules, then the firmware. Pure. */
export function renderInspect(report: InspectReport, paint: Paint): string {
  const { warnings, kernels, firmware } = report;
  const parts = [
    warningLines(warnings, paint).join('\n'),
    `${plainText(report.reference)}\n${report.digest}${report.architecture ? `  ${plainText(report.architecture)}` : ''}`,
    ...kernels.map((folder) => renderFolder(folder, paint)),
    firmware.length > 0 ? `Firmware: ${some(firmware.map((path) => plainText(path))).join(', ')}` : '',
  ];
  return parts.filter(Boolean).join('\n\n');
}

/** As many as a reader takes in; the others are in the JSON. */
function warningLines(warnings: readonly Finding[], paint: Paint): string[] {
  const lines = warnings.map(
    (warning) => `${paintState(paint, 'warning')}  ${plainText(describeFinding(warning), 600)}`,
  );
  return some(lines);
}

function some(lines: readonly string[]): string[] {
  const rest = lines.length - LINES_MAX;
  return rest > 0 ? [...lines.slice(0, LINES_MAX), `and ${rest} more: -o json has all`] : [...lines];
}

function renderFolder({ folder, kernel, modules }: KernelFolder, paint: Paint): string {
  const place = kernel ? `Kernel ${plainText(kernel)} in ${plainText(folder)}` : 'Outside of any lib/modules';
  const vermagics = [...new Set(modules.flatMap(({ details }) => details?.vermagic ?? []))];
  return [
    paint('bold', place),
    ...some(vermagics.map((vermagic) => `vermagic ${vermagic}`)),
    table(
      HEADING,
      modules.map((module) => row(module, folder)),
    ),
  ].join('\n');
}

function row({ path, compression, packedBytes, details }: ModuleFile, folder: string): string[] {
  const place = plainText(folder ? path.slice(folder.length + 1) : path);
  const packing = compression === 'none' ? '-' : `${compression} ${size(packedBytes)}`;
  if (!details) return [place, '-', packing, 'unreadable', ...HEADING.slice(4).map(() => '-')];
  const { signature } = details;
  return [
    place,
    size(details.bytes),
    packing,
    list(details.depends),
    list(details.loadsBefore ?? []),
    list(details.softdeps),
    list(details.parameters),
    list(details.firmware.map(({ file, path: found }) => (found === undefined ? `${file} (missing)` : file))),
    signature ? signature.signer || '-' : 'unsigned',
    signature?.keyId || '-',
    signature?.hash ?? '-',
  ];
}

const list = (words: readonly string[]) => words.join(', ') || '-';

function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const kib = bytes / 1024;
  return kib < 1024 ? `${Math.round(kib)} KiB` : `${(kib / 1024).toFixed(1)} MiB`;
}
