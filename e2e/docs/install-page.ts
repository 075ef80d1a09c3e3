export const INSTALL_PAGE = 'docs/install.md';

/** Blocks of the page that e2e/policies.planes.test.ts runs as they are printed. */
export const FOLLOWED = [
  'hub',
  'hub-secret',
  'check-hub',
  'spokes-policy',
  'spokes-manifests',
  'check-spoke',
  'spoke-secrets',
  'first-module',
  'remove-policy',
  'remove-spoke',
  'remove-fleet',
  'spokes-addon',
] as const;
export type Followed = (typeof FOLLOWED)[number];

/** Blocks of this name print; e2e/docs.test.ts runs them, and e2e/install-forms.planes.test.ts applies what they print. */
export const PRINTING = 'print';

/** Blocks that no test runs as they are printed, and why: held is only that make has the target. */
export const READ_ONLY: Readonly<Record<string, string>> = {
  'make-images':
    'It takes minutes. The suite with real kernels runs an image that the function behind it has made.',
};
