import { messageOf, UserError } from '../output/user-error.ts';

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'permission is denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is no folder',
};

/** Why a file cannot be read, without the words of system calls. */
export function whyUnreadable(error: unknown): string {
  const { code = '' } = error as NodeJS.ErrnoException;
  return WORDS[code] ?? messageOf(error);
}

/** Reads what an option names. @throws {UserError} that names the option, the file and the next step */
export async function readNamed<T>(
  option: string,
  file: string,
  next: string,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${option}: ${file} cannot be read: ${whyUnreadable(error)}. ${next}`);
  }
}
