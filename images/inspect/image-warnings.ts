import { type Finding, type Reason, sortFindings, warned } from '@kmm-fleet/api';
import { plainText } from '../registry/plain-text.ts';
import type { BadLink, ImageContents, KernelFolder, ModuleFile } from './image-contents.ts';

/** What will go wrong on a node, by path of what it is about. Pure. */
export function imageWarnings({ kernels, links, architecture }: ImageContents): Finding[] {
  const modules = kernels.flatMap((folder) => folder.modules);
  const findings = [
    ...(modules.length === 0 ? [noModules()] : []),
    ...kernels.flatMap(folderWarnings),
    ...kernels.flatMap((folder) =>
      folder.modules.flatMap((file) => moduleWarnings(file, folder, architecture)),
    ),
    ...unsignedAmongSigned(modules),
    ...links.map(linkWarning),
  ];
  return sortFindings(findings);
}

function noModules(): Finding {
  const next = 'Copy the modules to /opt/lib/modules/<kernel> in the last stage of the Dockerfile.';
  return warned('NoModules', '', 'The image holds no kernel module.', next);
}

function folderWarnings({ folder, kernel, hasDepmod, modules }: KernelFolder): Finding[] {
  if (kernel === '') {
    const [first] = modules;
    const message = `${count(modules.length)} outside of any lib/modules/<kernel>; modprobe does not find them.`;
    return [
      warned('ModuleOutsideKernel', first?.path ?? '', message, 'Copy them to /opt/lib/modules/<kernel>.'),
    ];
  }
  if (hasDepmod) return [];
  const base = folder.slice(0, -`/lib/modules/${kernel}`.length) || '/';
  const message = 'There is no modules.dep, and modprobe finds nothing without it.';
  return [
    warned('DepmodMissing', folder, message, `Add "RUN depmod -b ${base} ${kernel}" to the Dockerfile.`),
  ];
}

function moduleWarnings(file: ModuleFile, folder: KernelFolder, architecture: string): Finding[] {
  const { path, details, problem } = file;
  if (!details) return [warned('ModuleUnreadable', path, problem ?? '', 'Build the module again.')];
  const findings: Finding[] = [];
  const add = (reason: Reason, message: string, next: string) =>
    findings.push(warned(reason, path, message, next));
  if (folder.kernel && details.kernel !== folder.kernel)
    add(
      'KernelMismatch',
      `It is built for kernel ${details.kernel || '(none)'} and stands in the folder of ${folder.kernel}.`,
      'Build it with the headers of the kernel that its folder names.',
    );
  if (architecture && details.architecture !== architecture)
    add(
      'ArchitectureMismatch',
      `It is built for ${details.architecture}, the image says ${architecture}.`,
      'Build the image for the platform of the nodes.',
    );
  if (folder.hasDepmod && !details.loadsBefore)
    add('DepmodStale', 'modules.dep does not list it.', 'Run depmod after the last module was copied.');
  for (const { file: wanted } of details.firmware.filter((firmware) => firmware.path === undefined))
    add(
      'FirmwareMissing',
      `It asks for the firmware ${wanted}, which is in no firmware folder of the image.`,
      'Copy the file to the folder that firmwarePath names, or see that the nodes have it.',
    );
  // modules.dep also lists what is reached through a link, as to the modules of the kernel itself.
  const others = new Set([...folder.modules.map(({ name }) => name), ...(details.loadsBefore ?? [])]);
  for (const name of details.depends.filter((dependency) => !others.has(dependency.replaceAll('-', '_'))))
    add(
      'DependencyMissing',
      `It needs the module ${name}, which is not in the image.`,
      'Copy or link it beside this one, or load it before.',
    );
  return findings;
}

/** On a node that enforces signatures half of them would load. */
function unsignedAmongSigned(modules: readonly ModuleFile[]): Finding[] {
  const readable = modules.filter(({ details }) => details);
  const unsigned = readable.filter(({ details }) => !details?.signature);
  if (unsigned.length === readable.length) return [];
  const message = 'It is unsigned, others in the image are signed.';
  return unsigned.map(({ path }) =>
    warned(
      'UnsignedAmongSigned',
      path,
      message,
      'Name it in filesToSign, or name nothing there to sign all.',
    ),
  );
}

function linkWarning({ path, target, problem }: BadLink): Finding {
  const shown = plainText(target, 200);
  if (problem === 'leads-nowhere')
    return warned(
      'LinkBroken',
      path,
      `The link leads to ${shown}, which is not there.`,
      'Copy the file itself.',
    );
  const message = `The link leads to ${shown}, out of the image.`;
  return warned('LinkLeavesRoot', path, message, 'Copy the file, or link to a place inside of the image.');
}

const count = (modules: number) => (modules === 1 ? 'One module stands' : `${modules} modules stand`);
