import { couldNot, DEPMOD_MISSING, insmod, notFound, REJECTED, refused } from './kmod-words.ts';
import type { LoaderScenario } from './scenario.ts';

const BASE = 'kmm_e2e_base 0 - (O)';

const SIGNATURES: readonly LoaderScenario[] = [
  {
    name: 'Secure Boot: a module signed by a trusted key comes, also packed',
    node: 'secure',
    modules: { kmm_e2e_base: 'packed' },
    steps: [
      {
        load: { moduleName: 'kmm_e2e_base' },
        output: [`${insmod('kmm_e2e_base')}.zst`],
        modules: [BASE],
      },
    ],
  },
  {
    name: 'Secure Boot: an unsigned module is refused',
    node: 'secure',
    modules: { kmm_e2e_base: 'unsigned' },
    steps: [refused('kmm_e2e_base', REJECTED, ['Loading of unsigned module is rejected'])],
  },
  {
    name: 'Secure Boot: a module signed by somebody else is refused',
    node: 'secure',
    modules: { kmm_e2e_base: 'foreign signature' },
    steps: [refused('kmm_e2e_base', REJECTED, ['Loading of module with unavailable key is rejected'])],
  },
  {
    name: 'Secure Boot: a module that was changed after it was signed is refused, and the log says nothing',
    node: 'secure',
    modules: { kmm_e2e_base: 'tampered' },
    steps: [refused('kmm_e2e_base', REJECTED)],
  },
  {
    name: 'Secure Boot: what needs a module that is refused does not come, and is the one that is named',
    node: 'secure',
    modules: { kmm_e2e_base: 'unsigned', kmm_e2e_user: 'signed' },
    steps: [
      {
        load: { moduleName: 'kmm_e2e_user' },
        code: 1,
        output: [insmod('kmm_e2e_base'), couldNot('kmm_e2e_user', REJECTED)],
        words: [couldNot('kmm_e2e_user', REJECTED)],
        log: ['Loading of unsigned module is rejected'],
      },
    ],
  },
  ...(['unsigned', 'foreign signature', 'tampered', 'signed'] as const).map(
    (treatment): LoaderScenario => ({
      name: `without Secure Boot nobody checks: a module that is ${treatment} comes and taints`,
      node: 'plain',
      modules: { kmm_e2e_base: treatment },
      steps: [
        {
          load: { moduleName: 'kmm_e2e_base' },
          output: [insmod('kmm_e2e_base')],
          modules: ['kmm_e2e_base 0 - (OE)'],
        },
        { unload: { moduleName: 'kmm_e2e_base' }, output: ['rmmod kmm_e2e_base'] },
      ],
    }),
  ),
];

const VERSIONS: readonly LoaderScenario[] = [
  {
    name: 'a module of another version of Linux is refused',
    node: 'secure',
    modules: { kmm_e2e_base: 'other version' },
    steps: [
      refused('kmm_e2e_base', 'Exec format error', [
        'kmm_e2e_base: disagrees about version of symbol module_layout',
      ]),
    ],
  },
  {
    name: 'a module of a kernel with other settings is refused',
    node: 'secure',
    modules: { kmm_e2e_base: 'other settings' },
    steps: [
      refused('kmm_e2e_base', 'Exec format error', [
        "kmm_e2e_base: version magic 'RELEASE SMP preempt mod_versed modversions ' should be 'RELEASE SMP preempt mod_unload modversions '",
      ]),
    ],
  },
  {
    name: 'a file that is no module is refused',
    node: 'plain',
    modules: { kmm_e2e_base: 'not a module' },
    steps: [refused('kmm_e2e_base', 'Exec format error')],
  },
];

const IMAGES: readonly LoaderScenario[] = [
  {
    name: 'a module that is not in the image',
    node: 'secure',
    modules: { kmm_e2e_base: 'signed' },
    steps: [
      {
        load: { moduleName: 'kmm_e2e_user' },
        code: 1,
        output: [notFound('kmm_e2e_user')],
        words: [notFound('kmm_e2e_user')],
      },
      {
        unload: { moduleName: 'kmm_e2e_user' },
        code: 1,
        words: [notFound('kmm_e2e_user'), 'modprobe: FATAL: Module kmm_e2e_user not found.'],
      },
    ],
  },
  {
    name: 'a wrong dirName',
    node: 'secure',
    modules: { kmm_e2e_base: 'signed' },
    steps: [
      {
        load: { moduleName: 'kmm_e2e_base', dirName: '/srv' },
        code: 1,
        output: [notFound('kmm_e2e_base', '/srv/lib/modules/RELEASE')],
        words: [notFound('kmm_e2e_base', '/srv/lib/modules/RELEASE')],
      },
    ],
  },
  {
    name: 'an image for another kernel',
    node: 'secure',
    modules: { kmm_e2e_base: 'signed' },
    folder: '6.12.0-1-amd64',
    steps: [
      {
        load: { moduleName: 'kmm_e2e_base' },
        code: 1,
        output: [notFound('kmm_e2e_base')],
        words: [notFound('kmm_e2e_base')],
      },
    ],
  },
  {
    name: 'an image whose Dockerfile forgot depmod is told so',
    node: 'secure',
    modules: { kmm_e2e_base: 'signed' },
    isWithoutDepmod: true,
    steps: [
      {
        load: { moduleName: 'kmm_e2e_base' },
        code: 1,
        output: [notFound('kmm_e2e_base'), DEPMOD_MISSING],
        words: [notFound('kmm_e2e_base'), DEPMOD_MISSING],
      },
    ],
  },
];

/** Modules that do not come, and why; and those that nobody checks. */
export const REFUSALS: readonly LoaderScenario[] = [...SIGNATURES, ...VERSIONS, ...IMAGES];
