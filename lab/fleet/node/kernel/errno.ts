import type { Errno } from './plan-load.ts';

/** What strerror(3) says. */
const TEXTS: Readonly<Record<Errno, string>> = {
  EBUSY: 'Device or resource busy',
  EEXIST: 'File exists',
  EINVAL: 'Invalid argument',
  EKEYREJECTED: 'Key was rejected by service',
  ENOENT: 'No such file or directory',
  ENOEXEC: 'Exec format error',
  ENOKEY: 'Required key not available',
  EPERM: 'Operation not permitted',
};

export const strerror = (errno: Errno): string => TEXTS[errno];

/** modprobe's own words for some of them. It calls ENOENT an unknown symbol also when firmware was missing. */
export function modprobeError(errno: Errno): string {
  if (errno === 'EEXIST') return 'Module already in kernel';
  if (errno === 'ENOENT') return 'Unknown symbol in module, or unknown parameter (see dmesg)';
  return strerror(errno);
}

/** insmod's words differ from modprobe's. */
export function insmodError(errno: Errno): string {
  if (errno === 'ENOEXEC') return 'Invalid module format';
  if (errno === 'ENOENT') return 'Unknown symbol in module';
  if (errno === 'EINVAL') return 'Invalid parameters';
  return strerror(errno);
}
